//! Holds deletions that come in such numbers that they are more likely a mistake than a wish.
//!
//! - Nothing of a deletion begins in its first ten seconds: by then its fellows are known.
//! - What counts, class by class: bindings whose deletion was asked for and takes their role along, until they are gone,
//!   and those that went within the last ten minutes. What somebody has allowed does not count.
//! - Where these are more than 20, and more than a tenth of the bindings that the class had before, all that have not
//!   begun are held, and so is what comes later, for as long as that is so.
//! - What is held stays so until it is allowed, or asks for its role to be kept: that it became less takes nothing back.
//!
//! After a start all that waits counts as asked for just now, so the first pass is held like any other.

use crate::store::NsName;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For so long nothing of a deletion begins.
pub const WAIT: Duration = Duration::from_secs(10);
/// For so long a removal counts, and an allowance that is not used up holds.
const WINDOW: Duration = Duration::from_secs(600);
/// So many removals are never held.
const FEW: usize = 20;
/// Nor is this part of the bindings of a class.
const PART: usize = 10;

/// All classes.
#[derive(Debug, Default)]
pub struct Fuse {
    on: bool,
    classes: HashMap<Arc<str>, Class>,
    class_of: HashMap<NsName, Arc<str>>,
}

#[derive(Debug, Default)]
struct Class {
    pending: BTreeMap<NsName, Removal>,
    /// When those that are gone began, and whether they were allowed.
    gone: Vec<(Instant, bool)>,
    /// How many more may go, and until when that holds.
    allowed: Option<(usize, Instant)>,
}

#[derive(Clone, Copy, Debug)]
struct Removal {
    asked: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waits,
    Held,
    Goes { since: Instant, allowed: bool },
}

/// What is to become of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may begin, or go on.
    Go,
    /// Not before then.
    Wait(Instant),
    /// Not before somebody allows it.
    Held(Held),
}

/// Deletions of a class that are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many.
    pub count: usize,
    /// How many bindings the class had before all of it.
    pub of: usize,
}

impl Fuse {
    /// One that holds, or, if not `on`, never does.
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self { on, ..Self::default() }
    }

    /// The deletion of this binding is asked for. `removes`: its role goes with it.
    pub fn note(&mut self, binding: &NsName, class: &str, removes: bool, now: Instant) {
        if !self.on {
            return;
        }
        let known = self.class_of.get(binding).is_some_and(|known| **known == *class);
        if known && removes {
            return;
        }
        self.take(binding);
        if removes {
            let class: Arc<str> = class.into();
            self.class_of.insert(binding.clone(), class.clone());
            let removal = Removal { asked: now, state: State::Waits };
            self.classes.entry(class).or_default().pending.insert(binding.clone(), removal);
        }
    }

    /// A binding is no more.
    pub fn gone(&mut self, binding: &NsName, now: Instant) {
        let Some((class, removal)) = self.take(binding) else { return };
        let began = match removal.state {
            State::Goes { since, allowed } => (since, allowed),
            // Another replica did it, or somebody by hand.
            State::Waits | State::Held => (now, false),
        };
        let class = self.classes.entry(class).or_default();
        // Nobody asks a replica that does not lead.
        class.tidy(now);
        class.gone.push(began);
    }

    /// Whether the deletion of this binding may begin. `bindings`: how many the class has now, those among them that are
    /// being deleted.
    pub fn ask(&mut self, binding: &NsName, bindings: impl FnOnce() -> usize, now: Instant) -> Verdict {
        let class = self.class_of.get(binding).and_then(|class| self.classes.get_mut(class));
        let Some(class) = class else { return Verdict::Go };
        let Some(removal) = class.pending.get(binding).copied() else { return Verdict::Go };
        match removal.state {
            State::Goes { .. } => return Verdict::Go,
            State::Waits if now < removal.asked + WAIT => return Verdict::Wait(removal.asked + WAIT),
            _ => {}
        }
        class.tidy(now);
        let mut allowed = false;
        if removal.state == State::Held || class.counted(now) > FEW {
            let of = bindings() + class.gone.len();
            if removal.state == State::Held || class.counted(now) > FEW.max(of / PART) {
                class.hold();
                if !class.spend() {
                    return Verdict::Held(Held { count: class.held(), of });
                }
                allowed = true;
            }
        }
        class.go(binding, allowed, now);
        Verdict::Go
    }

    /// Somebody has said that so many may go: those that are held, the oldest first, and if it is more than these, what
    /// comes in the next ten minutes.
    pub fn allow(&mut self, class: &str, count: usize, now: Instant) {
        if !self.on {
            return;
        }
        let class = self.classes.entry(class.into()).or_default();
        let held = class.pending.iter().filter(|(_, removal)| removal.state == State::Held);
        let mut held: Vec<(Instant, NsName)> = held.map(|(key, removal)| (removal.asked, key.clone())).collect();
        held.sort();
        held.truncate(count);
        let left = count - held.len();
        for (_, binding) in held {
            class.go(&binding, true, now);
        }
        class.allowed = (left > 0).then_some((left, now + WINDOW));
    }

    /// The deletions of a class that are held; `bindings` as in [`Fuse::ask`].
    pub fn held(&self, class: &str, bindings: impl FnOnce() -> usize) -> Option<Held> {
        let class = self.classes.get(class)?;
        let count = class.held();
        (count > 0).then(|| Held { count, of: bindings() + class.gone.len() })
    }

    /// The bindings of a class whose deletion waits or is under way.
    pub fn pending(&self, class: &str) -> Vec<NsName> {
        self.classes.get(class).map(|class| class.pending.keys().cloned().collect()).unwrap_or_default()
    }

    /// Forgets what counts no more.
    pub fn tidy(&mut self, now: Instant) {
        for class in self.classes.values_mut() {
            class.tidy(now);
        }
        let idle = |class: &Class| class.pending.is_empty() && class.gone.is_empty() && class.allowed.is_none();
        self.classes.retain(|_, class| !idle(class));
    }

    fn take(&mut self, binding: &NsName) -> Option<(Arc<str>, Removal)> {
        let class = self.class_of.remove(binding)?;
        let removal = self.classes.get_mut(&class)?.pending.remove(binding)?;
        Some((class, removal))
    }
}

impl Class {
    /// What counts as a removal now.
    fn counted(&self, now: Instant) -> usize {
        let counts = |removal: &&Removal| match removal.state {
            State::Waits | State::Held => true,
            State::Goes { since, allowed } => !allowed && now < since + WINDOW,
        };
        self.pending.values().filter(counts).count() + self.gone.iter().filter(|(_, allowed)| !allowed).count()
    }

    fn held(&self) -> usize {
        self.pending.values().filter(|removal| removal.state == State::Held).count()
    }

    /// Whatever has not begun does not begin.
    fn hold(&mut self) {
        for removal in self.pending.values_mut().filter(|removal| removal.state == State::Waits) {
            removal.state = State::Held;
        }
    }

    fn spend(&mut self) -> bool {
        let Some((left, until)) = self.allowed else { return false };
        self.allowed = (left > 1).then_some((left - 1, until));
        true
    }

    fn go(&mut self, binding: &NsName, allowed: bool, now: Instant) {
        if let Some(removal) = self.pending.get_mut(binding) {
            removal.state = State::Goes { since: now, allowed };
        }
    }

    fn tidy(&mut self, now: Instant) {
        self.gone.retain(|(began, _)| now < *began + WINDOW);
        self.allowed.take_if(|(_, until)| now >= *until);
    }
}

#[cfg(test)]
mod tests;
