//! Processes with clocks of their own, an API server, and a network between them that loses, delays and repeats.

use super::*;
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What happens in the model, by milliseconds of a time that nobody in it knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A process does what it has to do.
    Act,
    /// The API server gets a call: the version that a write is for (0: create), or a read.
    Serve { call: u64, write: Option<u64>, release: bool, answer: Option<u64> },
    /// The answer to a call: a version of ours, or what was read.
    Answer { call: u64, wrote: Option<u64>, read: Option<Option<(u64, usize)>> },
    /// A call has no answer in time.
    TimeOut { call: u64 },
    /// A watch shows it.
    Watched(Option<(u64, usize)>),
    /// The process dies, or is told to end.
    Die { politely: bool },
    /// Another begins in its place.
    Begin,
}

/// When, in which order, where, and under which name.
type Due = (u64, u64, usize, usize, Event);

struct Process {
    election: Election,
    name: usize,
    offset: u64,
    rate: f64,
    /// It does nothing before.
    stopped: u64,
    call: Option<(u64, u64)>,
    alive: bool,
    /// When its right ends or has ended at the latest, with what is in flight then.
    harmless: f64,
}

struct Model {
    dice: fastrand::Rng,
    zero: Instant,
    now: u64,
    calm: u64,
    order: u64,
    events: BinaryHeap<Reverse<Due>>,
    lease: Option<(u64, usize)>,
    version: u64,
    names: usize,
    all: Vec<Process>,
    reigns: usize,
}

const NOBODY: usize = usize::MAX;

impl Model {
    fn new(seed: u64, processes: usize, calm: u64) -> Self {
        let mut model = Self {
            dice: fastrand::Rng::with_seed(seed),
            zero: Instant::now(),
            now: 0,
            calm,
            order: 0,
            events: BinaryHeap::new(),
            lease: None,
            version: 0,
            names: 0,
            all: Vec::new(),
            reigns: 0,
        };
        for at in 0..processes {
            let (offset, rate) = (model.dice.u64(0..1_000_000), 0.98 + model.dice.f64() * 0.04);
            let election = Election::new(String::new());
            let (stopped, call, alive, harmless) = (0, None, false, 0.0);
            model.all.push(Process { election, name: NOBODY, offset, rate, stopped, call, alive, harmless });
            model.sometime(0..3000, at, Event::Begin);
        }
        model
    }

    fn later(&mut self, delay: u64, at: usize, event: Event) {
        self.order += 1;
        let name = self.all.get(at).map_or(NOBODY, |process| process.name);
        self.events.push(Reverse((self.now + delay, self.order, at, name, event)));
    }

    fn sometime(&mut self, delay: std::ops::Range<u64>, at: usize, event: Event) {
        let delay = self.dice.u64(delay);
        self.later(delay, at, event);
    }

    /// The process's own clock.
    fn clock(&self, at: usize) -> Instant {
        let process = &self.all[at];
        self.zero + Duration::from_millis(process.offset) + Duration::from_millis(self.now).mul_f64(process.rate)
    }

    /// How long a message takes, or that it is lost: short, longer than anybody waits, or much longer.
    fn way(&mut self) -> Option<u64> {
        match self.dice.u32(0..100) {
            _ if self.now >= self.calm => Some(self.dice.u64(1..20)),
            0..20 => None,
            20..30 => Some(self.dice.u64(500..30_000)),
            _ => Some(self.dice.u64(1..300)),
        }
    }

    fn view(lease: Option<(u64, usize)>) -> Option<Seen> {
        lease.map(|(version, name)| Seen {
            version: version.to_string(),
            holder: Some(name.to_string()).filter(|_| name != NOBODY),
        })
    }

    fn act(&mut self, at: usize) {
        let here = self.clock(at);
        let process = &self.all[at];
        if process.call.is_some() {
            return;
        }
        let (next, rate, known) = (process.election.next(here), process.rate, &process.election.sight);
        let version = known.as_ref().and_then(|s| s.lease.as_ref()).map_or(0, |l| l.version.parse().unwrap());
        match next {
            Lost => self.die(at),
            Wait(until) => {
                let wait = until.duration_since(here).as_millis() as f64 / rate;
                self.later(wait as u64 + 1, at, Event::Act);
            }
            Read => self.call(at, None),
            Write => self.call(at, Some(version)),
        }
    }

    fn call(&mut self, at: usize, write: Option<u64>) {
        self.order += 1;
        let (call, patience) = (self.order, self.all[at].election.patience(self.clock(at)));
        self.all[at].call = Some((call, self.now));
        self.later(patience.as_millis() as u64 + 1, at, Event::TimeOut { call });
        let answer = self.way();
        if let Some(way) = self.way() {
            self.later(way, at, Event::Serve { call, write, release: false, answer });
        }
    }

    fn serve(&mut self, at: usize, name: usize, event: &Event) {
        let Event::Serve { call, write, release, answer } = event else { return };
        let fits = write.is_some_and(|version| self.lease.map_or(0, |(version, _)| version) == version);
        if fits {
            self.version += 1;
            self.lease = Some((self.version, if *release { NOBODY } else { name }));
            for other in (0..self.all.len()).filter(|other| *other != at) {
                // Not in order either: that, too, must do no harm.
                if let Some(way) = self.way() {
                    self.later(way, other, Event::Watched(self.lease));
                }
            }
        }
        if let Some(way) = answer {
            let wrote = fits.then_some(self.version);
            let read = write.is_none().then_some(self.lease);
            self.later(*way, at, Event::Answer { call: *call, wrote, read });
        }
    }

    fn answered(&mut self, at: usize, wrote: Option<u64>, read: Option<Option<(u64, usize)>>) {
        let here = self.clock(at);
        let Some((_, begun)) = self.all[at].call.take() else { return };
        let led = self.all[at].election.leads();
        let process = &mut self.all[at];
        let started = here - Duration::from_millis(self.now - begun).mul_f64(process.rate);
        match (wrote, read) {
            (Some(version), _) => process.election.wrote(version.to_string(), started, here),
            (None, Some(lease)) => process.election.seen(Self::view(lease), here),
            (None, None) => process.election.conflict(here),
        }
        if process.election.leads() && wrote.is_some() {
            let span = (RENEW_DEADLINE + ATTEMPT).as_millis() as f64;
            process.harmless = begun as f64 + span / process.rate;
            if !led {
                self.reigns += 1;
                for other in (0..self.all.len()).filter(|other| *other != at) {
                    assert!(!self.all[other].election.fence().holds(self.clock(other)), "two lead at {}", self.now);
                    let harmless = self.all[other].harmless;
                    assert!(harmless <= self.now as f64, "calls of the former until {harmless}, now {}", self.now);
                }
            }
        }
        self.act(at);
    }

    fn die(&mut self, at: usize) {
        let process = &mut self.all[at];
        process.alive = false;
        process.call = None;
        process.election.end();
        self.sometime(100..5000, at, Event::Begin);
    }

    fn happen(&mut self, at: usize, name: usize, event: Event) {
        let current = self.all[at].name == name && self.all[at].alive;
        match event {
            Event::Serve { .. } => self.serve(at, name, &event),
            Event::Begin => {
                self.names += 1;
                let (name, call, alive) = (self.names, None, true);
                let election = Election::new(name.to_string());
                let (offset, rate, harmless) = (self.all[at].offset, self.all[at].rate, self.all[at].harmless);
                self.all[at] = Process { election, name, offset, rate, stopped: 0, call, alive, harmless };
                if self.now < self.calm {
                    let politely = self.dice.bool();
                    self.sometime(1000..120_000, at, Event::Die { politely });
                }
                self.act(at);
            }
            _ if !current || self.now >= self.calm && matches!(event, Event::Die { .. }) => {}
            _ if self.now < self.all[at].stopped => {
                let delay = self.all[at].stopped - self.now;
                self.later(delay, at, event);
            }
            Event::Act => {
                if self.now < self.calm && self.dice.u32(0..50) == 0 {
                    self.all[at].stopped = self.now + self.dice.u64(1000..30_000);
                }
                self.act(at);
            }
            Event::Answer { call, wrote, read } if self.all[at].call.is_some_and(|(open, _)| open == call) => {
                self.answered(at, wrote, read);
            }
            Event::TimeOut { call } if self.all[at].call.is_some_and(|(open, _)| open == call) => {
                self.all[at].call = None;
                let here = self.clock(at);
                self.all[at].election.failed(here);
                self.act(at);
            }
            Event::Watched(lease) if !self.all[at].election.leads() => {
                let here = self.clock(at);
                self.all[at].election.seen(Self::view(lease), here);
                self.act(at);
            }
            Event::Die { politely } => {
                let led = self.all[at].election.leads();
                // Politely: after all in flight has ended. The Lease is read, and released if it is ours.
                if let (true, true, Some((version, holder))) = (politely, led, self.lease)
                    && holder == name
                {
                    self.all[at].harmless = self.now as f64;
                    let (write, delay) = (Some(version), self.dice.u64(1..3000));
                    self.later(delay, at, Event::Serve { call: 0, write, release: true, answer: None });
                }
                self.die(at);
            }
            _ => {}
        }
    }

    fn run(&mut self, end: u64) {
        while self.events.peek().is_some_and(|Reverse((time, ..))| *time <= end) {
            let Some(Reverse((time, _, at, name, event))) = self.events.pop() else { return };
            self.now = time;
            self.happen(at, name, event);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Messages are lost, late or doubled, processes stop, die, are told to end, their clocks differ in time and speed.
    #[test]
    fn never_two_and_soon_one(seed: u64, processes in 2usize..4) {
        let calm = 300_000;
        let mut model = Model::new(seed, processes, calm);
        // What was sent before is under way for half a minute at most; then a Lease runs out, and it is claimed.
        model.run(calm + 30_000 + 17_000);
        let leaders = |model: &Model| (0..processes).filter(|at| model.all[*at].election.leads()).collect::<Vec<_>>();
        let first = leaders(&model);
        prop_assert_eq!(first.len(), 1);
        let reigns = model.reigns;
        model.run(calm + 120_000);
        prop_assert_eq!((leaders(&model), model.reigns), (first, reigns), "where nothing happens it stays so");
        prop_assert!(reigns > 1, "much has happened: {} reigns", reigns);
    }
}
