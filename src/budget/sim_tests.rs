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
    throttled: f64,
    foreign: f64,
}

/// What a simulation is of.
#[derive(Clone, Copy, Debug)]
struct Setting {
    limit: f64,
    callers: usize,
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
        let mut budget = Budget::new(set.limits, self.start);
        (0..set.callers).for_each(|caller| self.push(0, Event::Ask(caller)));
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
                    budget.wait(now, Kind::Change, format!("ns{caller}").into(), caller);
                }
                Event::Arrive(caller, sent) => {
                    let ok = bucket.take(seconds);
                    told.answered += f64::from(u8::from(ok));
                    told.throttled += f64::from(u8::from(!ok));
                    let later = self.half_way();
                    self.push(at + later, Event::Answer(caller, sent, ok));
                }
                Event::Answer(caller, sent, ok) => {
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
            while let Some(caller) = budget.next(now) {
                let later = self.half_way();
                self.push(at + later, Event::Arrive(caller, at));
            }
            if let Some(due) = budget.due() {
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

#[test]
fn tune() {
    for latency in [(0.005, 0.02), (0.005, 0.2), (0.15, 0.2)] {
        for limit in [5.0, 10.0, 20.0] {
            let mut worst = [(1.0f64, 0.0f64); 5];
            let mut mean = [(0.0f64, 0.0f64); 5];
            for seed in 0..20 {
                let setting = Setting {
                    limit,
                    callers: 8,
                    latency,
                    foreign: (180.0, 240.0),
                    seconds: 360,
                    limits: Limits { min: 1.0, max: 100.0 },
                    seed,
                };
                let told = simulate(setting);
                let spans = [60..180, 180..240, 240..300, 300..360, 60..360];
                for (i, span) in spans.into_iter().enumerate() {
                    let m = measure(limit, &told[span]);
                    worst[i] = (worst[i].0.min(m.0), worst[i].1.max(m.1));
                    mean[i] = (mean[i].0 + m.0 / 20.0, mean[i].1 + m.1 / 20.0);
                }
            }
            let text = |v: [(f64, f64); 5]| v.map(|(u, t)| format!("{:5.1}/{:4.2}", u * 100.0, t * 100.0)).join("  ");
            println!("{latency:?} {limit:4} mean {}\n{:20} worst {}", text(mean), "", text(worst));
        }
    }
}
