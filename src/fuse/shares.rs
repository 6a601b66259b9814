//! Who brings how much of what counts, and so who is held: what one namespace brings holds that namespace only.
//!
//! Where more is to go than the limit:
//! 1. Namespaces that go beyond it by themselves are held, and do not count for the others.
//! 2. Where these still do, the largest are held in the same way until the others are half of the limit at most, and with
//!    them whoever brings as much as the last of these. Not where a class takes part: what it takes, it takes from all.
//! 3. Where this would be more than a few namespaces, it is nobody's in particular, and all are held.
//!
//! So of what nobody has allowed no namespace takes more than the limit, and all together not more than that for each
//! that is held, and once more.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// So many namespaces at most are held by themselves.
pub(super) const ALONE: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Shares {
    of: HashMap<Arc<str>, usize>,
    by_size: BTreeSet<(usize, Arc<str>)>,
    /// What a class brings, without any of its namespaces having asked for it.
    class: usize,
    all: usize,
}

/// Whether so much counts that something is to be held.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Many {
    No,
    /// What these bring.
    Of(Vec<Arc<str>>),
    All,
}

impl Shares {
    pub fn all(&self) -> usize {
        self.all
    }

    /// One more, or one less, of what a namespace brings; without one, of what the class does.
    pub fn count(&mut self, namespace: Option<&Arc<str>>, more: bool) {
        let step = |size: usize| if more { size + 1 } else { size.saturating_sub(1) };
        self.all = step(self.all);
        let Some(namespace) = namespace else {
            self.class = step(self.class);
            return;
        };
        let before = self.of.remove(namespace).unwrap_or_default();
        self.by_size.remove(&(before, namespace.clone()));
        let now = step(before);
        if now > 0 {
            self.of.insert(namespace.clone(), now);
            self.by_size.insert((now, namespace.clone()));
        }
    }

    pub fn judge(&self, limit: usize) -> Many {
        if self.all <= limit {
            return Many::No;
        }
        let mut sizes = self.by_size.iter().rev().take(ALONE + 1).peekable();
        let (mut alone, mut others) = (Vec::new(), self.all);
        while let Some((size, namespace)) = sizes.next_if(|(size, _)| *size > limit) {
            others -= size;
            alone.push(namespace.clone());
        }
        if others > limit {
            let mut last = 0;
            while let Some((size, namespace)) = sizes.next_if(|(size, _)| others > limit / 2 || *size == last) {
                (others, last) = (others - size, *size);
                alone.push(namespace.clone());
            }
            if self.class > 0 || others > limit / 2 {
                return Many::All;
            }
        }
        if alone.len() > ALONE { Many::All } else { Many::Of(alone) }
    }

    pub fn is_empty(&self) -> bool {
        self.all == 0
    }
}
