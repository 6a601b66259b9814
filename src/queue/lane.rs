//! The keys of one kind: namespaces take turns.

use super::Key;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The keys of one kind that are due.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// How far this lane is in its share of all service; the least goes first.
    pub(super) pass: u64,
    namespaces: HashMap<Arc<str>, Namespace>,
    /// The namespaces with work, in the order of their turns: when last served (0 for one that is new), and when put
    /// in.
    turns: BTreeMap<(u64, u64), Arc<str>>,
    /// The namespaces without work that are not forgotten, by when they were last served.
    idle: BTreeMap<u64, Arc<str>>,
    /// Counts what was served.
    served: u64,
    /// Counts what was put in.
    entered: u64,
    len: usize,
}

#[derive(Debug, Default)]
struct Namespace {
    turn: (u64, u64),
    keys: BTreeMap<u64, Key>,
}

impl Lane {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Numbers tell who came first within a namespace.
    pub(super) fn push(&mut self, name: Arc<str>, number: u64, key: Key) {
        let namespace = self.namespaces.entry(name.clone()).or_default();
        if namespace.keys.is_empty() {
            self.idle.remove(&namespace.turn.0);
            self.entered += 1;
            namespace.turn.1 = self.entered;
            self.turns.insert(namespace.turn, name);
        }
        namespace.keys.insert(number, key);
        self.len += 1;
    }

    pub(super) fn pop(&mut self) -> Option<Key> {
        let (_, name) = self.turns.pop_first()?;
        let namespace = self.namespaces.get_mut(&name)?;
        let (_, key) = namespace.keys.pop_first()?;
        self.len -= 1;
        self.served += 1;
        namespace.turn.0 = self.served;
        self.rest(&name);
        Some(key)
    }

    pub(super) fn remove(&mut self, name: &Arc<str>, number: u64) {
        let Some(namespace) = self.namespaces.get_mut(name) else { return };
        if namespace.keys.remove(&number).is_some() {
            self.len -= 1;
            self.turns.remove(&namespace.turn);
            self.rest(name);
        }
    }

    /// How many namespaces are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.namespaces.len()
    }

    /// Puts a namespace that is neither in turn nor idle where it belongs, and forgets what need not be remembered.
    fn rest(&mut self, name: &Arc<str>) {
        let Some(namespace) = self.namespaces.get(name) else { return };
        if !namespace.keys.is_empty() {
            self.turns.insert(namespace.turn, name.clone());
        } else if namespace.turn.0 == 0 {
            self.namespaces.remove(name);
        } else {
            self.idle.insert(namespace.turn.0, name.clone());
        }
        // One that was served before all that wait were would go first when it comes back. So would a new one: it may
        // be forgotten. One that was served after one that waits may not, or it would overtake it for ever.
        let oldest = self.turns.first_key_value().map_or(u64::MAX, |((served, _), _)| *served);
        while let Some(first) = self.idle.first_entry().filter(|first| *first.key() < oldest) {
            self.namespaces.remove(&first.remove());
        }
    }
}
