//! What counts against one class. All of it is counted as it changes, so that nobody has to walk over thousands that
//! are held for each of them that asks.

use super::{FEW, PART, Removal, WINDOW};
use crate::store::NsName;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// For so long it is known how many bindings a class has: deletions do not change what it had before.
const COUNTED: Duration = Duration::from_secs(1);

/// Removals of a class that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Roles that go with their bindings.
    pub roles: usize,
    /// Roles that lose permissions.
    pub policies: usize,
    /// Roles without a binding that are to be cut off.
    pub quarantines: usize,
    /// Roles that bindings have left behind and that lose permissions.
    pub released: usize,
    /// How many bindings the class had before all of it.
    pub of: usize,
}

impl Held {
    /// All of them.
    #[must_use]
    pub fn count(self) -> usize {
        self.roles + self.policies + self.quarantines + self.released
    }

    fn of(&mut self, removal: Removal) -> Option<&mut usize> {
        match removal {
            Removal::Nothing => None,
            Removal::Role => Some(&mut self.roles),
            Removal::Policies(_) => Some(&mut self.policies),
            Removal::Quarantine => Some(&mut self.quarantines),
            Removal::Released => Some(&mut self.released),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waits,
    Held,
    Goes,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub asked: Instant,
    pub removal: Removal,
    pub state: State,
}

#[derive(Debug, Default)]
pub(super) struct Class {
    entries: BTreeMap<NsName, Entry>,
    /// How many wait, but for what takes nothing.
    waiting: usize,
    held: Held,
    /// When those began that nobody has allowed.
    began: VecDeque<Instant>,
    /// When bindings went that had a role.
    gone: VecDeque<Instant>,
    /// How many bindings there were before all of it, and when that was counted.
    of: Option<(usize, Instant)>,
    /// How many more may go, and until when that holds.
    allowed: Option<(usize, Instant)>,
}

impl Class {
    pub fn get(&self, binding: &NsName) -> Option<&Entry> {
        self.entries.get(binding)
    }

    pub fn put(&mut self, binding: NsName, entry: Entry) {
        self.count(entry, true);
        if let Some(before) = self.entries.insert(binding, entry) {
            self.count(before, false);
        }
    }

    pub fn take(&mut self, binding: &NsName) -> Option<Entry> {
        let entry = self.entries.remove(binding)?;
        self.count(entry, false);
        Some(entry)
    }

    /// A binding that had a role is no more. Where it did not go through here another replica did it, or somebody by hand.
    pub fn gone(&mut self, state: State, now: Instant) {
        if state != State::Goes {
            self.began.push_back(now);
        }
        self.gone.push_back(now);
    }

    fn count(&mut self, entry: Entry, more: bool) {
        let counter = match entry.state {
            State::Waits if entry.removal != Removal::Nothing => Some(&mut self.waiting),
            State::Held => self.held.of(entry.removal),
            _ => None,
        };
        if let Some(counter) = counter {
            *counter = if more { *counter + 1 } else { counter.saturating_sub(1) };
        }
    }

    /// Whether so many count that what has not begun is to be held.
    pub fn is_many(&mut self, bindings: impl FnOnce() -> usize, now: Instant) -> bool {
        let counted = self.waiting + self.held.count() + self.began.len();
        if counted <= FEW {
            return false;
        }
        let known = self.of.filter(|(_, at)| now < *at + COUNTED);
        let (of, _) = *self.of.insert(known.unwrap_or_else(|| (bindings() + self.gone.len(), now)));
        if counted <= FEW.max(of / PART) {
            return false;
        }
        self.held.of = of;
        true
    }

    /// Whatever has not begun does not begin.
    pub fn hold(&mut self) {
        if self.waiting == 0 {
            return;
        }
        for entry in self.entries.values_mut() {
            if entry.state == State::Waits
                && let Some(held) = self.held.of(entry.removal)
            {
                entry.state = State::Held;
                *held += 1;
            }
        }
        self.waiting = 0;
    }

    pub fn held(&self) -> Held {
        self.held
    }

    pub fn pending(&self) -> Vec<NsName> {
        self.entries.keys().cloned().collect()
    }

    pub fn spend(&mut self) -> bool {
        let Some((left, until)) = self.allowed else { return false };
        self.allowed = (left > 1).then_some((left - 1, until));
        true
    }

    pub fn go(&mut self, binding: &NsName, allowed: bool, now: Instant) {
        if let Some(entry) = self.take(binding) {
            self.put(binding.clone(), Entry { state: State::Goes, ..entry });
            if !allowed {
                self.began.push_back(now);
            }
        }
    }

    pub fn allow(&mut self, count: usize, now: Instant) {
        let held = self.entries.iter().filter(|(_, entry)| entry.state == State::Held);
        let mut held: Vec<(Instant, NsName)> = held.map(|(key, entry)| (entry.asked, key.clone())).collect();
        held.sort();
        held.truncate(count);
        let left = count - held.len();
        held.iter().for_each(|(_, binding)| self.go(binding, true, now));
        self.allowed = (left > 0).then_some((left, now + WINDOW));
    }

    /// Forgets what counts no more; of what began nothing as long as it `adds_up`.
    pub fn tidy(&mut self, adds_up: bool, now: Instant) {
        for times in [&mut self.began, &mut self.gone].into_iter().skip(usize::from(adds_up)) {
            while times.front().is_some_and(|at| now >= *at + WINDOW) {
                times.pop_front();
            }
        }
        self.allowed.take_if(|(_, until)| now >= *until);
    }

    pub fn is_idle(&self) -> bool {
        self.entries.is_empty() && self.began.is_empty() && self.gone.is_empty() && self.allowed.is_none()
    }
}
