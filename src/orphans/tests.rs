use super::*;
use std::collections::BTreeSet;

const ACCOUNT: &str = "111122223333";
const SETTLE: Duration = Duration::from_secs(90);

/// A role of this cluster's, for the binding `n/NAME`.
fn role(name: &str, other: &[(&str, &str)]) -> Detailed {
    let mut tags: Tags = [(tag::CLUSTER, "c"), (tag::NAMESPACE, "n"), (tag::BINDING, name), (tag::ISSUER, "i")]
        .into_iter()
        .chain([(tag::CLASS, "default")])
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    for (key, value) in other {
        tags.insert((*key).to_owned(), (*value).to_owned());
    }
    Detailed {
        arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        id: name.to_owned(),
        tags,
        quarantined: false,
        print: 0,
    }
}

struct World {
    orphans: Orphans,
    start: Instant,
    sweep: u32,
    bindings: BTreeSet<&'static str>,
}

impl World {
    fn new(bindings: &[&'static str]) -> Self {
        let bindings = bindings.iter().copied().collect();
        Self { orphans: Orphans::default(), start: Instant::now(), sweep: 0, bindings }
    }

    /// Pages that come, without an end.
    fn pages(&mut self, roles: &[Detailed]) {
        self.sweep += 1;
        self.orphans.begin(ACCOUNT, self.sweep);
        for page in roles.chunks(2) {
            let other = page.iter().any(|role| tags::get(&role.tags, tag::ISSUER) == Some("another"));
            self.orphans.page(ACCOUNT, page, "c", other, |_, key| self.bindings.contains(&*key.name));
        }
    }

    /// A complete sweep that was begun so many seconds after the start: whom to ask for.
    fn sweep(&mut self, second: u64, roles: &[Detailed]) -> Vec<String> {
        self.pages(roles);
        let ask = self.orphans.end(ACCOUNT, self.start + Duration::from_secs(second), SETTLE);
        ask.into_iter().map(|(_, binding)| binding.to_string()).collect()
    }

    fn asked(&mut self, name: &str, there: bool) {
        self.orphans.asked(ACCOUNT, &format!("arn:aws:iam::{ACCOUNT}:role/{name}"), there);
    }

    fn named(&self) -> Option<Vec<String>> {
        Some(self.orphans.of(ACCOUNT)?.map(|orphan| orphan.binding.name.to_string()).collect())
    }
}

#[test]
fn two_sweeps_far_apart_and_the_api_server_have_to_say_so() {
    let mut world = World::new(&["kept"]);
    let roles = [role("kept", &[]), role("lost", &[])];
    assert_eq!((world.sweep(0, &roles), world.named()), (vec![], None), "nothing is known yet");
    assert_eq!((world.sweep(90, &roles), world.named()), (vec![], None), "not further apart than that");
    assert_eq!(world.sweep(91, &roles), ["n/lost"]);
    assert_eq!(world.named(), Some(vec![]), "it counts once the API server has said so");
    assert_eq!(world.orphans.suspects(ACCOUNT).unwrap().filter(|orphan| !orphan.confirmed).count(), 1);
    assert_eq!(world.sweep(92, &roles), ["n/lost"], "asked again where there was no answer");
    world.asked("lost", false);
    assert_eq!(world.named(), Some(vec!["lost".to_owned()]));
    assert!(world.sweep(93, &roles).is_empty(), "asked once");
    assert_eq!(world.named(), Some(vec!["lost".to_owned()]));
}

#[test]
fn it_is_none_any_more_when_its_binding_is_back_or_the_role_gone() {
    for (bindings, roles) in [(&["a"][..], vec![role("a", &[])]), (&[], vec![])] {
        let mut world = World::new(&[]);
        world.sweep(0, &[role("a", &[])]);
        world.sweep(100, &[role("a", &[])]);
        world.asked("a", false);
        assert_eq!(world.named().unwrap().len(), 1);
        world.bindings = bindings.iter().copied().collect();
        world.sweep(101, &roles);
        assert_eq!(world.named(), Some(vec![]));
        world.bindings.clear();
        assert!(world.sweep(102, &[role("a", &[])]).is_empty(), "all of it from the beginning");
    }
}

#[test]
fn a_binding_that_is_there_after_all_begins_anew() {
    let mut world = World::new(&[]);
    world.sweep(0, &[role("a", &[])]);
    assert_eq!(world.sweep(100, &[role("a", &[])]), ["n/a"]);
    world.asked("a", true);
    assert!(world.sweep(101, &[role("a", &[])]).is_empty());
    assert_eq!(world.sweep(192, &[role("a", &[])]), ["n/a"]);
    world.asked("gone meanwhile", false);
}

#[test]
fn a_sweep_that_is_broken_off_says_nothing() {
    let mut world = World::new(&[]);
    world.pages(&[role("a", &[])]);
    assert!(world.sweep(0, &[]).is_empty() && world.sweep(100, &[role("a", &[])]).is_empty());
    world.pages(&[]);
    assert_eq!(world.sweep(200, &[role("a", &[])]), ["n/a"], "nor that it is gone");
}

#[test]
fn where_tags_are_seen_no_more_nothing_is_known() {
    let mut world = World::new(&[]);
    world.sweep(0, &[role("a", &[])]);
    world.sweep(100, &[]);
    assert_eq!(world.named(), Some(vec![]));
    world.orphans.forget(ACCOUNT);
    assert_eq!(world.named(), None);
}

#[test]
fn what_is_no_orphan() {
    let never = [
        vec![(tag::RELEASED_BY, "c")],
        vec![(tag::CLUSTER, "other")],
        vec![(tag::NAMESPACE, "../../x")],
        vec![(tag::BINDING, "")],
        vec![(tag::BINDING, "a..b")],
        vec![(tag::BINDING, "A")],
    ];
    for tags in never {
        let mut world = World::new(&[]);
        let roles = [role("a", &tags)];
        world.sweep(0, &roles);
        assert!(world.sweep(100, &roles).is_empty(), "{tags:?}");
    }
    let mut world = World::new(&[]);
    let mut nameless = role("a", &[]);
    nameless.tags.remove(tag::NAMESPACE);
    world.sweep(0, std::slice::from_ref(&nameless));
    assert!(world.sweep(100, &[nameless]).is_empty());
}

#[test]
fn where_two_clusters_have_one_id_none_is_counted() {
    let mut world = World::new(&["theirs"]);
    let (lost, other) = (role("lost", &[]), role("theirs", &[(tag::ISSUER, "another")]));
    world.sweep(0, std::slice::from_ref(&lost));
    assert_eq!(world.sweep(100, std::slice::from_ref(&lost)), ["n/lost"]);
    world.asked("lost", false);
    assert!(world.sweep(101, &[lost.clone(), other]).is_empty());
    assert_eq!(world.named(), Some(vec![]));
    assert!(world.sweep(102, std::slice::from_ref(&lost)).is_empty());
    assert_eq!(world.sweep(200, &[lost]), ["n/lost"], "the other one is gone");
}

#[test]
fn tags_that_change_owner_begin_anew() {
    let mut world = World::new(&[]);
    world.sweep(0, &[role("a", &[])]);
    let moved = role("a", &[(tag::BINDING, "b"), (tag::CLASS, "second")]);
    assert!(world.sweep(100, std::slice::from_ref(&moved)).is_empty());
    assert_eq!(world.sweep(200, std::slice::from_ref(&moved)), ["n/b"]);
    world.asked("a", false);
    let found: Vec<_> = world.orphans.of(ACCOUNT).unwrap().map(|o| (o.arn.to_owned(), o.class.to_owned())).collect();
    assert_eq!(found, [(moved.arn, "second".to_owned())]);
}

/// One that is known since second 100, whose sweeps come at these seconds and show it so.
fn known(world: &mut World, shown: &Detailed) {
    world.sweep(0, std::slice::from_ref(shown));
    world.sweep(100, std::slice::from_ref(shown));
    world.asked("a", false);
}

fn to_be(world: &World, policy: OrphanPolicy) -> Option<bool> {
    to_be_at(world, policy, 300)
}

fn to_be_at(world: &World, policy: OrphanPolicy, second: u64) -> Option<bool> {
    let now = world.start + Duration::from_secs(second);
    world.orphans.of(ACCOUNT).unwrap().next().expect("an orphan").to_be(policy, now)
}

#[test]
fn what_aws_refuses_is_tried_again_an_hour_later() {
    let mut world = World::new(&[]);
    let bare = role("a", &[]);
    known(&mut world, &bare);
    world.orphans.refused(ACCOUNT, &bare.arn, world.start + Duration::from_secs(110));
    world.sweep(150, std::slice::from_ref(&bare));
    let tried = [111, 3709, 3710].map(|second| to_be_at(&world, OrphanPolicy::Quarantine, second));
    assert_eq!(tried, [None, None, Some(true)]);
}

#[test]
fn a_role_that_is_gone_and_shown_yet_is_nobodys() {
    let mut orphans = Orphans::default();
    let start = Instant::now();
    for (sweep, second) in [(1, 0), (2, 100)] {
        orphans.begin(ACCOUNT, sweep);
        let page = [role("gone", &[]), role("lost", &[])];
        orphans.page(ACCOUNT, &page, "c", false, |role, _| role.arn.ends_with("/gone"));
        let asked = orphans.end(ACCOUNT, start + Duration::from_secs(second), Duration::from_secs(90));
        assert!(asked.iter().all(|(_, binding)| &*binding.name == "lost"), "{asked:?}");
    }
    assert_eq!(orphans.suspects(ACCOUNT).unwrap().count(), 1);
}

#[test]
fn it_is_cut_off_once_and_given_back() {
    use OrphanPolicy::{Quarantine, Report};
    let mut world = World::new(&[]);
    let bare = role("a", &[]);
    let cut = Detailed { quarantined: true, ..bare.clone() };
    known(&mut world, &bare);
    assert_eq!([to_be(&world, Report), to_be(&world, Quarantine)], [None, Some(true)]);
    let arn = bare.arn.clone();
    world.orphans.wrote(ACCOUNT, &arn, true, world.start + Duration::from_secs(110));
    assert_eq!([to_be(&world, Report), to_be(&world, Quarantine)], [Some(false), None]);
    // A sweep that may be older than our write does not count against it; one that is newer does.
    world.sweep(150, std::slice::from_ref(&bare));
    assert_eq!(to_be(&world, Report), Some(false));
    world.sweep(250, std::slice::from_ref(&bare));
    assert_eq!([to_be(&world, Report), to_be(&world, Quarantine)], [None, None], "somebody took it off by hand");
    world.sweep(260, std::slice::from_ref(&cut));
    assert_eq!(to_be(&world, Report), Some(false), "whoever put it there, it goes");
    world.orphans.wrote(ACCOUNT, &arn, false, world.start + Duration::from_secs(270));
    world.sweep(280, std::slice::from_ref(&cut));
    assert_eq!([to_be(&world, Report), to_be(&world, Quarantine)], [None, Some(true)], "asked for anew");
}

#[test]
fn one_that_is_held_is_neither_cut_off_nor_given_back() {
    for quarantined in [false, true] {
        let mut world = World::new(&[]);
        known(&mut world, &Detailed { quarantined, ..role("a", &[(tag::HOLD, "")]) });
        assert_eq!(to_be(&world, OrphanPolicy::Quarantine), None);
        assert_eq!(to_be(&world, OrphanPolicy::Report), None);
    }
}

#[test]
fn what_cuts_it_off_denies_everything_and_is_said_to_fail_once() {
    let document = crate::iam::document::Document::stored(QUARANTINE_POLICY).unwrap();
    assert!(document.only_denies());
    let mut orphans = Orphans::default();
    let said = ["x", "x", "y", "", "y"].map(|text| orphans.failed("c", text));
    assert_eq!(said, [true, false, true, false, true]);
}
