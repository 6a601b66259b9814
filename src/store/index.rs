//! From a value that bindings share to the bindings.

use super::NsName;
use std::collections::BTreeSet;

/// Which keys have a value: the ServiceAccount that they name, or the role.
#[derive(Clone, Debug)]
pub struct Index<V> {
    pairs: BTreeSet<(V, NsName)>,
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        Self { pairs: BTreeSet::new() }
    }
}

impl<V: Ord + Clone> Index<V> {
    /// `key` has `value`.
    pub fn insert(&mut self, value: V, key: NsName) {
        self.pairs.insert((value, key));
    }

    /// `key` does not have `value` any more.
    pub fn remove(&mut self, value: &V, key: &NsName) {
        self.pairs.remove(&(value.clone(), key.clone()));
    }

    /// The keys that have `value`, in order.
    #[must_use]
    pub fn of(&self, value: &V) -> Vec<NsName> {
        let first = (value.clone(), NsName::new("", ""));
        self.pairs.range(first..).take_while(|(v, _)| v == value).map(|(_, key)| key.clone()).collect()
    }
}
