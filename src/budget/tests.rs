//! What the budget promises, by example and over random histories.

use super::*;
use proptest::prelude::*;

const MIDDLE: u64 = 1 << 63;

fn budget<T>(min: f64, max: f64) -> (Budget<T>, Instant) {
    let start = Instant::now();
    (Budget::new(Limits { min, max }, start), start)
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// All whose turn it is by then.
fn served<T>(budget: &mut Budget<T>, now: Instant) -> Vec<T> {
    std::iter::from_fn(|| budget.next(now)).collect()
}

#[test]
fn an_account_that_rests_gives_the_calls_of_one_binding_at_once_and_then_by_the_rate() {
    let (mut budget, start) = budget(10.0, 10.0);
    for call in 0..20 {
        budget.wait(start, Kind::Change, "a".into(), call);
    }
    assert_eq!(served(&mut budget, start), [0, 1, 2, 3, 4, 5]);
    let due = budget.due().unwrap() - start;
    assert!((ms(100)..ms(101)).contains(&due), "{due:?}");
    assert_eq!(served(&mut budget, start + ms(1001)).len(), 10 - 4, "no more is saved up while nobody takes it");
    assert_eq!(budget.due().map(|due| due > start + ms(1001)), Some(true));
    assert_eq!(Budget::<()>::new(Limits { min: 2.0, max: 2.0 }, start).tokens, 1.2, "less where the rate is low");
}

#[test]
fn kinds_and_namespaces_take_turns_as_in_the_queue() {
    let (mut budget, start) = budget(1.0, 1.0);
    for (kind, namespace, who) in [
        (Kind::Sweep, "s", "sweep"),
        (Kind::Change, "a", "a1"),
        (Kind::Change, "a", "a2"),
        (Kind::Change, "a", "a3"),
        (Kind::Change, "b", "b1"),
        (Kind::Change, "b", "b2"),
    ] {
        budget.wait(start, kind, namespace.into(), who);
    }
    let mut order = Vec::new();
    for second in 0..6 {
        let now = start + ms(1100 * second);
        if second == 3 {
            budget.wait(now, Kind::Change, "new".into(), "new");
        }
        order.extend(budget.next(now));
    }
    assert_eq!(order, ["a1", "sweep", "b1", "new", "a2", "b2"]);
}

#[test]
fn who_leaves_takes_nothing() {
    let (mut budget, start) = budget(1.0, 1.0);
    let first = budget.wait(start, Kind::Change, "a".into(), 1);
    let second = budget.wait(start, Kind::Change, "b".into(), 2);
    budget.wait(start, Kind::Change, "c".into(), 3);
    assert_eq!(budget.leave(start, &first), Some(1));
    assert_eq!(budget.next(start), Some(2));
    assert_eq!(budget.leave(start, &second), None, "it has had its turn");
    assert_eq!(budget.next(start), None);
    budget.give_back();
    assert_eq!(budget.next(start), Some(3));
    assert_eq!(budget.due(), None, "nobody waits");
}

#[test]
fn a_throttle_halves_the_rate_for_a_moment_and_once() {
    let (mut budget, start) = budget::<()>(1.0, 100.0);
    assert_eq!(budget.rate(start), 10.3);
    budget.throttled(start + ms(200), start + ms(100), MIDDLE);
    let half = budget.rate(start + ms(200));
    assert!((5.0..5.2).contains(&half), "{half}");
    assert_eq!(budget.next(start + ms(200)), None, "nothing is saved up");
    budget.throttled(start + ms(300), start + ms(150), MIDDLE);
    budget.throttled(start + ms(900), start + ms(850), MIDDLE);
    assert_eq!(budget.rate(start + ms(900)), half, "what comes in this moment tells nothing new");
    let after = budget.rate(start + ms(1300));
    assert!(after > half, "{after}");
    budget.throttled(start + ms(1300), start + ms(1100), MIDDLE);
    assert_eq!(budget.rate(start + ms(1300)), after, "sent before that moment ended");
    budget.throttled(start + ms(1400), start + ms(1300), MIDDLE);
    assert!(budget.rate(start + ms(1400)) < after);
}

#[test]
fn the_rate_stays_within_its_limits() {
    let (mut budget, start) = budget::<()>(4.0, 15.0);
    let mut now = start;
    for _ in 0..50 {
        budget.throttled(now, now, MIDDLE);
        assert!(budget.rate(now) >= 4.0);
        now += ms(2000);
    }
    assert!(budget.rate(now) <= 4.5, "{}", budget.rate(now));
    budget.wait(now, Kind::Change, "a".into(), ());
    assert_eq!(budget.rate(now + ms(120_000)), 15.0);
}

#[test]
fn what_nobody_asked_for_proves_nothing() {
    let (mut budget, start) = budget::<()>(1.0, 100.0);
    let before = budget.rate(start);
    assert_eq!(budget.rate(start + ms(3_600_000)), before);
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Op {
    Wait(Kind, u8),
    Leave(usize),
    Serve(u64),
    Answer { throttled: bool },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (proptest::sample::select(Kind::ALL.to_vec()), 0u8..4).prop_map(|(kind, ns)| Op::Wait(kind, ns)),
        1 => any::<usize>().prop_map(Op::Leave),
        4 => (0u64..800).prop_map(Op::Serve),
        1 => any::<bool>().prop_map(|throttled| Op::Answer { throttled }),
    ]
}

proptest! {
    /// Everybody is served once or has left, in time, and never more than the rate lets pass.
    #[test]
    fn nobody_starves_and_nothing_is_given_that_is_not_there(ops in proptest::collection::vec(op(), 1..200)) {
        let (mut budget, start) = budget::<usize>(1.0, 20.0);
        let (mut now, mut granted) = (start, 0.0);
        let (mut places, mut waiting) = (Vec::new(), std::collections::BTreeSet::new());
        // At the highest rate there can be: the budget's own is lower.
        let most = |now: Instant| 20.0 * (now - start).as_secs_f64() + BURST + 1e-6;
        for op in ops {
            match op {
                Op::Wait(kind, namespace) => {
                    waiting.insert(places.len());
                    let who = places.len();
                    places.push(budget.wait(now, kind, format!("ns{namespace}").into(), who));
                }
                Op::Leave(which) if !places.is_empty() => {
                    let which = which % places.len();
                    prop_assert_eq!(budget.leave(now, &places[which]).is_some(), waiting.remove(&which));
                }
                Op::Leave(_) => {}
                Op::Serve(after) => {
                    now += ms(after);
                    for who in served(&mut budget, now) {
                        prop_assert!(waiting.remove(&who), "{} was served twice, or had left", who);
                        granted += 1.0;
                    }
                    prop_assert!(granted <= most(now));
                }
                Op::Answer { throttled: true } => budget.throttled(now, now, 0),
                Op::Answer { throttled: false } => budget.answered(now),
            }
            prop_assert_eq!(budget.due().is_some(), !waiting.is_empty());
        }
        // At the lowest rate, each takes a second. It is asked when it wants to be.
        let (last, count) = (now, waiting.len());
        while let Some(due) = budget.due() {
            now = now.max(due);
            for who in served(&mut budget, now) {
                prop_assert!(waiting.remove(&who));
            }
            prop_assert!(now <= last + Duration::from_secs(count as u64 + 2), "{} left at {:?}", waiting.len(), now - last);
        }
        prop_assert!(waiting.is_empty());
    }

    /// However many come and go around them, those who wait are served by turns: within a round of all kinds and
    /// namespaces.
    #[test]
    fn a_kind_of_little_weight_is_served_too(kind in proptest::sample::select(Kind::ALL.to_vec())) {
        let (mut budget, start) = budget(20.0, 20.0);
        for _ in 0..10 {
            Kind::ALL.into_iter().for_each(|kind| { budget.wait(start, kind, "others".into(), false); });
        }
        budget.wait(start, kind, "one".into(), true);
        for turn in 1.. {
            prop_assert!(turn <= 2 * 27 + 1, "{kind:?} waits for ever");
            if budget.next(start + ms(50 * turn)) == Some(true) {
                break;
            }
            budget.wait(start + ms(50 * turn), Kind::Change, "others".into(), false);
        }
    }
}
