//! Whose turn it is: one entry for each key, whatever happened to it.
//!
//! Kinds of work share the workers by weight, so that a backlog of repairs does not hold up what somebody waits for,
//! and is not held up by it for ever either. Within a kind the namespace that was served least recently goes first,
//! within a namespace what came first. A key that is being worked on is not given out again before [`Queue::done`].

pub(crate) mod lane;
#[cfg(test)]
mod tests;

use crate::store::NsName;
use lane::Lanes;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// What can be worked on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A binding.
    Binding(NsName),
    /// A class.
    Class(Arc<str>),
}

impl Key {
    /// The key of a binding.
    pub fn binding(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self::Binding(NsName::new(namespace, name))
    }

    /// The key of a class.
    pub fn class(name: impl Into<Arc<str>>) -> Self {
        Self::Class(name.into())
    }

    /// Whose turn it is with: classes take turns as a namespace of their own.
    fn namespace(&self) -> Arc<str> {
        match self {
            Self::Binding(key) => key.namespace.clone(),
            Self::Class(_) => Arc::default(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binding(key) => write!(f, "IrsaBinding {key}"),
            Self::Class(name) => write!(f, "IrsaClass {name}"),
        }
    }
}

/// Why a key is in the queue, strongest first: of two reasons the stronger is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Somebody changed something and waits for it.
    Change,
    /// An object is being deleted.
    Deletion,
    /// Something was found that is not as it should be.
    Repair,
    /// A regular look.
    Sweep,
    /// A regular look that costs a read of its own.
    Fallback,
}

impl Kind {
    /// All of them, strongest first.
    pub const ALL: [Self; 5] = [Self::Change, Self::Deletion, Self::Repair, Self::Sweep, Self::Fallback];

    /// How often it is served in relation to the others, while all of them have work.
    #[must_use]
    pub const fn weight(self) -> u64 {
        match self {
            Self::Change => 16,
            Self::Deletion | Self::Repair => 4,
            Self::Sweep => 2,
            Self::Fallback => 1,
        }
    }

    /// As a metric label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Deletion => "deletion",
            Self::Repair => "repair",
            Self::Sweep => "sweep",
            Self::Fallback => "fallback",
        }
    }

    /// Whether it says that what failed before may go well now.
    const fn wakes(self) -> bool {
        matches!(self, Self::Change | Self::Deletion)
    }
}

/// When a key is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As soon as it is its turn.
    Now,
    /// At the next beat, or before that for any other reason.
    At(Instant),
    /// Not before, because it failed: only a change or a deletion has it tried sooner.
    NotBefore(Instant),
}

/// How much work there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// What is due, in the order of [`Kind::ALL`].
    pub due: [usize; 5],
    /// What waits for a time, likewise.
    pub delayed: [usize; 5],
    /// What is being worked on, likewise.
    pub in_flight: [usize; 5],
}

/// The queue.
#[derive(Debug, Default)]
pub struct Queue {
    entries: HashMap<Key, State>,
    lanes: Lanes<Key>,
    delayed: BTreeSet<(Instant, Key)>,
    in_flight: usize,
    /// Numbers what becomes due, in that order.
    sequence: u64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Want {
    kind: Kind,
    when: When,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In the lane of its kind, under its number.
    Due(Kind, u64),
    Delayed(Want),
    /// Why it is worked on, and what is to follow.
    InFlight(Kind, Option<Want>),
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `key` in. A key has one entry: the stronger kind is kept, and the earlier time, but for what a failure
    /// forbids. While it is being worked on, it is kept for afterwards.
    pub fn push(&mut self, key: Key, kind: Kind, when: When) {
        let new = Want { kind, when };
        match self.entries.get(&key).copied() {
            None => self.enter(key, new, None),
            Some(State::InFlight(why, next)) => {
                let want = next.map_or(new, |next| next.merged(new));
                self.entries.insert(key, State::InFlight(why, Some(want)));
            }
            Some(State::Due(old, number)) => {
                let want = Want { kind: old, when: When::Now }.merged(new);
                if want != (Want { kind: old, when: When::Now }) {
                    self.lanes.remove(old, &key.namespace(), number);
                    self.enter(key, want, Some(number));
                }
            }
            Some(State::Delayed(old)) => {
                if let When::At(at) | When::NotBefore(at) = old.when {
                    self.delayed.remove(&(at, key.clone()));
                }
                self.enter(key, old.merged(new), None);
            }
        }
    }

    /// The next key to work on, and why. It is not given out again before [`Queue::done`].
    pub fn pop(&mut self, now: Instant) -> Option<(Key, Kind)> {
        self.promote(now);
        let (kind, key) = self.lanes.pop()?;
        self.entries.insert(key.clone(), State::InFlight(kind, None));
        self.in_flight += 1;
        Some((key, kind))
    }

    /// The work on `key` has ended. If it was put in meanwhile, it is due again.
    pub fn done(&mut self, key: &Key) {
        if let Some(State::InFlight(_, next)) = self.entries.get(key).copied() {
            self.in_flight -= 1;
            self.entries.remove(key);
            if let Some(want) = next {
                self.enter(key.clone(), want, None);
            }
        }
    }

    /// Takes `key` out. If it is being worked on, nothing follows when that ends.
    pub fn forget(&mut self, key: &Key) {
        match self.entries.get_mut(key) {
            None => return,
            Some(State::InFlight(_, next)) => {
                *next = None;
                return;
            }
            Some(State::Due(kind, number)) => {
                self.lanes.remove(*kind, &key.namespace(), *number);
            }
            Some(State::Delayed(want)) => {
                if let When::At(at) | When::NotBefore(at) = want.when {
                    self.delayed.remove(&(at, key.clone()));
                }
            }
        }
        self.entries.remove(key);
    }

    /// When the next of those that wait for a time becomes due. What is due already does not count.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.delayed.first().map(|(at, _)| *at)
    }

    /// How many keys wait, for their turn or for a time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() - self.in_flight
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much work there is, counted now: nothing else needs to know. What a time has come for counts as due from the
    /// next [`Queue::pop`] on.
    #[must_use]
    pub fn depth(&self) -> Depth {
        let mut depth = Depth::default();
        for entry in self.entries.values() {
            match entry {
                State::Due(kind, _) => depth.due[*kind as usize] += 1,
                State::Delayed(want) => depth.delayed[want.kind as usize] += 1,
                State::InFlight(kind, _) => depth.in_flight[*kind as usize] += 1,
            }
        }
        depth
    }

    /// Puts a key where it belongs that is nowhere now. With a `number` it has waited for its turn before.
    fn enter(&mut self, key: Key, want: Want, number: Option<u64>) {
        match want.when {
            When::Now => {
                let number = number.unwrap_or_else(|| {
                    self.sequence += 1;
                    self.sequence
                });
                self.lanes.push(want.kind, key.namespace(), number, key.clone());
                self.entries.insert(key, State::Due(want.kind, number));
            }
            When::At(at) | When::NotBefore(at) => {
                self.delayed.insert((at, key.clone()));
                self.entries.insert(key, State::Delayed(want));
            }
        }
    }

    fn promote(&mut self, now: Instant) {
        while self.delayed.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.delayed.pop_first() else { return };
            if let Some(State::Delayed(want)) = self.entries.get(&key).copied() {
                self.enter(key, Want { when: When::Now, ..want }, None);
            }
        }
    }
}

impl Want {
    /// Both reasons in one.
    fn merged(self, other: Self) -> Self {
        let wakes = |w: Self| w.when == When::Now && w.kind.wakes();
        let when = match (self.when, other.when) {
            _ if wakes(self) || wakes(other) => When::Now,
            (When::NotBefore(a), When::NotBefore(b)) => When::NotBefore(a.max(b)),
            (When::NotBefore(a), _) | (_, When::NotBefore(a)) => When::NotBefore(a),
            (When::At(a), When::At(b)) => When::At(a.min(b)),
            _ => When::Now,
        };
        Self { kind: self.kind.min(other.kind), when }
    }
}
