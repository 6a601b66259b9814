//! Removals that no binding has asked for: they wait for the end of the pass that finds them.

use super::*;

fn key(number: usize) -> NsName {
    NsName::new("n", format!("b{number:04}"))
}

/// A class of so many bindings, all of which are looked at for this cause from second 0 on.
struct World {
    fuse: Fuse,
    start: Instant,
    bindings: usize,
}

impl World {
    fn new(bindings: usize, cause: Cause) -> Self {
        let mut world = Self { fuse: Fuse::new(true), start: Instant::now(), bindings };
        let (keys, now) = ((0..bindings).map(key).collect::<Vec<_>>(), world.start);
        match cause {
            Cause::Start => world.fuse.start(keys.iter().map(|key| (key, "c")), now),
            Cause::Class => {
                world.fuse.start(std::iter::empty(), now);
                world.fuse.edited("c", keys.iter(), now);
            }
        }
        world
    }

    fn at(&self, second: u64) -> Instant {
        self.start + Duration::from_secs(second)
    }

    /// This one was looked at, and would lose something.
    fn loses(&mut self, number: usize, second: u64) {
        let cause = self.fuse.cause(&key(number)).expect("the pass is not over for it");
        self.fuse.note(&key(number), "c", Removal::Policies(cause), self.at(second));
        self.fuse.decided(&key(number), self.at(second));
    }

    fn ask(&mut self, number: usize, second: u64) -> Verdict {
        let (bindings, now) = (self.bindings, self.at(second));
        self.fuse.ask(&key(number), || bindings, now)
    }
}

#[test]
fn nothing_is_taken_before_all_of_a_class_were_looked_at() {
    for cause in [Cause::Start, Cause::Class] {
        let mut world = World::new(50, cause);
        // They come one a second, as an account that takes few requests lets them.
        for number in 0..49 {
            world.loses(number, number as u64);
            assert!(matches!(world.ask(0, number as u64), Verdict::Wait(_)), "{cause:?} {number}");
        }
        world.fuse.decided(&key(49), world.at(49));
        assert_eq!(world.ask(48, 49), Verdict::Wait(world.at(58)), "ten seconds at least");
        let held = Held { policies: 49, of: 50, ..Held::default() };
        assert_eq!((world.ask(0, 49), world.fuse.held("c")), (Verdict::Held(held), Some(held)), "{cause:?}");
        // It takes nothing any more, as its spec is what it was.
        world.fuse.settled(&key(0));
        world.fuse.allow("c", 20, world.at(60));
        let gone = (1..49).filter(|number| world.ask(*number, 61) == Verdict::Go).count();
        assert_eq!((gone, world.fuse.held("c").map(|held| held.policies)), (20, Some(28)));
    }
}

#[test]
fn few_wait_for_the_pass_and_go() {
    let mut world = World::new(50, Cause::Start);
    (0..20).for_each(|number| world.loses(number, 0));
    assert_eq!(world.ask(0, 10), Verdict::Wait(world.at(12)));
    (20..50).for_each(|number| world.fuse.decided(&key(number), world.start));
    assert!((0..20).all(|number| world.ask(number, 12) == Verdict::Go));
    (0..20).for_each(|number| world.fuse.settled(&key(number)));
    // What is done counts on: a deletion that follows is the twenty-first.
    world.fuse.note(&key(30), "c", Removal::Role, world.at(20));
    assert_eq!(world.ask(30, 30), Verdict::Held(Held { roles: 1, of: 50, ..Held::default() }));
    world.fuse.allow("c", 1, world.at(31));
    assert_eq!(world.ask(30, 31), Verdict::Go);
    world.fuse.note(&key(31), "c", Removal::Role, world.at(612));
    assert_eq!(world.ask(31, 622), Verdict::Go, "ten minutes later it is one of two");
}

#[test]
fn a_pass_that_does_not_end_is_not_waited_for_for_ever() {
    let mut world = World::new(50, Cause::Start);
    world.loses(0, 0);
    assert!(matches!(world.ask(0, 599), Verdict::Wait(_)));
    assert!(world.fuse.waits(&key(0), world.at(599)).is_some() && world.fuse.waits(&key(1), world.at(0)).is_none());
    assert_eq!(world.fuse.waits(&key(0), world.at(600)), None, "it is to be looked at");
    assert_eq!(world.ask(0, 600), Verdict::Go);
    assert_eq!(world.fuse.cause(&key(1)), Some(Cause::Start), "what comes late is of that pass all the same");
}

#[test]
fn what_a_slow_pass_takes_adds_up_until_its_end() {
    let mut world = World::new(300, Cause::Start);
    // One a minute, the first of them when the pass is not waited for any more.
    let mut slowly = |number: u64| {
        world.loses(number as usize, 600 + number * 60);
        let verdict = world.ask(number as usize, 610 + number * 60);
        (verdict == Verdict::Go).then(|| world.fuse.settled(&key(number as usize)));
        world.fuse.tidy(world.at(620 + number * 60));
        verdict
    };
    let went = (0..299).filter(|number| slowly(*number) == Verdict::Go).count();
    assert_eq!(went, 30, "a tenth of the class, in five hours");
    // Where nothing moves for ten minutes it is not waited for.
    world.fuse.note(&key(299), "c", Removal::Nothing, world.at(20_000));
    world.fuse.tidy(world.at(20_000));
    assert!(!world.fuse.pass.adds_up("c", world.at(20_000)));
}

#[test]
fn passes_of_other_classes_and_bindings_that_are_gone_hold_up_nobody() {
    let mut world = World::new(3, Cause::Class);
    let other = NsName::new("n", "other");
    world.fuse.edited("d", std::iter::once(&other), world.start);
    world.loses(0, 0);
    world.fuse.decided(&key(1), world.start);
    world.fuse.gone(&key(2), world.start);
    assert_eq!(world.ask(0, 10), Verdict::Go);
    assert_eq!(world.fuse.cause(&other), Some(Cause::Class));
}

#[test]
fn an_edit_in_the_first_pass_leaves_it_the_first() {
    let mut world = World::new(2, Cause::Start);
    let keys = [key(0), key(1)];
    world.fuse.edited("c", keys.iter(), world.start);
    assert_eq!(world.fuse.cause(&key(0)), Some(Cause::Start));
    keys.iter().for_each(|key| world.fuse.decided(key, world.start));
    assert!(!world.fuse.pass.runs("c", world.start), "each is counted once");
    world.fuse.edited("c", keys.iter(), world.start);
    assert_eq!(world.fuse.cause(&key(0)), Some(Cause::Class));
    world.fuse.start(keys.iter().map(|key| (key, "c")), world.start);
    assert_eq!(world.fuse.cause(&key(0)), Some(Cause::Class), "there is one start");
}

#[test]
fn who_does_not_work_or_holds_nothing_remembers_no_pass() {
    let keys = [key(0)];
    let now = Instant::now();
    let mut standby = Fuse::new(true);
    standby.edited("c", keys.iter(), now);
    let mut off = Fuse::new(false);
    off.start(keys.iter().map(|key| (key, "c")), now);
    off.edited("c", keys.iter(), now);
    assert_eq!((standby.cause(&key(0)), off.cause(&key(0))), (None, None));
}

#[test]
fn roles_and_policies_count_together_and_quarantines_with_them() {
    let mut world = World::new(50, Cause::Class);
    (0..10).for_each(|number| world.loses(number, 0));
    (10..50).for_each(|number| world.fuse.decided(&key(number), world.start));
    (10..15).for_each(|number| world.fuse.note(&key(number), "c", Removal::Role, world.start));
    (100..106).for_each(|number| world.fuse.note(&key(number), "c", Removal::Quarantine, world.start));
    let held = Held { roles: 5, policies: 10, quarantines: 6, of: 50, ..Held::default() };
    assert_eq!(world.ask(100, 0), Verdict::Held(held), "a quarantine does not wait for ten seconds");
    assert_eq!(held.count(), 21);
    world.fuse.allow("c", 21, world.start);
    assert_eq!((world.ask(0, 10), world.fuse.held("c")), (Verdict::Go, None));
}

#[test]
fn a_trickle_is_counted_over_ten_minutes() {
    let mut world = World::new(100, Cause::Class);
    let mut gone = Vec::new();
    for number in 0..30 {
        let second = 29 * number as u64;
        world.fuse.note(&key(number), "c", Removal::Role, world.at(second));
        if world.ask(number, second + 10) == Verdict::Go {
            gone.push(number);
            world.fuse.gone(&key(number), world.at(second + 10));
            world.bindings -= 1;
        }
    }
    // The twenty-first would be gone within 580 seconds of the first. From then on some are held, which count on.
    assert_eq!(gone, (0..20).collect::<Vec<_>>());
    assert_eq!(world.fuse.held("c").map(Held::count), Some(10));
}

/// Ten thousand that are held: who asks walks over none of the others.
#[test]
fn who_is_held_costs_no_walk_over_the_others() {
    let mut world = World::new(10_000, Cause::Class);
    (0..10_000).for_each(|number| world.fuse.note(&key(number), "c", Removal::Role, world.start));
    let mut walks = 0;
    for number in 0..10_000 {
        let now = world.at(10);
        let counted = || {
            walks += 1;
            10_000
        };
        assert!(matches!(world.fuse.ask(&key(number), counted, now), Verdict::Held(_)));
    }
    assert_eq!(walks, 1);
}
