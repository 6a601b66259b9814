//! What the cluster holds: one [`Store`] for each kind, fed by a watch and by the answers to our own writes.
//!
//! Two streams meet here that know nothing of each other's order. What decides is the resource version, which grows
//! with every write to a kind: whatever is older than what is held is ignored. What was removed stays removed: an
//! answer that comes late does not bring it back, nor does an event that the watch still owes.
//!
//! A relist marks and sweeps in place, so that it costs no second copy. Lists have to be read as most recent (kube's
//! default), and events have to be put in one by one as the watcher gives them: then whatever was held when a list
//! began is older than the list.

mod custom;
mod index;
mod lean;
#[cfg(test)]
mod model;
mod namespace;
mod ns_name;
mod packed;
mod service_account;
#[cfg(test)]
mod wire_tests;

pub use custom::{LeanBinding, LeanClass, Says, Undecodable};
pub use index::Index;
pub use lean::{Head, Kept, Watched};
pub use namespace::LeanNamespace;
pub use ns_name::NsName;
pub use packed::Packed;
pub use service_account::{Applier, Keys, LeanServiceAccount};

use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

/// What became of an object that was put in.
#[derive(Clone, Debug)]
pub enum Change<T> {
    /// There was none of that name.
    New,
    /// It took the place of this one, which may be of another uid.
    Updated(Arc<T>),
    /// It is what was held, or older, or gone since.
    Unchanged,
}

/// What a relist found.
#[derive(Clone, Debug)]
pub struct Swept<T> {
    /// What was held and is no more.
    pub vanished: Vec<Arc<T>>,
    /// Written by us while the list was read, and not in it: written after the list was taken, or deleted before. The
    /// list alone can't tell, so each has to be read: [`Store::write_through`] what is there, [`Store::gone`] if not.
    pub unconfirmed: Vec<NsName>,
}

/// All objects of a kind.
#[derive(Debug)]
pub struct Store<T> {
    entries: BTreeMap<NsName, Entry<T>>,
    by_service_account: Index<NsName>,
    /// The version that the watch has reached. Versions grow over all objects of a kind, and a watch tells them in
    /// that order: what is not held and not newer was deleted.
    frontier: u64,
    /// The newest version in the list that is being read.
    listed: u64,
    /// The list showed something older than what was held before: etcd was restored from a backup.
    rewound: bool,
    /// What an answer told to be gone, and of which the watch may still have older things to say: uid and version.
    buried: BTreeMap<NsName, (Box<str>, Option<u64>)>,
    synced: bool,
}

#[derive(Debug)]
struct Entry<T> {
    object: Arc<T>,
    mark: Mark,
}

/// What has happened to an entry since the last list began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Nothing,
    Seen,
    Written,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            by_service_account: Index::default(),
            frontier: 0,
            listed: 0,
            rewound: false,
            buried: BTreeMap::new(),
            synced: false,
        }
    }
}

impl<T: Kept> Store<T> {
    /// An empty store that has seen no list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The watch says that the object was added or modified.
    pub fn apply(&mut self, object: T) -> Change<T> {
        self.frontier = self.frontier.max(object.head().version().unwrap_or(0));
        if self.is_buried(object.head()) {
            return Change::Unchanged;
        }
        self.put(object, Mark::Seen)
    }

    /// The watch says that the object was deleted. Returns what was removed.
    pub fn delete(&mut self, object: &T) -> Option<Arc<T>> {
        let head = object.head();
        self.frontier = self.frontier.max(head.version().unwrap_or(0));
        if self.buried.get(&head.key).is_some_and(|(uid, _)| *uid == head.uid) {
            self.buried.remove(&head.key);
        }
        let held = self.entries.get(&head.key)?;
        // A uid never comes back, so this one is gone however new our answer was. One of another uid is gone too if
        // it is older; a newer one was made by us, and the watch is still to come to it.
        let gone = held.object.head().uid == head.uid || supersedes(head, held.object.head());
        if gone { self.remove(&head.key.clone()) } else { None }
    }

    /// The API server answered a read or a change of ours with this object. It is taken only if the same object is
    /// held: what was removed in the meantime does not come back, and what is new comes by the watch.
    pub fn write_through(&mut self, object: T) -> Change<T> {
        match self.entries.get(&object.head().key) {
            Some(held) if held.object.head().uid == object.head().uid => self.put(object, Mark::Written),
            _ => Change::Unchanged,
        }
    }

    /// The API server has made this object for us. It is ignored if the watch is further already: then it was told,
    /// and if it is not held it was deleted since. (An answer that was under way while a whole list passed by can't be
    /// told from a new one: whoever finds the object missing says [`Store::gone`].)
    pub fn created(&mut self, object: T) -> Change<T> {
        let head = object.head();
        let passed = head.version().is_some_and(|v| v <= self.frontier) || self.is_buried(head);
        if passed && !self.entries.contains_key(&head.key) {
            return Change::Unchanged;
        }
        self.put(object, Mark::Written)
    }

    /// The API server answered that the object of this uid is not there, or that its last finalizer is off. Returns
    /// what was removed; the Delete that the watch still brings then finds nothing.
    pub fn gone(&mut self, key: &NsName, uid: &str) -> Option<Arc<T>> {
        let held = self.entries.get(key)?;
        if *held.object.head().uid != *uid {
            return None;
        }
        self.buried.insert(key.clone(), (uid.into(), held.object.head().version()));
        self.remove(key)
    }

    /// A list begins.
    pub fn init(&mut self) {
        self.listed = 0;
        self.rewound = false;
        // The list is younger than what was told, and the watch goes on from the list.
        self.buried.clear();
        for entry in self.entries.values_mut() {
            entry.mark = Mark::Nothing;
        }
    }

    /// The list holds this object.
    pub fn init_apply(&mut self, object: T) -> Change<T> {
        let head = object.head();
        let version = head.version().unwrap_or(0);
        self.listed = self.listed.max(version);
        if self.is_buried(head) {
            return Change::Unchanged;
        }
        match self.entries.get_mut(&head.key) {
            // What was held before the list began is not newer than the list, whatever its version says.
            Some(held) if held.mark == Mark::Nothing => {
                let before = held.object.head();
                self.rewound |= before.version().is_some_and(|v| v > version);
                if before.uid == head.uid && before.resource_version == head.resource_version {
                    held.mark = Mark::Seen;
                    return Change::Unchanged;
                }
                self.replace(object, Mark::Seen)
            }
            Some(held) => {
                held.mark = Mark::Seen;
                self.put(object, Mark::Seen)
            }
            None => self.put(object, Mark::Seen),
        }
    }

    /// The list is complete.
    pub fn init_done(&mut self) -> Swept<T> {
        self.frontier = if self.rewound { self.listed } else { self.frontier.max(self.listed) };
        self.synced = true;
        let mut lost = Vec::new();
        let mut unconfirmed = Vec::new();
        for (key, entry) in &self.entries {
            match entry.mark {
                Mark::Seen => {}
                Mark::Written if entry.object.head().version().is_none_or(|v| v > self.listed) => {
                    unconfirmed.push(key.clone());
                }
                Mark::Nothing | Mark::Written => lost.push(key.clone()),
            }
        }
        let vanished = lost.iter().filter_map(|key| self.remove(key)).collect();
        Swept { vanished, unconfirmed }
    }

    /// Whether a list has been complete once. Before, nothing is decided.
    #[must_use]
    pub fn synced(&self) -> bool {
        self.synced
    }

    /// The object of that name.
    #[must_use]
    pub fn get(&self, key: &NsName) -> Option<&Arc<T>> {
        self.entries.get(key).map(|e| &e.object)
    }

    /// All objects, by namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.entries.values().map(|e| &e.object)
    }

    /// All objects of one namespace, by name.
    pub fn in_namespace(&self, namespace: &Arc<str>) -> impl Iterator<Item = &Arc<T>> {
        let first = NsName::new(namespace.clone(), "");
        self.entries.range(first..).take_while(move |(key, _)| key.namespace == *namespace).map(|(_, e)| &e.object)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn is_buried(&self, head: &Head) -> bool {
        self.buried.get(&head.key).is_some_and(|(uid, version)| *uid == head.uid || head.version() < *version)
    }

    fn put(&mut self, object: T, mark: Mark) -> Change<T> {
        match self.entries.get(&object.head().key) {
            Some(held) if !supersedes(object.head(), held.object.head()) => Change::Unchanged,
            _ => self.replace(object, mark),
        }
    }

    fn replace(&mut self, mut object: T, mark: Mark) -> Change<T> {
        self.share(&mut object);
        match self.entries.entry(object.head().key.clone()) {
            btree_map::Entry::Vacant(place) => {
                if let Some(account) = object.service_account() {
                    self.by_service_account.insert(account, place.key().clone());
                }
                place.insert(Entry { object: Arc::new(object), mark });
                Change::New
            }
            btree_map::Entry::Occupied(mut place) => {
                let (before, after) = (place.get().object.service_account(), object.service_account());
                if before != after {
                    before.inspect(|account| self.by_service_account.remove(account, place.key()));
                    after.into_iter().for_each(|account| self.by_service_account.insert(account, place.key().clone()));
                }
                let before = place.insert(Entry { object: Arc::new(object), mark });
                Change::Updated(before.object)
            }
        }
    }

    /// One copy of what neighbours have in common, and of names for key, object and index.
    fn share(&self, object: &mut T) {
        let key = object.head().key.clone();
        let before = self.entries.range(..=&key).next_back();
        let after = self.entries.range(&key..).next();
        before.into_iter().chain(after).for_each(|(_, held)| object.share(&held.object));
    }

    fn remove(&mut self, key: &NsName) -> Option<Arc<T>> {
        let object = self.entries.remove(key)?.object;
        if let Some(account) = object.service_account() {
            self.by_service_account.remove(&account, key);
        }
        Some(object)
    }
}

impl Store<LeanBinding> {
    /// The bindings that name this ServiceAccount, by name.
    #[must_use]
    pub fn bindings_of_service_account(&self, account: &NsName) -> Vec<NsName> {
        self.by_service_account.of(account)
    }
}

/// Whether `new` is newer than `old`, which has the same name.
fn supersedes(new: &Head, old: &Head) -> bool {
    match (new.version(), old.version()) {
        (Some(new), Some(old)) => new > old,
        // Versions without an order: what came last is believed, and the watch has the last word.
        _ if new.uid == old.uid => new.resource_version != old.resource_version,
        _ => new.created >= old.created,
    }
}
