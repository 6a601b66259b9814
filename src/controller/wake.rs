//! Who is to be looked at, when something has happened.

use super::memory::Memory;
use super::state::State;
use crate::error::Category;
use crate::queue::{Key, Kind, When};
use crate::store::{Kept, NsName};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How soon a class tells that the number of its bindings changed.
const COUNT_EVERY: Duration = Duration::from_secs(30);

/// As many others are tried again when one has come out of an outage.
const WAKES: usize = 4;

impl State {
    /// A binding has to be looked at now.
    pub fn wake_binding(&mut self, key: &NsName, kind: Kind) {
        self.queue.push(Key::Binding(key.clone()), kind, When::Now);
    }

    /// A class has to be looked at now.
    pub fn wake_class(&mut self, name: &str) {
        self.queue.push(Key::Class(name.into()), Kind::Change, When::Now);
    }

    /// The number of a class's bindings has changed. Many change it at once, and it is told twice a minute at most.
    pub fn count_class(&mut self, name: &str) {
        self.queue.push(Key::class(name), Kind::Sweep, When::At(Instant::now() + COUNT_EVERY));
    }

    /// The API server is there again: what is in trouble may be so because it was not, and until its rules are loaded
    /// one that has just started refuses everything.
    pub fn wake_troubled(&mut self) {
        let classes: Vec<Arc<str>> = self.classes.iter().map(|class| class.head().key.name.clone()).collect();
        for class in classes {
            self.wake_class(&class);
        }
        self.wake_in_trouble(usize::MAX, |_| true);
    }

    /// One that failed without a word of AWS has now succeeded: so may others, and each of them wakes more. Where AWS is
    /// there for some only, those that fail wake nobody.
    pub fn wake_more(&mut self) {
        self.wake_in_trouble(WAKES, |category| category == Category::Transient);
    }

    fn wake_in_trouble(&mut self, count: usize, of: impl Fn(Category) -> bool) {
        let troubled =
            self.memory.iter().filter(|(_, memory)| memory.trouble().is_some_and(|(category, _)| of(category)));
        for key in troubled.map(|(key, _)| key.clone()).take(count).collect::<Vec<_>>() {
            // As if they had changed, or they would wait for their time.
            let deleting = self.bindings.get(&key).is_some_and(|binding| binding.head.deleted.is_some());
            self.wake_binding(&key, if deleting { Kind::Deletion } else { Kind::Change });
        }
    }

    /// All bindings that use this class, or whose roles are under it; where it is or was a `default` one, those that name
    /// none, too.
    pub fn wake_bindings_of(&mut self, class: &str, default: bool) {
        // Of what is in trouble it may not be known.
        let of = |memory: &Memory| memory.under.as_deref().map_or(memory.trouble().is_some(), |under| under == class);
        let under = |key: &NsName| self.memory.get(key).is_some_and(of);
        let using: Vec<NsName> = self
            .bindings
            .iter()
            .filter(|b| b.class_name.as_deref().map_or(default, |name| name == class) || under(&b.head.key))
            .map(|b| b.head.key.clone())
            .collect();
        for key in using {
            self.wake_binding(&key, Kind::Change);
        }
    }

    /// The bindings of these roles.
    pub fn wake_roles(&mut self, arns: &[Box<str>], kind: Kind) {
        if arns.is_empty() {
            return;
        }
        let arns: HashSet<&str> = arns.iter().map(AsRef::as_ref).collect();
        self.wake_remembered(kind, |memory| memory.role_arn.as_deref().is_some_and(|arn| arns.contains(arn)));
    }

    /// The bindings whose role this is, but for one.
    pub fn wake_sharing(&mut self, arn: &str, except: &NsName) {
        let of = |memory: &Memory| memory.role_arn.as_deref() == Some(arn);
        let sharing = self.memory.iter().filter(|(key, memory)| *key != except && of(memory));
        for key in sharing.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.wake_binding(&key, Kind::Repair);
        }
    }

    /// The bindings that wait for the first snapshot of an account.
    pub fn wake_waiting(&mut self, account: &str) {
        let here = |memory: &Memory| {
            let of = |arn: &str| arn.split(':').nth(4) == Some(account);
            memory.waits_anywhere || memory.role_arn.as_deref().is_none_or(of)
        };
        self.wake_remembered(Kind::Sweep, |memory| memory.waits && here(memory));
    }

    fn wake_remembered(&mut self, kind: Kind, which: impl Fn(&Memory) -> bool) {
        let keys: Vec<NsName> =
            self.memory.iter().filter(|(_, memory)| which(memory)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.wake_binding(&key, kind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_snapshot_wakes_whoever_waits_for_it() {
        let arn = |account: &str| format!("arn:aws:iam::{account}:role/irsa/r");
        let waits = |arn: Option<String>, waits_anywhere| Memory {
            role_arn: arn.map(Into::into),
            waits: true,
            waits_anywhere,
            ..Memory::default()
        };
        let table = [
            ("unknown", waits(None, false), true),
            ("here", waits(Some(arn("1")), false), true),
            ("elsewhere", waits(Some(arn("2")), false), false),
            ("anywhere", waits(Some(arn("2")), true), true),
            ("not-any-more", Memory { waits: false, ..waits(Some(arn("1")), true) }, false),
        ];
        for (name, memory, woken) in table {
            let mut state = State::default();
            state.memory.insert(NsName::new("a", name), memory);
            state.wake_waiting("1");
            assert_eq!(state.queue.is_empty(), !woken, "{name}");
        }
    }
}
