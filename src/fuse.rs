//! Holds what would take something from so many that it is more likely a mistake than a wish.
//!
//! - Nothing of a deletion begins in its first ten seconds, nor of another removal: by then its fellows are known. What is
//!   planned in the first pass after a start, or after an edit of a class, waits for the end of that pass as well.
//! - What counts, class by class: roles that go with their bindings, roles that lose permissions through a pass, roles
//!   without a binding that are to be cut off, and roles that were left behind and lose permissions; until it is done, and
//!   what began within the last ten minutes, or since the pass began that is not over yet. What somebody has allowed does
//!   not count.
//! - Where these are more than 20, and more than a tenth of the bindings that the class had before, those that have not
//!   begun are held, and so is what comes later, for as long as that is so: of up to three namespaces, where they bring it,
//!   and else of all.
//! - What is held stays so until it is allowed, or takes nothing any more: that it became less takes nothing back.
//!
//! After a start all that waits counts as asked for just now, so the first pass is held like any other.

mod allowed;
mod class;
mod pass;
mod shares;

pub use allowed::Allowed;
pub use class::Held;
pub use pass::Cause;

use crate::store::NsName;
use class::{Class, Entry, State};
use pass::Pass;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For so long nothing of a removal begins.
pub const WAIT: Duration = Duration::from_secs(10);
/// For so long a removal counts, an allowance that is not used up holds, and a pass is waited for.
const WINDOW: Duration = Duration::from_secs(600);
/// So many removals are never held.
const FEW: usize = 20;
/// Nor is this part of the bindings of a class.
const PART: usize = 10;
/// How often it is looked whether a pass is over.
const LOOK: Duration = Duration::from_secs(2);

/// What is to be taken from a binding, or from the role of one that is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Nothing: the binding goes, and leaves its role behind. It waits and does not count.
    Nothing,
    /// Its role, which goes with it.
    Role,
    /// What the role allows, although nobody has asked this binding for less.
    Policies(Cause),
    /// All that a role without a binding allows. Its fellows are known already, so it does not wait.
    Quarantine,
    /// What a role allows that its binding has left behind. Its fellows are known already, too.
    Released,
}

/// All classes.
#[derive(Debug, Default)]
pub struct Fuse {
    on: bool,
    classes: HashMap<Arc<str>, Class>,
    class_of: HashMap<NsName, Arc<str>>,
    pass: Pass,
}

/// What is to become of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may begin, or go on.
    Go,
    /// Not before then.
    Wait(Instant),
    /// Not before somebody allows it.
    Held(Held),
}

impl Fuse {
    /// One that holds, or, if not `on`, never does.
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self { on, ..Self::default() }
    }

    /// This is to be taken from the binding. Said again it changes nothing.
    pub fn note(&mut self, binding: &NsName, class: &str, removal: Removal, now: Instant) {
        if !self.on {
            return;
        }
        let known = self.known(binding).filter(|(name, _)| ***name == *class);
        let mut asked = now;
        match known.map(|(_, entry)| entry) {
            Some(entry) if entry.removal.is_like(removal) => return,
            // It has waited already, and now asks for less.
            Some(entry) if removal == Removal::Nothing => asked = entry.asked,
            _ => {}
        }
        self.settled(binding);
        let class: Arc<str> = class.into();
        self.class_of.insert(binding.clone(), class.clone());
        let entry = Entry { asked, removal, state: State::Waits };
        self.classes.entry(class).or_default().put(binding.clone(), entry);
    }

    /// What is known to be taken from a binding.
    #[must_use]
    pub fn removal(&self, binding: &NsName) -> Option<Removal> {
        Some(self.known(binding)?.1.removal)
    }

    /// It is done, or there is nothing to be taken any more.
    pub fn settled(&mut self, binding: &NsName) {
        if let Some(class) = self.class_of.remove(binding).and_then(|class| self.classes.get_mut(&class)) {
            class.take(binding);
        }
    }

    /// A binding is no more.
    pub fn gone(&mut self, binding: &NsName, now: Instant) {
        self.pass.decided(binding, now);
        let Some(name) = self.class_of.remove(binding) else { return };
        let Some(class) = self.classes.get_mut(&name) else { return };
        // Nobody asks a replica that does not lead.
        class.tidy(self.pass.adds_up(&name, now), now);
        if let Some(entry) = class.take(binding).filter(|entry| entry.removal == Removal::Role) {
            class.gone(binding, entry, now);
        }
    }

    /// Whether the removal of this binding may begin. `bindings`: how many the class has now, those among them that are
    /// being deleted. It is asked for once a second at most.
    pub fn ask(&mut self, binding: &NsName, bindings: impl FnOnce() -> usize, now: Instant) -> Verdict {
        let Some((name, entry)) = self.known(binding).map(|(name, entry)| (name.clone(), *entry)) else {
            return Verdict::Go;
        };
        if let Some(until) = self.waits(binding, now) {
            return Verdict::Wait(until);
        }
        if entry.state == State::Goes || entry.removal == Removal::Nothing {
            return Verdict::Go;
        }
        let Some(class) = self.classes.get_mut(&name) else { return Verdict::Go };
        class.tidy(self.pass.adds_up(&name, now), now);
        let held = class.holds(binding, entry, bindings, now);
        if held && !class.spend(entry.brought_by(binding)) {
            return Verdict::Held(class.alone(&binding.namespace).unwrap_or_else(|| class.held()));
        }
        class.go(binding, held, now);
        Verdict::Go
    }

    /// Until when nothing is to be decided of what was noted of a binding, and so nothing to be looked at for it.
    #[must_use]
    pub fn waits(&self, binding: &NsName, now: Instant) -> Option<Instant> {
        let (class, entry) = self.known(binding).filter(|(_, entry)| entry.state == State::Waits)?;
        let known = matches!(entry.removal, Removal::Quarantine | Removal::Released);
        let first = entry.asked + if known { Duration::ZERO } else { WAIT };
        if now < first {
            return Some(first);
        }
        let pass = matches!(entry.removal, Removal::Policies(_)) && self.pass.runs(class, now);
        pass.then(|| now + LOOK)
    }

    /// Somebody has said that so many of a class may go: those that are held, the oldest first, and if it is more than these, what
    /// comes in the next ten minutes.
    pub fn allow(&mut self, class: &str, count: usize, now: Instant) -> usize {
        self.allowed(class, Allowed { namespace: None, count }, now)
    }

    /// The same, of one namespace or of all. Returns how many go that were held.
    pub fn allowed(&mut self, class: &str, allowed: Allowed<'_>, now: Instant) -> usize {
        match self.on {
            true => self.classes.entry(class.into()).or_default().allow(allowed.namespace, allowed.count, now),
            false => 0,
        }
    }

    /// The removals of a class that are held.
    #[must_use]
    pub fn held(&self, class: &str) -> Option<Held> {
        self.classes.get(class).map(Class::held).filter(|held| held.count() > 0)
    }

    /// What is held of a namespace, if that is held by itself.
    #[must_use]
    pub fn alone(&self, class: &str, namespace: &str) -> Option<Held> {
        self.classes.get(class)?.alone(namespace)
    }

    /// The namespaces of a class that are held by themselves, in order.
    pub fn all_alone(&self, class: &str) -> impl Iterator<Item = (&Arc<str>, Held)> {
        self.classes.get(class).into_iter().flat_map(Class::all_alone)
    }

    /// Whether something is held in another namespace of the class since this was asked last.
    pub fn take_news(&mut self, class: &str) -> bool {
        self.classes.get_mut(class).is_some_and(Class::take_news)
    }

    /// The bindings of a class of which something is to be taken, or is being taken.
    #[must_use]
    pub fn pending(&self, class: &str) -> Vec<NsName> {
        self.classes.get(class).map(Class::pending).unwrap_or_default()
    }

    /// The first pass after a start begins: nothing is known yet of what is to become of these bindings of these classes.
    pub fn start<'a>(&mut self, bindings: impl Iterator<Item = (&'a NsName, &'a str)>, now: Instant) {
        if self.on && !self.pass.started {
            self.pass.started = true;
            bindings.for_each(|(binding, class)| self.pass.begin(binding, class, Cause::Start, now));
        }
    }

    /// A class was edited, and these are its bindings.
    pub fn edited<'a>(&mut self, class: &str, bindings: impl Iterator<Item = &'a NsName>, now: Instant) {
        // Who does not work yet decides nothing, and has the first pass before it.
        if self.on && self.pass.started {
            bindings.for_each(|binding| self.pass.begin(binding, class, Cause::Class, now));
        }
    }

    /// The pass that the binding is still to be looked at in.
    #[must_use]
    pub fn cause(&self, binding: &NsName) -> Option<Cause> {
        self.pass.cause(binding)
    }

    /// It is known what is to become of the binding: what is to be taken from it was noted before.
    pub fn decided(&mut self, binding: &NsName, now: Instant) {
        self.pass.decided(binding, now);
    }

    /// Forgets what counts no more.
    pub fn tidy(&mut self, now: Instant) {
        self.classes.iter_mut().for_each(|(name, class)| class.tidy(self.pass.adds_up(name, now), now));
        self.classes.retain(|_, class| !class.is_idle());
    }

    fn known(&self, binding: &NsName) -> Option<(&Arc<str>, &Entry)> {
        let class = self.class_of.get(binding)?;
        Some((class, self.classes.get(class)?.get(binding)?))
    }
}

impl Removal {
    /// Whether it is the same, from whatever cause.
    fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

#[cfg(test)]
mod pass_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod shares_properties;
#[cfg(test)]
mod shares_tests;
#[cfg(test)]
mod tests;
