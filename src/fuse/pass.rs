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
    /// By class.
    runs: HashMap<Arc<str>, Run>,
}

/// The pass over the bindings of one class.
#[derive(Debug)]
struct Run {
    left: usize,
    since: Instant,
    /// When the last of them was looked at.
    moved: Instant,
}

impl Pass {
    pub fn begin(&mut self, binding: &NsName, class: &str, cause: Cause, now: Instant) {
        // In the first pass everything counts, so it stays one until the binding was looked at.
        let cause = if self.cause(binding) == Some(Cause::Start) { Cause::Start } else { cause };
        self.decided(binding, now);
        let class = self.runs.get_key_value(class).map_or_else(|| class.into(), |(known, _)| known.clone());
        let left = self.runs.get(&class).map_or(0, |run| run.left) + 1;
        self.runs.insert(Arc::clone(&class), Run { left, since: now, moved: now });
        self.left.insert(binding.clone(), (class, cause));
    }

    pub fn decided(&mut self, binding: &NsName, now: Instant) {
        let Some((class, _)) = self.left.remove(binding) else { return };
        if let Some(run) = self.runs.get_mut(&class) {
            run.left -= 1;
            run.moved = now;
            if run.left == 0 {
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
        self.runs.get(class).is_some_and(|run| now < run.since + WINDOW)
    }

    /// Whether a pass over the class goes on, however slowly: what it takes adds up until its end, or it would take from
    /// thousands a few at a time.
    pub fn adds_up(&self, class: &str, now: Instant) -> bool {
        self.runs.get(class).is_some_and(|run| now < run.moved + WINDOW)
    }
}
