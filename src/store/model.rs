//! The store against a small API server: writes by us and by others, answers and events that come late, relists that
//! fail half-way, in any order.

use super::*;
use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;
use std::collections::HashSet;

fn object(name: usize, uid: u64, version: u64) -> LeanBinding {
    LeanBinding {
        head: Head {
            key: NsName::new("ns", format!("b{name}")),
            uid: uid.to_string().into(),
            resource_version: version.to_string().into(),
            generation: 1,
            created: Timestamp::from_second(uid.cast_signed())
                .ok()
                .map(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time),
            deleted: None,
            finalizers: std::sync::Arc::default(),
        },
        spec: Packed::pack("null"),
        status: None,
        // Bindings share ServiceAccounts, and change them.
        service_account: (!version.is_multiple_of(3)).then(|| Arc::from(format!("sa{}", version % 3))),
        class_name: None,
        says: Default::default(),
    }
}

fn id(b: &LeanBinding) -> (u64, u64) {
    (b.head.uid.parse().unwrap(), b.head.version().unwrap())
}

#[derive(Clone, Debug)]
enum Event {
    Apply(LeanBinding),
    Delete(LeanBinding),
}

#[derive(Clone, Debug)]
enum Answer {
    Written(LeanBinding),
    Created(LeanBinding),
    NotFound(NsName, Box<str>),
}

impl Answer {
    fn key(&self) -> NsName {
        match self {
            Self::Written(object) | Self::Created(object) => object.head.key.clone(),
            Self::NotFound(key, _) => key.clone(),
        }
    }
}

/// A list that has begun; its objects are known once its first page is read.
#[derive(Default)]
struct Listing(Option<(Vec<LeanBinding>, usize)>);

#[derive(Default)]
struct World {
    version: u64,
    objects: BTreeMap<usize, LeanBinding>,
    log: Vec<Event>,
    watched: usize,
    listing: Option<Listing>,
    answers: Vec<Answer>,
    store: Store<LeanBinding>,
    /// What was held after the step before, and all that was held once and no more.
    before: BTreeMap<NsName, (u64, u64)>,
    removed: HashSet<u64>,
}

impl World {
    fn change(&mut self, name: usize, create: bool) -> Option<LeanBinding> {
        if self.objects.contains_key(&name) == create {
            return None;
        }
        self.version += 1;
        let uid = self.objects.get(&name).map_or(self.version, |o| id(o).0);
        let object = object(name, uid, self.version);
        self.objects.insert(name, object.clone());
        self.log.push(Event::Apply(object.clone()));
        Some(object)
    }

    fn outside_delete(&mut self, name: usize) {
        if let Some(gone) = self.objects.remove(&name) {
            self.version += 1;
            self.log.push(Event::Delete(object(name, id(&gone).0, self.version)));
        }
    }

    /// We change what we hold; the API server refuses if it is another object by now.
    fn write(&mut self, name: usize, last_finalizer: bool) {
        let key = object(name, 0, 0).head.key;
        let Some(uid) = self.store.get(&key).map(|o| o.head.uid.clone()) else { return };
        let answer = match self.objects.get(&name).filter(|o| o.head.uid == uid) {
            Some(_) if !last_finalizer => self.change(name, false).map(Answer::Written),
            Some(_) => {
                self.outside_delete(name);
                Some(Answer::NotFound(key, uid))
            }
            None => Some(Answer::NotFound(key, uid)),
        };
        self.answers.extend(answer);
    }

    fn create(&mut self, name: usize) {
        let created = self.change(name, true).map(Answer::Created);
        self.answers.extend(created);
    }

    fn answer(&mut self, at: usize) {
        if self.answers.is_empty() {
            return;
        }
        // One worker for a key: its answers come in order.
        let key = self.answers[at % self.answers.len()].key();
        let at = self.answers.iter().position(|a| a.key() == key).unwrap();
        match self.answers.remove(at) {
            Answer::Written(object) => drop(self.store.write_through(object)),
            Answer::Created(object) => drop(self.store.created(object)),
            Answer::NotFound(key, uid) => drop(self.store.gone(&key, &uid)),
        }
    }

    fn watch(&mut self) {
        if self.listing.is_some() || self.watched == self.log.len() {
            return;
        }
        match self.log[self.watched].clone() {
            Event::Apply(object) => drop(self.store.apply(object)),
            Event::Delete(object) => drop(self.store.delete(&object)),
        }
        self.watched += 1;
    }

    fn relist(&mut self) {
        self.store.init();
        self.listing = Some(Listing::default());
    }

    fn page(&mut self) {
        let Some(Listing(snapshot)) = &mut self.listing else { return };
        let (objects, watched) =
            snapshot.get_or_insert_with(|| (self.objects.values().cloned().collect(), self.log.len()));
        if let Some(object) = objects.pop() {
            self.store.init_apply(object);
            return;
        }
        self.watched = *watched;
        self.listing = None;
        // The one thing that a store can't know: that an answer to a creation, which comes after the list, is older
        // than a deletion that the list has seen. The write that follows a creation finds it out.
        while let Some(at) = self.answers.iter().position(|a| matches!(a, Answer::Created(_))) {
            self.answer(at);
        }
        for key in self.store.init_done().unconfirmed {
            let held = self.store.get(&key).unwrap().clone();
            match self.objects.values().find(|o| o.head.key == key && o.head.uid == held.head.uid) {
                Some(read) => drop(self.store.write_through(read.clone())),
                None => drop(self.store.gone(&key, &held.head.uid)),
            }
        }
    }

    fn step(&mut self, op: u8, name: usize) {
        match op {
            0..=3 => self.write(name, false),
            4 => self.write(name, true),
            5..=6 => drop(self.change(name, false)),
            7..=8 => drop(self.change(name, true)),
            9 => self.outside_delete(name),
            10..=11 => self.create(name),
            12..=16 => self.answer(name),
            17..=23 => self.watch(),
            24 => self.relist(),
            _ => self.page(),
        }
    }

    fn check(&mut self) {
        let now: BTreeMap<_, _> = self.store.iter().map(|o| (o.head.key.clone(), id(o))).collect();
        for (key, (uid, version)) in &now {
            assert!(!self.removed.contains(uid), "{key} came back");
            if let Some((old_uid, old_version)) = self.before.get(key) {
                assert!(version >= old_version, "{key} went back");
                assert!(uid >= old_uid);
            }
        }
        let held: HashSet<_> = now.values().map(|(uid, _)| *uid).collect();
        self.removed.extend(self.before.values().map(|(uid, _)| *uid).filter(|uid| !held.contains(uid)));
        for n in 1..3 {
            let account = NsName::new("ns", format!("sa{n}"));
            let naming: Vec<_> = self.store.iter().filter(|o| o.service_account() == Some(account.clone())).collect();
            let naming: Vec<_> = naming.into_iter().map(|o| o.head.key.clone()).collect();
            assert_eq!(self.store.bindings_of_service_account(&account), naming);
        }
        self.before = now;
    }

    fn settle(&mut self) {
        while self.listing.is_some() {
            self.page();
            self.check();
        }
        while !self.answers.is_empty() || self.watched < self.log.len() {
            self.answer(0);
            self.watch();
            self.check();
        }
        let held: Vec<_> = self.store.iter().map(|o| (o.head.key.clone(), id(o))).collect();
        let there: Vec<_> = self.objects.values().map(|o| (o.head.key.clone(), id(o))).collect();
        assert_eq!(held, there);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_the_order_nothing_goes_back_and_all_ends_well(
        steps in prop::collection::vec((0u8..30, 0usize..4), 0..120)
    ) {
        let mut world = World::default();
        for (op, name) in steps {
            world.step(op, name);
            world.check();
        }
        world.settle();
    }
}

#[test]
fn a_change_shows_what_was_there_before() {
    let mut store = Store::new();
    assert!(matches!(store.apply(object(1, 1, 1)), Change::New));
    assert!(matches!(store.apply(object(1, 1, 1)), Change::Unchanged));
    assert!(matches!(store.apply(object(1, 1, 4)), Change::Updated(before) if id(&before) == (1, 1)));
    assert!(matches!(store.apply(object(1, 1, 3)), Change::Unchanged));
    assert!(matches!(store.apply(object(1, 5, 5)), Change::Updated(before) if id(&before) == (1, 4)));
    assert!(store.delete(&object(1, 1, 4)).is_none());
    assert!(store.delete(&object(1, 5, 6)).is_some() && store.is_empty());
}

#[test]
fn nothing_is_decided_before_the_first_list_is_complete() {
    let mut store = Store::new();
    store.init();
    store.init_apply(object(1, 1, 1));
    assert!(!store.synced());
    // The list failed half-way and begins again.
    store.init();
    store.init_apply(object(2, 2, 2));
    let swept = store.init_done();
    assert!(store.synced() && swept.unconfirmed.is_empty());
    assert_eq!(swept.vanished.iter().map(|o| id(o)).collect::<Vec<_>>(), [(1, 1)]);
    assert!(store.get(&object(1, 0, 0).head.key).is_none() && store.len() == 1);
}

#[test]
fn a_restored_etcd_is_believed() {
    let mut store = Store::new();
    store.apply(object(1, 1, 100));
    store.apply(object(2, 2, 110));
    store.init();
    assert!(matches!(store.init_apply(object(1, 1, 50)), Change::Updated(_)));
    store.init_done();
    assert_eq!(store.len(), 1);
    assert!(matches!(store.apply(object(1, 1, 51)), Change::Updated(_)));
    assert!(matches!(store.created(object(3, 3, 60)), Change::New));
}

#[test]
fn versions_without_an_order_are_left_to_the_watch() {
    let opaque = |uid, version: &str| {
        let mut object = object(1, uid, 1);
        object.head.resource_version = version.into();
        object
    };
    let mut store = Store::new();
    assert!(matches!(store.created(opaque(1, "x")), Change::New));
    assert!(matches!(store.apply(opaque(1, "x")), Change::Unchanged));
    assert!(matches!(store.apply(opaque(1, "a")), Change::Updated(_)));
    assert!(matches!(store.apply(opaque(2, "b")), Change::Updated(_)));
    assert!(store.delete(&opaque(1, "c")).is_none());
    assert!(store.delete(&opaque(2, "d")).is_some());
}
