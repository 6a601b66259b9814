//! What counts against one class. All of it is counted as it changes, so that nobody has to walk over thousands that
//! are held for each of them that asks.

use super::shares::{Many, Shares};
use super::{Cause, FEW, PART, Removal, WINDOW};
use crate::store::NsName;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
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

impl Entry {
    /// The namespace that brings it. What a class takes, and what roles lose that were left behind, nobody there asks for.
    pub fn brought_by<'a>(&self, binding: &'a NsName) -> Option<&'a Arc<str>> {
        match self.removal {
            Removal::Role | Removal::Policies(Cause::Start) | Removal::Quarantine => Some(&binding.namespace),
            Removal::Nothing | Removal::Policies(Cause::Class) | Removal::Released => None,
        }
    }
}

/// What has not begun in one namespace. There is none where nothing waits or is held.
#[derive(Debug, Default)]
struct Space {
    /// How many wait of what it brings itself.
    waiting: usize,
    held: Held,
    /// It is held by itself.
    alone: bool,
}

#[derive(Debug, Default)]
pub(super) struct Class {
    entries: BTreeMap<NsName, Entry>,
    spaces: BTreeMap<Arc<str>, Space>,
    /// All that counts, by who brings it.
    shares: Shares,
    /// How many wait, but for what takes nothing.
    waiting: usize,
    held: Held,
    /// Another namespace is held.
    news: bool,
    /// When those began that nobody has allowed, and who brought them.
    began: VecDeque<(Instant, Option<Arc<str>>)>,
    /// When bindings went that had a role.
    gone: VecDeque<Instant>,
    /// How many bindings there were before all of it, and when that was counted.
    of: Option<(usize, Instant)>,
    /// How many more may go, and until when that holds.
    allowed: Option<(usize, Instant)>,
    /// The same for one namespace.
    allowed_in: HashMap<Arc<str>, (usize, Instant)>,
}

impl Class {
    pub fn get(&self, binding: &NsName) -> Option<&Entry> {
        self.entries.get(binding)
    }

    pub fn put(&mut self, binding: NsName, entry: Entry) {
        self.take(&binding);
        self.count(&binding, entry, true);
        self.entries.insert(binding, entry);
    }

    pub fn take(&mut self, binding: &NsName) -> Option<Entry> {
        let entry = self.entries.remove(binding)?;
        self.count(binding, entry, false);
        Some(entry)
    }

    /// A binding that had a role is no more. Where it did not go through here another replica did it, or somebody by hand.
    pub fn gone(&mut self, binding: &NsName, entry: Entry, now: Instant) {
        if entry.state != State::Goes {
            self.began(entry.brought_by(binding).cloned(), now);
        }
        self.gone.push_back(now);
    }

    fn began(&mut self, by: Option<Arc<str>>, now: Instant) {
        self.shares.count(by.as_ref(), true);
        self.began.push_back((now, by));
    }

    fn count(&mut self, binding: &NsName, entry: Entry, more: bool) {
        if entry.removal == Removal::Nothing || entry.state == State::Goes {
            return;
        }
        let step = |counter: &mut usize| *counter = if more { *counter + 1 } else { counter.saturating_sub(1) };
        let by = entry.brought_by(binding);
        self.shares.count(by, more);
        let space = self.spaces.entry(binding.namespace.clone()).or_default();
        if entry.state == State::Waits {
            step(&mut self.waiting);
            if by.is_some() {
                step(&mut space.waiting);
            }
        } else {
            space.held.of(entry.removal).into_iter().for_each(step);
            self.held.of(entry.removal).into_iter().for_each(step);
        }
        if space.held.count() == 0 {
            space.alone = false;
            if space.waiting == 0 {
                self.spaces.remove(&binding.namespace);
            }
        }
    }

    /// Whether so many count that this one is to be held; then it is, with all that have not begun of those who are.
    pub fn holds(&mut self, binding: &NsName, entry: Entry, bindings: impl FnOnce() -> usize, now: Instant) -> bool {
        // What comes later to a namespace that is held waits with it, whoever asks first.
        if let Some(by) = entry.brought_by(binding).filter(|by| self.alone(by).is_some()) {
            self.hold(Some(by));
            return true;
        }
        if entry.state == State::Held {
            return true;
        }
        match self.many(bindings, now) {
            Many::No => false,
            Many::All => {
                self.hold(None);
                true
            }
            Many::Of(namespaces) => {
                namespaces.iter().for_each(|namespace| self.hold(Some(namespace)));
                entry.brought_by(binding).is_some_and(|by| namespaces.contains(by))
            }
        }
    }

    fn many(&mut self, bindings: impl FnOnce() -> usize, now: Instant) -> Many {
        if self.shares.all() <= FEW {
            return Many::No;
        }
        let known = self.of.filter(|(_, at)| now < *at + COUNTED);
        let (of, _) = *self.of.insert(known.unwrap_or_else(|| (bindings() + self.gone.len(), now)));
        let many = self.shares.judge(FEW.max(of / PART));
        if many != Many::No {
            self.held.of = of;
        }
        many
    }

    /// Whatever has not begun does not begin: all of it, or what one namespace brings.
    fn hold(&mut self, only: Option<&Arc<str>>) {
        let waiting = only.map_or(self.waiting, |name| self.spaces.get(name).map_or(0, |space| space.waiting));
        if waiting > 0 {
            let first = only.map(|name| NsName { namespace: name.clone(), name: "".into() });
            let from = first.map_or(Bound::Unbounded, Bound::Included);
            let of = |key: &NsName| only.is_none_or(|name| key.namespace == *name);
            let all = self.entries.range((from, Bound::Unbounded)).take_while(|(key, _)| of(key));
            let waits = all.filter(|(key, entry)| {
                let brought = only.is_none() || entry.brought_by(key).is_some();
                brought && entry.state == State::Waits && entry.removal != Removal::Nothing
            });
            for (key, entry) in waits.map(|(key, entry)| (key.clone(), *entry)).collect::<Vec<_>>() {
                self.news |= self.spaces.get(&key.namespace).is_none_or(|space| space.held.count() == 0);
                self.put(key, Entry { state: State::Held, ..entry });
            }
        }
        if let Some(space) = only.and_then(|name| self.spaces.get_mut(name)).filter(|space| space.held.count() > 0) {
            self.news |= !space.alone;
            space.alone = true;
        }
    }

    pub fn held(&self) -> Held {
        self.held
    }

    /// What is held of a namespace that is held by itself.
    pub fn alone(&self, namespace: &str) -> Option<Held> {
        let space = self.spaces.get(namespace).filter(|space| space.alone)?;
        Some(Held { of: self.held.of, ..space.held })
    }

    /// All of these.
    pub fn all_alone(&self) -> impl Iterator<Item = (&Arc<str>, Held)> {
        self.spaces.keys().filter_map(|namespace| Some((namespace, self.alone(namespace)?)))
    }

    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    pub fn pending(&self) -> Vec<NsName> {
        self.entries.keys().cloned().collect()
    }

    /// Takes one of what was allowed: to the namespace that brings it, or to all.
    pub fn spend(&mut self, by: Option<&Arc<str>>) -> bool {
        if let Some((by, (left, _))) = by.and_then(|by| Some((by, self.allowed_in.get_mut(by)?))) {
            *left -= 1;
            if *left == 0 {
                self.allowed_in.remove(by);
            }
            return true;
        }
        let Some((left, until)) = self.allowed else { return false };
        self.allowed = (left > 1).then_some((left - 1, until));
        true
    }

    pub fn go(&mut self, binding: &NsName, allowed: bool, now: Instant) {
        if let Some(entry) = self.take(binding) {
            self.put(binding.clone(), Entry { state: State::Goes, ..entry });
            if !allowed {
                self.began(entry.brought_by(binding).cloned(), now);
            }
        }
    }

    /// Lets so many go, the oldest first, and says how many of them were held.
    pub fn allow(&mut self, only: Option<&str>, count: usize, now: Instant) -> usize {
        let of = |key, entry: &Entry| only.is_none_or(|name| entry.brought_by(key).is_some_and(|by| **by == *name));
        let held = self.entries.iter().filter(|(key, entry)| entry.state == State::Held && of(key, entry));
        let mut held: Vec<(Instant, NsName)> = held.map(|(key, entry)| (entry.asked, key.clone())).collect();
        held.sort();
        held.truncate(count);
        let left = count - held.len();
        held.iter().for_each(|(_, binding)| self.go(binding, true, now));
        let left = (left > 0).then_some((left, now + WINDOW));
        match (only, left) {
            (None, left) => self.allowed = left,
            (Some(namespace), Some(left)) => drop(self.allowed_in.insert(namespace.into(), left)),
            (Some(namespace), None) => drop(self.allowed_in.remove(namespace)),
        }
        held.len()
    }

    /// Forgets what counts no more; of what began nothing as long as it `adds_up`.
    pub fn tidy(&mut self, adds_up: bool, now: Instant) {
        let is_old = |at: Instant| now >= at + WINDOW;
        while !adds_up && let Some((_, by)) = self.began.pop_front_if(|(at, _)| is_old(*at)) {
            self.shares.count(by.as_ref(), false);
        }
        while self.gone.front().is_some_and(|at| is_old(*at)) {
            self.gone.pop_front();
        }
        self.allowed.take_if(|(_, until)| now >= *until);
        self.allowed_in.retain(|_, (_, until)| now < *until);
    }

    pub fn is_idle(&self) -> bool {
        let counts = self.shares.is_empty() && self.gone.is_empty();
        self.entries.is_empty() && counts && self.allowed.is_none() && self.allowed_in.is_empty()
    }
}
