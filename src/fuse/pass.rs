//! A pass over bindings: until all of a class were looked at, nobody knows how many of them are to lose something.

use super::WINDOW;
use crate::store::NsName;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Why bindings are looked at, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The operator has started, and may have been given an old state of the cluster.
    Start,
    /// Their class was edited.
    Class,
}

#[derive(Debug, Default)]
pub(super) struct Pass {
    pub started: bool,
    left: HashMap<NsName, (Arc<str>, Cause)>,
    /// By class: how many are left, and since when.
    runs: HashMap<Arc<str>, (usize, Instant)>,
}

impl Pass {
    pub fn begin(&mut self, binding: &NsName, class: &str, cause: Cause, now: Instant) {
        // In the first pass everything counts, so it stays one until the binding was looked at.
        let cause = if self.cause(binding) == Some(Cause::Start) { Cause::Start } else { cause };
        self.decided(binding);
        let class = self.runs.get_key_value(class).map_or_else(|| class.into(), |(known, _)| known.clone());
        let runs = self.runs.entry(Arc::clone(&class)).or_insert((0, now));
        *runs = (runs.0 + 1, now);
        self.left.insert(binding.clone(), (class, cause));
    }

    pub fn decided(&mut self, binding: &NsName) {
        let Some((class, _)) = self.left.remove(binding) else { return };
        if let Some((left, _)) = self.runs.get_mut(&class) {
            *left -= 1;
            if *left == 0 {
                self.runs.remove(&class);
            }
        }
        if self.left.is_empty() {
            // A map keeps the room that it once needed.
            self.left = HashMap::new();
        }
    }

    pub fn cause(&self, binding: &NsName) -> Option<Cause> {
        self.left.get(binding).map(|(_, cause)| *cause)
    }

    /// Whether bindings of the class are still to be looked at. One that can't be must not hold up the others for ever.
    pub fn runs(&self, class: &str, now: Instant) -> bool {
        self.runs.get(class).is_some_and(|(_, since)| now < *since + WINDOW)
    }
}
