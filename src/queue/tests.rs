//! The queue against a model that keeps everything in one list, and its promises over long runs.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

fn key(namespace: usize, name: usize) -> Key {
    Key::binding(format!("ns{namespace}"), format!("b{name}"))
}

fn after(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

fn start() -> Instant {
    // Some instant: the queue only compares what it is given.
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// Pops and ends all that is due.
fn drain(queue: &mut Queue, now: Instant) -> Vec<String> {
    let mut served = Vec::new();
    while let Some((key, _)) = queue.pop(now) {
        queue.done(&key);
        let Key::Binding(key) = key else { panic!("{key}") };
        served.push(key.to_string());
    }
    served
}

#[test]
fn namespaces_take_turns_and_within_one_it_is_first_come_first_served() {
    let mut queue = Queue::new();
    for name in 0..3 {
        queue.push(key(1, name), Kind::Change, When::Now);
    }
    assert_eq!(queue.pop(start()).unwrap().0, key(1, 0));
    queue.push(key(2, 0), Kind::Change, When::Now);
    queue.push(key(2, 1), Kind::Change, When::Now);
    queue.push(key(3, 0), Kind::Change, When::Now);
    // Those that are new go before the one that has been served, and then after it.
    let order = ["ns2/b0", "ns3/b0", "ns1/b1", "ns2/b1", "ns1/b2"];
    assert_eq!(drain(&mut queue, start()), order);
}

#[test]
fn one_who_comes_back_all_the_time_gets_every_other_turn() {
    let mut queue = Queue::new();
    for name in 0..10 {
        queue.push(key(1, name), Kind::Change, When::Now);
    }
    let mut served = [0, 0];
    for _ in 0..10 {
        // Done before the next turn, so that its namespace has nothing queued in between.
        queue.push(key(0, 0), Kind::Change, When::Now);
        let (key, _) = queue.pop(start()).unwrap();
        queue.done(&key);
        served[usize::from(key.namespace().as_ref() == "ns1")] += 1;
    }
    assert_eq!(served, [5, 5]);
}

#[test]
fn kinds_are_served_by_their_weights() {
    let mut queue = Queue::new();
    let mut served = [0; 5];
    for (i, kind) in Kind::ALL.into_iter().enumerate() {
        queue.push(key(i, 0), kind, When::Now);
    }
    for _ in 0..2700 {
        let (key, kind) = queue.pop(start()).unwrap();
        served[kind as usize] += 1;
        queue.done(&key);
        queue.push(key, kind, When::Now);
    }
    for (kind, served) in Kind::ALL.into_iter().zip(served) {
        assert!((served - 100 * kind.weight().cast_signed()).abs() <= 1, "{served} of {kind:?}");
    }
}

#[test]
fn a_kind_that_had_no_work_has_saved_up_nothing() {
    let mut queue = Queue::new();
    for name in 0..100 {
        queue.push(key(0, name), Kind::Change, When::Now);
    }
    drain(&mut queue, start());
    for name in 0..100 {
        queue.push(key(0, name), Kind::Change, When::Now);
        queue.push(key(1, name), Kind::Repair, When::Now);
    }
    let first = drain(&mut queue, start());
    let repairs = first[..50].iter().filter(|k| k.starts_with("ns1")).count();
    assert!((9..=11).contains(&repairs), "{repairs}");
}

#[test]
fn a_failure_is_only_shortened_by_what_may_have_mended_it() {
    let later = When::NotBefore(after(start(), 300));
    for (kind, shortened) in Kind::ALL.into_iter().zip([true, true, false, false, false]) {
        let mut queue = Queue::new();
        queue.push(key(0, 0), Kind::Repair, later);
        queue.push(key(0, 0), kind, When::Now);
        queue.push(key(0, 0), kind, When::At(after(start(), 1)));
        assert_eq!(queue.pop(after(start(), 299)).is_some(), shortened, "{kind:?}");
        // The stronger reason is kept for when it is due.
        let found = queue.pop(after(start(), 300)).map(|(_, kind)| kind);
        assert_eq!(found, (!shortened).then_some(Kind::Repair));
    }
}

#[test]
fn a_beat_is_shortened_by_anything() {
    let mut queue = Queue::new();
    queue.push(key(0, 0), Kind::Sweep, When::At(after(start(), 600)));
    assert_eq!((queue.next_due(), queue.len()), (Some(after(start(), 600)), 1));
    queue.push(key(0, 0), Kind::Sweep, When::At(after(start(), 900)));
    queue.push(key(0, 0), Kind::Fallback, When::At(after(start(), 300)));
    assert!(queue.pop(after(start(), 299)).is_none());
    assert_eq!(queue.next_due(), Some(after(start(), 300)));
    queue.push(key(0, 0), Kind::Fallback, When::Now);
    assert_eq!((queue.depth().due, queue.depth().delayed, queue.next_due()), ([0, 0, 0, 1, 0], [0; 5], None));
    assert_eq!(queue.pop(start()), Some((key(0, 0), Kind::Sweep)));
}

#[test]
fn what_comes_in_flight_follows_afterwards() {
    let mut queue = Queue::new();
    queue.push(key(0, 0), Kind::Sweep, When::Now);
    queue.pop(start()).unwrap();
    queue.push(key(0, 0), Kind::Change, When::Now);
    assert!(queue.pop(start()).is_none() && queue.is_empty());
    assert_eq!(queue.depth().in_flight, [0, 0, 0, 1, 0], "why it was taken");
    // It failed meanwhile: the change that came since may have mended that.
    queue.push(key(0, 0), Kind::Repair, When::NotBefore(after(start(), 300)));
    queue.done(&key(0, 0));
    assert_eq!(queue.pop(start()), Some((key(0, 0), Kind::Change)));
    // A beat may not.
    queue.push(key(0, 0), Kind::Sweep, When::Now);
    queue.push(key(0, 0), Kind::Repair, When::NotBefore(after(start(), 300)));
    queue.done(&key(0, 0));
    assert!(queue.pop(start()).is_none() && queue.next_due().is_some());
    queue.done(&key(0, 0));
    assert_eq!(queue.len(), 1);
}

#[test]
fn what_is_forgotten_does_not_come_back() {
    let mut queue = Queue::new();
    queue.push(key(0, 0), Kind::Change, When::Now);
    queue.push(key(0, 1), Kind::Change, When::At(start()));
    queue.push(Key::class("default"), Kind::Change, When::Now);
    queue.forget(&key(0, 0));
    queue.forget(&key(0, 1));
    queue.forget(&key(0, 2));
    assert_eq!(queue.pop(start()).unwrap().0, Key::class("default"));
    queue.push(Key::class("default"), Kind::Change, When::Now);
    queue.forget(&Key::class("default"));
    queue.done(&Key::class("default"));
    assert!(queue.pop(start()).is_none());
    assert_eq!((queue.len(), queue.entries.len(), queue.depth()), (0, 0, Depth::default()));
}

#[test]
fn a_namespace_without_work_is_forgotten() {
    let mut queue = Queue::new();
    for round in 0..1000 {
        queue.push(key(round, 0), Kind::Change, When::Now);
        queue.push(key(0, 1), Kind::Change, When::Now);
        let (key, _) = queue.pop(start()).unwrap();
        queue.done(&key);
    }
    drain(&mut queue, start());
    assert_eq!(queue.lanes.remembered(), 0);
}

#[derive(Clone, Debug)]
enum Op {
    Push(usize, usize, When2),
    Pop,
    Done(usize),
    Forget(usize),
    Pass(u64),
}

#[derive(Clone, Copy, Debug)]
enum When2 {
    Now,
    At(u64),
    NotBefore(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let when = prop_oneof![
        3 => Just(When2::Now),
        1 => (0u64..20).prop_map(When2::At),
        1 => (0u64..20).prop_map(When2::NotBefore)
    ];
    prop_oneof![
        6 => (0..KEYS, 0usize..5, when).prop_map(|(k, kind, when)| Op::Push(k, kind, when)),
        6 => Just(Op::Pop),
        4 => (0..KEYS).prop_map(Op::Done),
        1 => (0..KEYS).prop_map(Op::Forget),
        1 => (1u64..10).prop_map(Op::Pass),
    ]
}

const KEYS: usize = 12;

/// All that is known of a key, in plain words.
#[derive(Clone, Copy, Default)]
struct Plain {
    in_flight: bool,
    want: Option<Want>,
    /// Pops that went to others of its kind since it became due.
    passed_over: usize,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_is_lost_doubled_early_or_starved(ops in prop::collection::vec(op(), 0..300)) {
        let mut queue = Queue::new();
        let mut plain = [Plain::default(); KEYS];
        let mut now = start();
        let name = |k: usize| key(k % 4, k);
        for op in ops {
            match op {
                Op::Push(k, kind, when) => {
                    let when = match when {
                        When2::Now => When::Now,
                        When2::At(s) => When::At(after(now, s)),
                        When2::NotBefore(s) => When::NotBefore(after(now, s)),
                    };
                    let new = Want { kind: Kind::ALL[kind], when };
                    queue.push(name(k), new.kind, when);
                    plain[k].want = Some(plain[k].want.map_or(new, |old| old.merged(new)));
                }
                Op::Pop => {
                    let due = |p: &Plain| !p.in_flight && p.want.is_some_and(|w| match w.when {
                        When::Now => true,
                        When::At(at) | When::NotBefore(at) => at <= now,
                    });
                    // A time that has come is as good as now, whether or not it is served at once.
                    for p in plain.iter_mut().filter(|p| due(p)) {
                        p.want = p.want.map(|w| Want { when: When::Now, ..w });
                    }
                    let Some((popped, kind)) = queue.pop(now) else {
                        prop_assert!(!plain.iter().any(due));
                        continue;
                    };
                    let k = (0..KEYS).find(|k| name(*k) == popped).unwrap();
                    prop_assert!(due(&plain[k]));
                    prop_assert_eq!(plain[k].want.unwrap().kind, kind);
                    plain[k] = Plain { in_flight: true, ..Plain::default() };
                    for p in plain.iter_mut().filter(|p| due(p)) {
                        p.passed_over += 1;
                        // Each kind is served once in 27 turns (twice that at the seams, as kinds come and go), each
                        // namespace once in as many of these as there are, each key after those of its namespace.
                        prop_assert!(p.passed_over <= 27 * 2 * KEYS);
                    }
                }
                Op::Done(k) => {
                    queue.done(&name(k));
                    plain[k].in_flight = false;
                }
                Op::Forget(k) => {
                    queue.forget(&name(k));
                    plain[k].want = None;
                }
                Op::Pass(seconds) => now = after(now, seconds),
            }
            let waiting = plain.iter().filter(|p| p.want.is_some() && !p.in_flight).count();
            let depth = queue.depth();
            prop_assert_eq!(queue.len(), waiting);
            prop_assert_eq!(depth.due.iter().chain(&depth.delayed).sum::<usize>(), waiting);
            prop_assert_eq!(depth.in_flight.iter().sum::<usize>(), plain.iter().filter(|p| p.in_flight).count());
            prop_assert!(queue.lanes.remembered() <= 4 * 5);
        }
    }

    /// A key that waits is served although others never leave off: within its namespace's turns, and its kind's.
    #[test]
    fn no_key_starves(
        kind in 0usize..5,
        others in prop::collection::vec((1usize..6, 0usize..5), 1..30),
        behind in 0usize..4,
    ) {
        let mut queue = Queue::new();
        for name in 0..behind {
            queue.push(key(0, name), Kind::ALL[kind], When::Now);
        }
        let mine = key(0, 99);
        queue.push(mine.clone(), Kind::ALL[kind], When::Now);
        for (i, (namespace, kind)) in others.iter().enumerate() {
            queue.push(key(*namespace, i), Kind::ALL[*kind], When::Now);
        }
        let mut turns = 0;
        loop {
            let (popped, kind) = queue.pop(start()).unwrap();
            turns += 1;
            prop_assert!(turns <= 27 * 6 * (behind + 1), "{}", turns);
            if popped == mine {
                break;
            }
            queue.done(&popped);
            queue.push(popped, kind, When::Now);
        }
    }
}
