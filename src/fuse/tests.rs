use super::*;

/// The bindings of one class, and a clock.
pub(super) struct World {
    pub fuse: Fuse,
    start: Instant,
    pub second: u64,
    /// In the store, those that are being deleted among them.
    pub bindings: usize,
}

fn roles(roles: usize, of: usize) -> Held {
    Held { roles, of, ..Held::default() }
}

pub(super) fn key(number: usize) -> NsName {
    NsName::new("n", format!("b{number:04}"))
}

#[test]
fn roles_that_were_left_behind_are_held_like_others() {
    let mut world = World::new(30);
    let now = world.now();
    (0..25).for_each(|number| world.fuse.note(&key(number), "c", Removal::Released, now));
    let held = Held { released: 25, of: 30, ..Held::default() };
    assert_eq!(world.ask(0), Verdict::Held(held), "at once, as all of them are known");
    world.allow(25);
    assert_eq!(world.ask(24), Verdict::Go);
}

impl World {
    pub fn new(bindings: usize) -> Self {
        Self { fuse: Fuse::new(true), start: Instant::now(), second: 0, bindings }
    }

    pub fn now(&self) -> Instant {
        self.start + Duration::from_secs(self.second)
    }

    pub fn delete(&mut self, numbers: std::ops::Range<usize>) {
        let now = self.now();
        numbers.for_each(|number| self.fuse.note(&key(number), "c", Removal::Role, now));
    }

    fn ask(&mut self, number: usize) -> Verdict {
        let (bindings, now) = (self.bindings, self.now());
        self.fuse.ask(&key(number), || bindings, now)
    }

    /// Asks for all of these; those that may go are gone at once. Returns how many.
    pub fn removed(&mut self, numbers: std::ops::Range<usize>) -> usize {
        let mut removed = 0;
        for number in numbers {
            if self.fuse.class_of.contains_key(&key(number)) && self.ask(number) == Verdict::Go {
                self.fuse.gone(&key(number), self.now());
                self.bindings -= 1;
                removed += 1;
            }
        }
        removed
    }

    pub fn allow(&mut self, count: usize) {
        let now = self.now();
        self.fuse.allow("c", count, now);
    }

    fn held(&self) -> Option<Held> {
        self.fuse.held("c")
    }
}

#[test]
fn nothing_begins_in_the_first_ten_seconds() {
    let mut world = World::new(1);
    world.delete(0..1);
    let then = world.now() + WAIT;
    assert_eq!(world.ask(0), Verdict::Wait(then));
    world.second = 9;
    world.delete(0..1);
    assert_eq!(world.ask(0), Verdict::Wait(then), "noted twice, it waits once");
    world.second = 10;
    assert_eq!((world.ask(0), world.ask(0)), (Verdict::Go, Verdict::Go));
}

/// Bindings of the class, and how many are deleted at once: whether these are held.
#[test]
fn more_than_twenty_and_more_than_a_tenth() {
    let table = [
        (1, 1, false),
        (20, 20, false),
        (21, 21, true),
        (50, 50, true),
        (53, 20, false),
        (209, 21, true),
        (210, 21, false),
        (210, 22, true),
        (10_000, 1000, false),
        (10_000, 1001, true),
    ];
    for (bindings, deleted, held) in table {
        let mut world = World::new(bindings);
        world.delete(0..deleted);
        world.second = 10;
        assert_eq!(world.removed(0..deleted), if held { 0 } else { deleted }, "{deleted} of {bindings}");
        let told = held.then_some(roles(deleted, bindings));
        assert_eq!(world.held(), told, "{deleted} of {bindings}");
    }
}

#[test]
fn what_comes_within_ten_minutes_counts_together() {
    let mut world = World::new(100);
    world.delete(0..15);
    world.second = 10;
    assert_eq!(world.removed(0..15), 15);
    world.second = 300;
    world.delete(20..26);
    world.second = 310;
    assert_eq!(world.removed(20..26), 0);
    assert_eq!(world.held(), Some(roles(6, 100)), "what is gone belonged to what there was before");
    // Time alone takes nothing back of what is held, and what comes later waits with it. After that it is few again.
    world.second = 611;
    assert_eq!(world.removed(20..26), 0);
    world.delete(30..35);
    world.second = 621;
    assert_eq!(world.removed(30..35), 0);
    world.allow(11);
    assert_eq!(world.removed(20..35), 11);
    world.delete(40..60);
    world.second = 631;
    assert_eq!(world.removed(40..60), 20);

    let mut slow = World::new(100);
    for round in 0..10 {
        slow.second = round * 700;
        slow.delete(0..20);
        slow.second += 10;
        assert_eq!(slow.removed(0..20), 20, "round {round}");
        slow.bindings = 100;
    }
}

#[test]
fn what_has_begun_counts_and_goes_on() {
    let mut world = World::new(50);
    world.delete(0..15);
    world.second = 10;
    assert!((0..15).all(|number| world.ask(number) == Verdict::Go));
    world.delete(15..21);
    world.second = 20;
    assert_eq!(world.ask(15), Verdict::Held(roles(6, 50)));
    assert_eq!(world.ask(0), Verdict::Go, "it has begun");
    world.second = 610;
    world.allow(6);
    assert_eq!(world.removed(15..21), 6);
    world.delete(30..44);
    world.second = 620;
    assert_eq!(world.removed(30..44), 14, "what began ten minutes ago and has not ended counts no more");
}

#[test]
fn the_oldest_go_first() {
    let mut world = World::new(50);
    world.delete(20..40);
    world.second = 5;
    world.delete(0..20);
    world.second = 15;
    assert_eq!(world.removed(0..40), 0);
    world.allow(20);
    assert_eq!((world.removed(0..20), world.removed(20..40)), (0, 20));
}

#[test]
fn so_many_go_on_as_are_allowed() {
    let mut world = World::new(50);
    world.delete(0..50);
    world.second = 10;
    assert_eq!(world.removed(0..50), 0);
    world.allow(30);
    assert_eq!(world.held().unwrap().count(), 20);
    world.second = 11;
    assert_eq!(world.removed(0..50), 30);
    assert_eq!(world.held(), Some(roles(20, 50)));
    world.second = 5000;
    assert_eq!(world.removed(0..50), 0, "the rest waits for a word, however few they are");
    world.allow(20);
    assert_eq!((world.removed(0..50), world.held()), (20, None));
    assert_eq!(world.bindings, 0);
}

#[test]
fn what_is_allowed_does_not_count_and_is_not_kept_for_ever() {
    let mut world = World::new(100);
    world.allow(60);
    world.delete(0..50);
    world.second = 10;
    assert_eq!(world.removed(0..50), 50, "it may be said before");
    world.delete(50..55);
    world.second = 20;
    assert_eq!(world.removed(50..55), 5, "few as these are, they need no word");
    world.delete(60..95);
    world.second = 30;
    assert_eq!(world.removed(60..95), 10, "what was left of it");
    let mut late = World::new(100);
    late.allow(60);
    late.second = 595;
    late.delete(0..50);
    late.second = 605;
    assert_eq!(late.removed(0..50), 0);
}

#[test]
fn what_keeps_its_role_waits_and_does_not_count() {
    let mut world = World::new(50);
    let now = world.now();
    (0..30).for_each(|number| world.fuse.note(&key(number), "c", Removal::Nothing, now));
    assert_eq!(world.ask(0), Verdict::Wait(now + WAIT), "nothing of a deletion begins before");
    world.delete(30..50);
    world.second = 10;
    assert_eq!((world.removed(30..50), world.ask(0)), (20, Verdict::Go));
    (0..30).for_each(|number| world.fuse.gone(&key(number), world.start + WAIT));
    world.delete(50..51);
    world.second = 20;
    assert_eq!(world.ask(50), Verdict::Held(roles(1, 50)), "21, and what kept its role is not among them");

    let mut world = World::new(50);
    world.delete(0..50);
    world.second = 10;
    assert_eq!(world.removed(0..50), 0);
    let now = world.now();
    (0..40).for_each(|number| world.fuse.note(&key(number), "c", Removal::Nothing, now));
    assert_eq!((world.ask(0), world.removed(40..50)), (Verdict::Go, 0), "ten that are held already stay so");
    world.fuse.note(&key(0), "c", Removal::Role, world.start + Duration::from_secs(10));
    assert!(matches!(world.ask(0), Verdict::Wait(_)), "asked for anew");
}

#[test]
fn classes_do_not_count_for_each_other() {
    let mut world = World::new(30);
    let now = world.now();
    (0..15).for_each(|number| world.fuse.note(&key(number), "c", Removal::Role, now));
    (15..30).for_each(|number| world.fuse.note(&key(number), "d", Removal::Role, now));
    world.second = 10;
    assert_eq!(world.removed(0..30), 30);
}

#[test]
fn off_it_holds_nothing_and_remembers_nothing() {
    let mut world = World { fuse: Fuse::new(false), ..World::new(50) };
    world.delete(0..50);
    assert_eq!(world.ask(0), Verdict::Go);
    world.allow(7);
    assert!(world.fuse.classes.is_empty() && world.fuse.class_of.is_empty());
}

#[test]
fn nothing_is_remembered_for_longer_than_it_counts() {
    let mut world = World::new(100);
    world.allow(5);
    world.delete(0..20);
    world.second = 10;
    world.removed(0..20);
    let now = world.now() + WINDOW;
    world.fuse.tidy(now);
    assert!(world.fuse.classes.is_empty() && world.fuse.class_of.is_empty());
}
