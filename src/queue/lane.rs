//! Taking turns: kinds of work by their weights, within a kind namespace by namespace, and within a namespace first come,
//! first served. The queue of keys and the line of those who wait for a request both stand on it.

use super::Kind;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A pass that every weight divides.
const STRIDE: u64 = 16;

/// A lane for each kind.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    lanes: [Lane<T>; 5],
    /// The pass of the lane that was served last.
    pass: u64,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { lanes: Default::default(), pass: 0 }
    }
}

impl<T> Lanes<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(Lane::is_empty)
    }

    /// Puts one in. Numbers tell who came first within a namespace.
    pub(crate) fn push(&mut self, kind: Kind, namespace: Arc<str>, number: u64, item: T) {
        let lane = &mut self.lanes[kind as usize];
        if lane.is_empty() {
            // Who had no work saves up nothing.
            lane.pass = lane.pass.max(self.pass);
        }
        lane.push(namespace, number, item);
    }

    /// Whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<(Kind, T)> {
        let waiting = Kind::ALL.into_iter().filter(|k| !self.lanes[*k as usize].is_empty());
        let kind = waiting.min_by_key(|k| self.lanes[*k as usize].pass)?;
        let lane = &mut self.lanes[kind as usize];
        self.pass = lane.pass;
        lane.pass += STRIDE / kind.weight();
        lane.pop().map(|item| (kind, item))
    }

    /// Takes one out that was put in so.
    pub(crate) fn remove(&mut self, kind: Kind, namespace: &Arc<str>, number: u64) -> Option<T> {
        self.lanes[kind as usize].remove(namespace, number)
    }

    /// How many namespaces are remembered, counted once in each lane.
    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.lanes.iter().map(|lane| lane.namespaces.len()).sum()
    }
}

/// Those of one kind.
#[derive(Debug)]
struct Lane<T> {
    /// How far this lane is in its share of all service; the least goes first.
    pass: u64,
    namespaces: HashMap<Arc<str>, Namespace<T>>,
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

#[derive(Debug)]
struct Namespace<T> {
    turn: (u64, u64),
    items: BTreeMap<u64, T>,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            pass: 0,
            namespaces: HashMap::new(),
            turns: BTreeMap::new(),
            idle: BTreeMap::new(),
            served: 0,
            entered: 0,
            len: 0,
        }
    }
}

impl<T> Lane<T> {
    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn push(&mut self, name: Arc<str>, number: u64, item: T) {
        let empty = || Namespace { turn: (0, 0), items: BTreeMap::new() };
        let namespace = self.namespaces.entry(name.clone()).or_insert_with(empty);
        if namespace.items.is_empty() {
            self.idle.remove(&namespace.turn.0);
            self.entered += 1;
            namespace.turn.1 = self.entered;
            self.turns.insert(namespace.turn, name);
        }
        namespace.items.insert(number, item);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<T> {
        let (_, name) = self.turns.pop_first()?;
        let namespace = self.namespaces.get_mut(&name)?;
        let (_, item) = namespace.items.pop_first()?;
        self.len -= 1;
        self.served += 1;
        namespace.turn.0 = self.served;
        self.rest(&name);
        Some(item)
    }

    fn remove(&mut self, name: &Arc<str>, number: u64) -> Option<T> {
        let namespace = self.namespaces.get_mut(name)?;
        let item = namespace.items.remove(&number)?;
        self.len -= 1;
        self.turns.remove(&namespace.turn);
        self.rest(name);
        Some(item)
    }

    /// Puts a namespace that is neither in turn nor idle where it belongs, and forgets what need not be remembered.
    fn rest(&mut self, name: &Arc<str>) {
        let Some(namespace) = self.namespaces.get(name) else { return };
        if !namespace.items.is_empty() {
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
