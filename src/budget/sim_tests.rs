//! The budget against a simulated bucket, with callers and somebody else who drinks from it: event by event, so that
//! minutes take milliseconds.

use super::*;
use crate::queue::Kind;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What AWS has: so many requests a second, and as many saved up.
struct Bucket {
    rate: f64,
    level: f64,
    at: f64,
}

impl Bucket {
    fn take(&mut self, at: f64) -> bool {
        self.level = (self.level + (at - self.at) * self.rate).min(self.rate);
        self.at = at;
        let there = self.level >= 1.0;
        if there {
            self.level -= 1.0;
        }
        there
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Somebody else sends a call.
    Foreign,
    /// A caller comes for the next call.
    Ask(usize),
    /// A call that was sent then reaches AWS.
    Arrive(usize, u64),
    /// Its answer comes back.
    Answer(usize, u64, bool),
    /// The time that the budget has asked for.
    Due,
}

/// What happened in a second.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    answered: f64,
    /// Of those, the second operator's.
    second: f64,
    throttled: f64,
    foreign: f64,
}

/// What a simulation is of.
#[derive(Clone, Copy, Debug)]
struct Setting {
    limit: f64,
    /// Those of one operator. With two of them, the other one's begin after a minute.
    callers: usize,
    operators: usize,
    /// Seconds that a call takes.
    latency: (f64, f64),
    /// From when to when somebody else takes half.
    foreign: (f64, f64),
    seconds: usize,
    limits: Limits,
    seed: u64,
}

struct Sim {
    setting: Setting,
    start: Instant,
    dice: fastrand::Rng,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    count: u64,
    /// When the budget is asked again at the latest.
    due: u64,
    told: Vec<Second>,
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6) as u64
}

impl Sim {
    fn push(&mut self, at: u64, event: Event) {
        self.count += 1;
        self.events.push(Reverse((at, self.count, event)));
    }

    fn half_way(&mut self) -> u64 {
        let (least, most) = self.setting.latency;
        micros((least + self.dice.f64() * (most - least)) / 2.0)
    }

    fn run(mut self) -> Vec<Second> {
        let set = self.setting;
        let mut bucket = Bucket { rate: set.limit, level: set.limit, at: 0.0 };
        let mut budgets: Vec<_> = (0..set.operators).map(|_| Budget::new(set.limits, self.start)).collect();
        for caller in 0..set.callers * set.operators {
            self.push(micros(60.0 * (caller % set.operators) as f64), Event::Ask(caller));
        }
        self.push(micros(set.foreign.0), Event::Foreign);
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            let (seconds, now) = (at as f64 / 1e6, self.start + Duration::from_micros(at));
            if seconds >= set.seconds as f64 {
                break;
            }
            let told = &mut self.told[seconds as usize];
            match event {
                Event::Foreign => {
                    told.foreign += f64::from(u8::from(bucket.take(seconds)));
                    if seconds < set.foreign.1 {
                        let next = micros((0.5 + self.dice.f64()) * 2.0 / set.limit);
                        self.push(at + next, Event::Foreign);
                    }
                }
                Event::Ask(caller) => {
                    budgets[caller % set.operators].wait(now, Kind::Change, format!("ns{caller}").into(), caller);
                }
                Event::Arrive(caller, sent) => {
                    let ok = bucket.take(seconds);
                    told.answered += f64::from(u8::from(ok));
                    told.second += f64::from(u8::from(ok && caller % set.operators == 1));
                    told.throttled += f64::from(u8::from(!ok));
                    let later = self.half_way();
                    self.push(at + later, Event::Answer(caller, sent, ok));
                }
                Event::Answer(caller, sent, ok) => {
                    let budget = &mut budgets[caller % set.operators];
                    match ok {
                        true => budget.answered(now),
                        false => budget.throttled(now, self.start + Duration::from_micros(sent), self.dice.u64(..)),
                    }
                    // What is done between two calls: writes to the API server, or another key.
                    let pause = micros(self.dice.f64() * 0.02);
                    self.push(at + pause, Event::Ask(caller));
                }
                Event::Due => {}
            }
            for budget in &mut budgets {
                while let Some(caller) = budget.next(now) {
                    let later = self.half_way();
                    self.push(at + later, Event::Arrive(caller, at));
                }
            }
            if let Some(due) = budgets.iter().filter_map(Budget::due).min() {
                let due = (due.saturating_duration_since(self.start).as_micros() as u64).max(at + 1);
                if self.due <= at || due < self.due {
                    self.due = due;
                    self.push(due, Event::Due);
                }
            }
        }
        self.told
    }
}

fn simulate(setting: Setting) -> Vec<Second> {
    let sim = Sim {
        setting,
        start: Instant::now(),
        dice: fastrand::Rng::with_seed(setting.seed),
        events: BinaryHeap::new(),
        count: 0,
        due: 0,
        told: vec![Second::default(); setting.seconds],
    };
    sim.run()
}

/// Which share of what there was for us is used, and which share of our calls is throttled.
fn measure(limit: f64, told: &[Second]) -> (f64, f64) {
    let sum = |of: fn(&Second) -> f64| told.iter().map(of).sum::<f64>();
    let (answered, throttled) = (sum(|s| s.answered), sum(|s| s.throttled));
    let there = limit * told.len() as f64 - sum(|s| s.foreign);
    (answered / there, throttled / (answered + throttled))
}

/// Alone for three minutes, one in company, and two alone again.
const SECONDS: usize = 360;
const COMPANY: (f64, f64) = (180.0, 240.0);

fn setting(limit: f64, latency: (f64, f64), seed: u64) -> Setting {
    let limits = Limits { min: 1.0, max: 100.0 };
    Setting { limit, callers: 8, operators: 1, latency, foreign: COMPANY, seconds: SECONDS, limits, seed }
}

#[test]
fn what_aws_gives_is_used_and_little_is_refused() {
    for latency in [(0.005, 0.02), (0.005, 0.2), (0.15, 0.2)] {
        for (limit, seed) in [5.0, 10.0, 20.0].into_iter().flat_map(|limit| (0..4).map(move |seed| (limit, seed))) {
            let told = simulate(setting(limit, latency, seed));
            // After a minute of learning: alone; with somebody who comes; all of it; and what was left free is found.
            let spans = [(60..180, 0.98, 0.02), (180..240, 0.88, 0.07), (60..360, 0.95, 0.02), (285..360, 0.97, 0.02)];
            for (span, least, most) in spans {
                let (used, throttled) = measure(limit, &told[span.clone()]);
                println!("{latency:?} {limit} {seed} {span:?}: {:.1} % used, {:.2} %", used * 100.0, throttled * 100.0);
                assert!(used >= least, "limit {limit}, seed {seed}, {latency:?}, seconds {span:?}: {used} used");
                assert!(throttled <= most, "limit {limit}, seed {seed}, {latency:?}, {span:?}: {throttled} throttled");
            }
        }
    }
}

#[test]
fn below_the_accounts_limit_it_is_ours_that_holds() {
    let limits = Limits { min: 1.0, max: 20.0 };
    let told = simulate(Setting { limits, foreign: (1e6, 1e6), ..setting(40.0, (0.005, 0.2), 1) });
    assert_eq!(told.iter().map(|second| second.throttled).sum::<f64>(), 0.0);
    let answered = told[60..].iter().map(|second| second.answered).sum::<f64>() / 300.0;
    assert!((19.8..=20.01).contains(&answered), "{answered} a second");
}

/// Operators of two clusters in one account: neither knows of the other, both get on.
#[test]
fn two_that_learn_share_what_there_is() {
    for limit in [5.0, 10.0, 20.0] {
        let alone = Setting { seconds: 960, foreign: (1e6, 1e6), ..setting(limit, (0.005, 0.2), 1) };
        let told = simulate(Setting { operators: 2, ..alone });
        let (used, throttled) = measure(limit, &told[120..]);
        let share = |told: &[Second]| {
            told.iter().map(|second| second.second).sum::<f64>()
                / told.iter().map(|second| second.answered).sum::<f64>()
        };
        let shares: Vec<f64> = told[120..].chunks(120).map(share).collect();
        println!("{limit}: {used:.3} used, {throttled:.4} throttled, {shares:.2?}");
        assert!(used >= 0.95 && throttled < 0.04, "limit {limit}: {used} used, {throttled} throttled");
        assert!(shares.iter().all(|share| (0.15..=0.85).contains(share)), "limit {limit}: {shares:?}");
    }
}
