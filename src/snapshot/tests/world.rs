//! An account whose replicas lag behind, sweeps of it, and bindings that do what the controller does with a snapshot.
//! Whatever the snapshot says on the way is held against what can be known.

use super::sweeps::{Page, Sweep};
use super::*;

/// Seconds for which a read may show what was before, in any order.
pub const LAG: u64 = 60;
/// Seconds after which a change may still be made whose answer was lost.
pub const LATE: u64 = 20;
pub const SETTLED: u64 = SETTLE.as_secs();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Details,
    Boundary,
    Session,
}
pub const PARTS: [Part; 3] = [Part::Details, Part::Boundary, Part::Session];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Create,
    Set(Part),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Answered,
    Refused,
    /// The answer is lost, and the change is made so many seconds later, or never.
    Lost(Option<u64>),
}

/// A plan that is being carried out.
#[derive(Debug)]
pub struct Job {
    pub steps: Vec<Step>,
    known: Option<Role>,
    wish: (u64, Role),
    fate: Fate,
    /// What AWS has said to the step that is under way.
    made: Option<Result<Role, &'static str>>,
}

/// A binding, and what can be known of its role.
#[derive(Debug, Default)]
pub struct Binding {
    pub wish: Option<(u64, Role)>,
    pub woken: bool,
    pub waits: bool,
    pub was_true: bool,
    pub fresh: bool,
    pub job: Option<Job>,
    /// When our last change ended.
    pub written: Option<u64>,
    /// What was agreed on since then, by a read or a page.
    pub agreed: Option<(u64, Prints)>,
    pub reads: u32,
    /// Writes that changed nothing, and what may have misled us: changes outside, and lost answers.
    pub idle: u32,
    pub misled: u32,
    /// Ids of its roles that we deleted.
    pub dead: BTreeSet<String>,
}

#[derive(Debug)]
pub struct World {
    pub snapshot: Snapshot,
    start: Instant,
    pub now: u64,
    pub luck: fastrand::Rng,
    /// No two changes are alike.
    count: i32,
    /// Bulk calls leave boundaries out.
    pub blind: bool,
    /// Every call is answered at once.
    pub calm: bool,
    pub history: Vec<Vec<(u64, Option<Role>)>>,
    late: Vec<(u64, usize, Step, Role)>,
    pub bindings: Vec<Binding>,
    pub sweep: Option<Sweep>,
    pub pages: Vec<Page>,
}

pub fn get(role: &Role, part: Part) -> String {
    match part {
        Part::Details => format!("{:?}", role.attached),
        Part::Boundary => format!("{:?}", role.boundary),
        Part::Session => role.max_session.to_string(),
    }
}

pub fn set(role: &mut Role, part: Part, like: &Role) {
    match part {
        Part::Details => role.attached.clone_from(&like.attached),
        Part::Boundary => role.boundary.clone_from(&like.boundary),
        Part::Session => role.max_session = like.max_session,
    }
}

impl World {
    /// So many bindings whose roles an earlier process made.
    pub fn new(seed: u64, bindings: usize, blind: bool) -> Self {
        let mut world = Self {
            snapshot: Snapshot::default(),
            start: Instant::now(),
            now: 1000,
            luck: fastrand::Rng::with_seed(seed),
            count: 0,
            blind,
            calm: false,
            history: vec![vec![(0, None)]; bindings],
            late: Vec::new(),
            bindings: (0..bindings).map(|_| Binding::default()).collect(),
            sweep: None,
            pages: Vec::new(),
        };
        for i in 0..bindings {
            let wish = world.another(i);
            world.history[i].push((1, Some(wish.clone())));
            world.bindings[i] =
                Binding { wish: Some((0, wish)), woken: true, was_true: world.luck.bool(), ..Binding::default() };
        }
        world
    }

    pub fn at(&self, time: u64) -> Instant {
        self.start + Duration::from_secs(time)
    }

    /// A role like none before.
    pub fn another(&mut self, i: usize) -> Role {
        self.count += 1;
        let mut role = role(&i.to_string(), self.count);
        role.id = format!("{i}-{}", self.count);
        role.attached.insert(self.count.to_string());
        role.boundary = Some(self.count.to_string());
        role
    }

    pub fn truth(&self, i: usize) -> Option<&Role> {
        self.history[i].last().unwrap().1.as_ref()
    }

    pub fn change(&mut self, i: usize, to: Option<Role>) {
        self.history[i].push((self.now, to));
    }

    /// What some replica shows now.
    pub fn read(&mut self, i: usize) -> Option<Role> {
        let history = &self.history[i];
        let first = (1..history.len()).find(|&next| history[next].0 + LAG > self.now).unwrap_or(history.len()) - 1;
        history[self.luck.usize(first..history.len())].1.clone()
    }

    pub fn pass(&mut self, seconds: u64) {
        let end = self.now + seconds;
        self.late.sort_by_key(|late| late.0);
        while self.late.first().is_some_and(|late| late.0 <= end) {
            let (at, i, step, wish) = self.late.remove(0);
            self.now = at;
            let _ = self.make(i, step, &wish);
        }
        self.now = end;
    }

    /// AWS makes a change, as it does: only this part of the role, whatever else has become of it.
    fn make(&mut self, i: usize, step: Step, wish: &Role) -> Result<Role, &'static str> {
        let role = match (step, self.truth(i).cloned()) {
            (Step::Create, Some(_)) => return Err("exists"),
            (Step::Create, None) => {
                let id = self.another(i).id;
                Role { id, attached: BTreeSet::new(), ..wish.clone() }
            }
            (Step::Set(_), None) => return Err("missing"),
            (Step::Set(part), Some(mut role)) => {
                if get(&role, part) == get(wish, part) {
                    self.bindings[i].idle += 1;
                }
                set(&mut role, part, wish);
                role
            }
        };
        self.change(i, Some(role.clone()));
        Ok(role)
    }

    /// A reconcile, until it sends its first change or is over.
    pub fn work(&mut self, i: usize) {
        let (now, arn) = (self.at(self.now), arn(&i.to_string()));
        let binding = &mut self.bindings[i];
        let Some((wish, role)) = binding.wish.clone() else { return };
        let question = Question { arn: &arn, wish, wanted: Prints::of(&role), was_true: binding.was_true, due: None };
        let first = self.snapshot.account(ACCOUNT).and_then(Account::taken).is_none();
        let judgement = self.snapshot.judge(&question, SETTLE, now);
        if binding.job.is_some() {
            return assert_eq!(judgement, Judgement::Look, "nobody knows what a role is while it is changed");
        }
        (binding.woken, binding.waits) = (false, false);
        match judgement {
            Judgement::Agreed(_) => match binding.agreed {
                Some(agreed) => assert_eq!(agreed.0, wish, "it was another wish that was agreed on"),
                None => {
                    assert_eq!(binding.written, None, "what we wrote is read before it is agreed on");
                    binding.agreed = Some((wish, question.wanted));
                }
            },
            Judgement::Wait => {
                let presumed = binding.agreed.is_some_and(|(wish, _)| wish == question.wish);
                assert!(first || presumed, "who is presumed to be as desired waits, and nobody else");
                assert!(binding.was_true && binding.written.is_none(), "only who was true and was not written waits");
                binding.waits = true;
                binding.agreed = Some((question.wish, question.wanted));
            }
            Judgement::Look => self.look(i),
        }
    }

    fn look(&mut self, i: usize) {
        let arn = arn(&i.to_string());
        let own = self.snapshot.own(&arn, SETTLE, self.at(self.now));
        let shown = self.read(i);
        let fresh = std::mem::take(&mut self.bindings[i].fresh);
        let observed = match own {
            _ if fresh => None,
            Some(own) if shown.as_ref().is_some_and(|shown| shown.id == own.id) => Some(own),
            Some(_) => {
                self.bindings[i].woken = true;
                return;
            }
            None => {
                self.bindings[i].reads += 1;
                shown
            }
        };
        let Some(wish) = self.bindings[i].wish.clone() else { return };
        let steps = match &observed {
            None => vec![Step::Create, Step::Set(Part::Details)],
            Some(role) => {
                PARTS.into_iter().filter(|&part| get(role, part) != get(&wish.1, part)).map(Step::Set).collect()
            }
        };
        match observed {
            Some(role) if steps.is_empty() => self.agree(i, wish.0, &role, true),
            known => {
                self.bindings[i].job = Some(Job { steps, known, wish, fate: Fate::Answered, made: None });
                self.send(i);
            }
        }
    }

    fn agree(&mut self, i: usize, wish: u64, role: &Role, clean: bool) {
        let seen = Seen { id: role.id.clone(), ..Seen::default() };
        self.snapshot.agree(wish, role, seen, clean, SETTLE, self.at(self.now));
        self.bindings[i].agreed = Some((wish, Prints::of(role)));
    }

    /// The next step of a plan. AWS may carry it out at once or just before it answers.
    fn send(&mut self, i: usize) {
        self.snapshot.unknown(&arn(&i.to_string()));
        self.bindings[i].agreed = None;
        let fate = match self.luck.u64(0..10) {
            _ if self.calm => Fate::Answered,
            0 => Fate::Lost(None),
            1 => Fate::Lost(Some(self.luck.u64(0..=LATE))),
            2 => Fate::Refused,
            _ => Fate::Answered,
        };
        let job = self.bindings[i].job.as_mut().unwrap();
        job.fate = fate;
        if fate == Fate::Answered && self.luck.bool() {
            let (step, wish) = (job.steps[0], job.wish.1.clone());
            let made = self.make(i, step, &wish);
            self.bindings[i].job.as_mut().unwrap().made = Some(made);
        }
    }

    /// The change that is under way ends.
    pub fn answer(&mut self, i: usize) {
        let (now, arn) = (self.at(self.now), arn(&i.to_string()));
        let Some(mut job) = self.bindings[i].job.take() else { return };
        let step = job.steps.remove(0);
        let mut failed = true;
        match job.fate {
            Fate::Answered => match job.made.take().unwrap_or_else(|| self.make(i, step, &job.wish.1)) {
                Err("exists") => return self.look(i),
                Err(_) => {}
                Ok(made) => {
                    failed = false;
                    let mut known = job.known.take().unwrap_or(made);
                    if let Step::Set(part) = step {
                        set(&mut known, part, &job.wish.1);
                    }
                    job.known = Some(known);
                }
            },
            Fate::Refused => {}
            Fate::Lost(late) => {
                self.bindings[i].misled += 1;
                self.late.extend(late.map(|late| (self.now + late, i, step, job.wish.1.clone())));
                job.known = None;
            }
        }
        self.snapshot.wrote(&arn, job.known.clone(), now);
        let binding = &mut self.bindings[i];
        binding.written = Some(self.now);
        binding.woken |= failed;
        if failed || binding.wish.is_none() {
            return;
        }
        if job.steps.is_empty() {
            let known = job.known.unwrap();
            return self.agree(i, job.wish.0, &known, false);
        }
        binding.job = Some(job);
        self.send(i);
    }
}
