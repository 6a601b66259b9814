//! What one namespace brings holds that namespace only.

use super::shares::{Many, Shares};
use super::*;

pub(super) fn key(namespace: &str, number: usize) -> NsName {
    NsName::new(namespace, format!("b{number:04}"))
}

/// One class of so many bindings.
pub(super) struct World {
    pub fuse: Fuse,
    start: Instant,
    pub second: u64,
    pub bindings: usize,
}

impl World {
    pub fn new(bindings: usize) -> Self {
        Self { fuse: Fuse::new(true), start: Instant::now(), second: 0, bindings }
    }

    pub fn now(&self) -> Instant {
        self.start + Duration::from_secs(self.second)
    }

    fn note(&mut self, namespace: &str, numbers: std::ops::Range<usize>, removal: Removal) {
        let now = self.now();
        numbers.for_each(|number| self.fuse.note(&key(namespace, number), "c", removal, now));
    }

    pub fn delete(&mut self, namespace: &str, numbers: std::ops::Range<usize>) {
        self.note(namespace, numbers, Removal::Role);
    }

    fn ask(&mut self, namespace: &str, number: usize) -> Verdict {
        let (bindings, now) = (self.bindings, self.now());
        self.fuse.ask(&key(namespace, number), || bindings, now)
    }

    /// Asks for all of these; those that may go are gone at once. Returns how many.
    pub fn removed(&mut self, namespace: &str, numbers: std::ops::Range<usize>) -> usize {
        let mut removed = 0;
        for number in numbers {
            let key = key(namespace, number);
            if self.fuse.removal(&key).is_some() && self.ask(namespace, number) == Verdict::Go {
                self.fuse.gone(&key, self.now());
                self.bindings -= 1;
                removed += 1;
            }
        }
        removed
    }

    pub fn allow(&mut self, said: &str) {
        let now = self.now();
        for allowed in Allowed::parse(said).unwrap() {
            self.fuse.allowed("c", allowed, now);
        }
    }

    fn alone(&self) -> Vec<(&str, usize)> {
        self.fuse.all_alone("c").map(|(namespace, held)| (&**namespace, held.count())).collect()
    }

    fn held(&self) -> usize {
        self.fuse.held("c").map_or(0, Held::count)
    }
}

/// What namespaces bring, and what the class takes: who is held, at a limit of 20.
#[test]
fn who_is_held() {
    const ALL: &str = "all";
    let table: &[(&[usize], usize, &str)] = &[
        (&[20], 0, ""),
        (&[10, 10], 0, ""),
        (&[1; 20], 0, ""),
        (&[21], 0, "a"),
        (&[50, 1], 0, "a"),
        (&[50, 20], 0, "a"),
        (&[50, 40, 20], 0, "ab"),
        (&[50, 40, 30, 20], 0, "abc"),
        (&[50, 40, 30, 21], 0, ALL),
        // One that takes all it may keeps nobody else from going, in small numbers.
        (&[20, 1], 0, "a"),
        (&[20, 10], 0, "a"),
        (&[20, 11], 0, "ab"),
        (&[20, 10, 4], 0, "ab"),
        // Nor do three that agree on it.
        (&[7, 7, 7, 6], 0, "abc"),
        (&[20, 20, 20, 10], 0, "abc"),
        (&[25, 15, 6], 0, "ab"),
        // What is as much as what is held is held with it.
        (&[10, 10, 10], 0, "abc"),
        (&[6, 6, 6, 6], 0, ALL),
        (&[5, 5, 5, 5, 5], 0, ALL),
        (&[1; 21], 0, ALL),
        (&[4; 50], 0, ALL),
        (&[25; 4], 0, ALL),
        (&[50, 1, 20], 0, "ac"),
        // What a class takes, it takes from all.
        (&[10], 11, ALL),
        (&[20], 1, ALL),
        (&[], 21, ALL),
        (&[50], 20, "a"),
        (&[50], 21, ALL),
    ];
    for (brought, class, held) in table {
        let mut shares = Shares::default();
        let names: Vec<Arc<str>> = ('a'..='z').chain('A'..='Z').map(|name| name.to_string().into()).collect();
        for (name, count) in names.iter().zip(*brought) {
            (0..*count).for_each(|_| shares.count(Some(name), true));
        }
        (0..*class).for_each(|_| shares.count(None, true));
        let said = match shares.judge(20) {
            Many::No => String::new(),
            Many::All => ALL.to_owned(),
            Many::Of(mut names) => {
                names.sort();
                names.concat()
            }
        };
        assert_eq!(said, *held, "{brought:?} {class}");
        for (name, count) in names.iter().zip(*brought) {
            (0..*count).for_each(|_| shares.count(Some(name), false));
        }
        (0..*class).for_each(|_| shares.count(None, false));
        assert!(shares.is_empty() && shares.judge(0) == Many::No);
    }
}

#[test]
fn what_one_namespace_deletes_holds_nobody_else() {
    let mut world = World::new(100);
    world.delete("a", 0..50);
    world.delete("b", 0..1);
    world.second = 10;
    assert_eq!(world.removed("b", 0..1), 1);
    assert_eq!(world.alone(), [("a", 50)], "who goes on shows who is held");
    let held = Held { roles: 50, of: 100, ..Held::default() };
    assert_eq!((world.ask("a", 7), world.fuse.alone("c", "a")), (Verdict::Held(held), Some(held)));
    assert_eq!((world.fuse.alone("c", "b"), world.fuse.take_news("c"), world.fuse.take_news("c")), (None, true, false));
    // Nobody answers, and a day later it is the same.
    world.second = 86_400;
    world.delete("b", 1..20);
    world.delete("a", 50..51);
    world.second += 10;
    assert_eq!((world.removed("a", 0..51), world.removed("b", 1..20), world.held()), (0, 19, 51));
    world.allow("a:51");
    assert_eq!((world.removed("a", 0..51), world.held()), (51, 0));
    assert!(world.alone().is_empty());
}

#[test]
fn what_comes_later_to_a_namespace_that_is_held_waits_with_it() {
    let mut world = World::new(100);
    world.delete("a", 0..21);
    world.second = 10;
    assert_eq!(world.removed("a", 0..21), 0);
    world.allow("a:20");
    assert_eq!(world.removed("a", 0..21), 20);
    world.delete("a", 30..31);
    world.delete("b", 0..1);
    world.second = 20;
    assert!(matches!(world.ask("a", 20), Verdict::Held(_)));
    assert_eq!((world.removed("a", 30..31), world.removed("b", 0..1)), (0, 1), "of others it does not");
    assert_eq!(world.alone(), [("a", 2)]);
    // Also where it asks before them.
    world.delete("a", 31..32);
    world.second = 30;
    assert_eq!((world.removed("a", 31..32), world.alone()), (0, vec![("a", 3)]));
}

#[test]
fn a_namespace_that_deletes_slowly_takes_no_more_than_the_limit() {
    let mut world = World::new(100);
    let mut gone = 0;
    for number in 0..30 {
        world.delete("a", number..number + 1);
        world.delete("b", number..number + 1);
        world.second += 15;
        gone += world.removed("a", number..number + 1);
        // Its neighbour's deletions, and no more of them than of its own.
        assert!(number >= 10 || world.removed("b", number..number + 1) == 1, "{number}");
    }
    assert!(gone <= 20, "{gone}");
}

#[test]
fn many_namespaces_are_held_as_one() {
    let mut world = World::new(400);
    let names: Vec<String> = (0..50).map(|number| format!("n{number:02}")).collect();
    for name in &names {
        world.delete(name, 0..4);
    }
    world.second = 10;
    let held = Held { roles: 200, of: 400, ..Held::default() };
    assert!(names.iter().all(|name| world.ask(name, 0) == Verdict::Held(held)));
    assert!(world.alone().is_empty() && world.fuse.take_news("c"));
    // A namespace that comes to it is held as well, and each may be let go by its name.
    world.delete("late", 0..1);
    world.second = 20;
    assert_eq!((world.removed("late", 0..1), world.held()), (0, 201));
    assert!(world.fuse.take_news("c"));
    world.allow("n07:4,late:1");
    assert_eq!((world.removed("n07", 0..4), world.removed("late", 0..1), world.held()), (4, 1, 196));
    assert_eq!(names.iter().map(|name| world.removed(name, 0..4)).sum::<usize>(), 0);
}

#[test]
fn what_an_edit_of_the_class_takes_is_nobodys_in_particular() {
    let mut world = World::new(60);
    world.note("a", 0..25, Removal::Policies(Cause::Class));
    world.note("b", 0..5, Removal::Policies(Cause::Class));
    world.second = 10;
    assert!(matches!(world.ask("b", 0), Verdict::Held(Held { policies: 30, .. })));
    assert!(world.alone().is_empty());
    let mut world = World::new(60);
    world.note("a", 0..25, Removal::Released);
    world.note("b", 0..1, Removal::Released);
    assert!(matches!(world.ask("b", 0), Verdict::Held(Held { released: 26, .. })));
    // Beside a namespace that is held it goes on, while it is within the limit itself.
    let mut world = World::new(60);
    world.delete("a", 0..25);
    world.note("a", 25..30, Removal::Policies(Cause::Class));
    world.note("b", 0..5, Removal::Policies(Cause::Class));
    world.second = 10;
    assert_eq!((world.removed("a", 0..25), world.ask("a", 25), world.ask("b", 0)), (0, Verdict::Go, Verdict::Go));
    assert_eq!(world.alone(), [("a", 25)]);
    // A word for a namespace is not for what the class takes there.
    let mut world = World::new(60);
    world.allow("a:30");
    world.note("a", 0..25, Removal::Policies(Cause::Class));
    world.second = 10;
    assert!(matches!(world.ask("a", 0), Verdict::Held(_)));
    world.allow("a:30");
    assert_eq!((0..25).filter(|number| world.ask("a", *number) == Verdict::Go).count(), 0);
    world.allow("20");
    assert_eq!((0..25).filter(|number| world.ask("a", *number) == Verdict::Go).count(), 20);
}

#[test]
fn what_a_start_finds_and_what_is_cut_off_counts_for_its_namespace() {
    for removal in [Removal::Policies(Cause::Start), Removal::Quarantine] {
        let mut world = World::new(60);
        world.note("a", 0..25, removal);
        world.note("b", 0..5, removal);
        world.second = 10;
        assert_eq!(world.ask("b", 0), Verdict::Go, "{removal:?}");
        assert!(matches!(world.ask("a", 0), Verdict::Held(held) if held.count() == 25), "{removal:?}");
    }
}

#[test]
fn a_word_for_one_namespace_is_for_no_other() {
    let mut world = World::new(200);
    world.allow("a:30");
    world.delete("a", 0..25);
    world.delete("b", 0..50);
    world.second = 10;
    assert_eq!((world.removed("b", 0..50), world.removed("a", 0..25)), (0, 25));
    assert_eq!(world.alone(), [("b", 50)]);
    // A word for all is for it as well, after its own.
    world.allow("b:10,60");
    world.second = 11;
    assert_eq!(world.removed("b", 0..50), 50);
    world.delete("d", 0..40);
    world.second = 30;
    assert_eq!(world.removed("d", 0..40), 20, "what was left of the 60");
    let later = world.now() + WINDOW;
    world.fuse.tidy(later);
    assert_eq!(world.held(), 20);
}

#[test]
fn nothing_is_left_of_a_namespace_that_is_done() {
    let mut world = World::new(500);
    for name in ["a", "b", "d", "e"] {
        world.delete(name, 0..30);
    }
    world.second = 10;
    for name in ["a", "b", "d", "e"] {
        assert_eq!(world.removed(name, 0..30), 0);
    }
    world.allow("a:30,b:30,d:40");
    // The fourth asks for nothing any more.
    (0..30).for_each(|number| world.fuse.settled(&key("e", number)));
    for name in ["a", "b", "d"] {
        assert_eq!(world.removed(name, 0..30), 30);
    }
    let later = world.now() + WINDOW;
    world.fuse.tidy(later);
    assert!(world.fuse.classes.is_empty() && world.fuse.class_of.is_empty());
}
