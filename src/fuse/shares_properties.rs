//! Whatever namespaces do, alone or together.

use super::shares_tests::{World, key};
use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Event {
    Delete(usize, usize),
    Retain(usize, usize),
    Pass(u64),
    Allow(Option<usize>, usize),
    Ask,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..6_usize, 1..30_usize).prop_map(|(of, count)| Event::Delete(of, count)),
        1 => (0..6_usize, 1..30_usize).prop_map(|(of, count)| Event::Retain(of, count)),
        2 => (1..300_u64).prop_map(Event::Pass),
        1 => (proptest::option::of(0..6_usize), 0..30_usize).prop_map(|(of, count)| Event::Allow(of, count)),
        4 => Just(Event::Ask),
    ]
}

proptest! {
    /// Whatever six namespaces do together: in no ten minutes does one take more than the limit and what was allowed, nor
    /// all of them more than that for each that may be held, and once more. What was counted is counted off again.
    #[test]
    fn no_namespace_takes_more_than_the_limit(events in proptest::collection::vec(event(), 1..80)) {
        const NAMES: [&str; 6] = ["a", "b", "d", "e", "f", "g"];
        let mut world = World::new(180);
        let (mut gone, mut next) = (Vec::<(u64, usize, usize)>::new(), [0; 6]);
        let (mut allowed, mut allowed_of) = (0, [0; 6]);
        for event in events {
            match event {
                Event::Delete(of, count) => {
                    world.delete(NAMES[of], next[of]..next[of] + count);
                    next[of] += count;
                }
                Event::Retain(of, count) => {
                    let now = world.now();
                    let known = |number: &usize| world.fuse.removal(&key(NAMES[of], *number)).is_some();
                    let which: Vec<usize> = (0..next[of]).filter(known).take(count).collect();
                    which.iter().for_each(|n| world.fuse.note(&key(NAMES[of], *n), "c", Removal::Nothing, now));
                }
                Event::Pass(seconds) => world.second += seconds,
                Event::Allow(None, count) => {
                    world.allow(&count.to_string());
                    allowed += count;
                }
                Event::Allow(Some(of), count) => {
                    world.allow(&format!("{}:{count}", NAMES[of]));
                    allowed_of[of] += count;
                }
                Event::Ask => for of in 0..6 {
                    for number in 0..next[of] {
                        let key = key(NAMES[of], number);
                        let counts = world.fuse.removal(&key) == Some(Removal::Role);
                        let went = world.removed(NAMES[of], number..number + 1);
                        gone.push((world.second, of, if counts { went } else { 0 }));
                        world.bindings = 180; // others are made
                    }
                }
            }
            let recent = || gone.iter().filter(|(second, ..)| second + 600 > world.second);
            let limit = FEW.max((world.bindings + recent().count()) / PART);
            for (of, allowed_of) in allowed_of.iter().enumerate() {
                let its: usize = recent().filter(|(_, whose, _)| *whose == of).map(|(.., count)| count).sum();
                prop_assert!(its <= limit + allowed + allowed_of, "{} {its} {gone:?}", NAMES[of]);
            }
            let all: usize = recent().map(|(.., count)| count).sum();
            prop_assert!(all <= 4 * limit + allowed + allowed_of.iter().sum::<usize>(), "{all}");
        }
        world.second += 600;
        let now = world.now();
        (0..6).for_each(|of| (0..next[of]).for_each(|number| world.fuse.settled(&key(NAMES[of], number))));
        world.second += 600;
        world.fuse.tidy(now + WINDOW);
        prop_assert!(world.fuse.classes.is_empty() && world.fuse.class_of.is_empty());
    }

    /// Whatever three namespaces do together: a fourth that deletes a few goes on.
    #[test]
    fn three_that_agree_hold_nobody_else(events in proptest::collection::vec(event(), 1..80), few in 1..4_usize) {
        let mut world = World::new(100);
        let mut next = [0; 3];
        for event in events {
            match event {
                Event::Delete(of, count) if of < 3 => {
                    world.delete(["a", "b", "d"][of], next[of]..next[of] + count);
                    next[of] += count;
                }
                Event::Pass(seconds) => world.second += seconds,
                Event::Ask => {
                    for of in 0..3 {
                        world.removed(["a", "b", "d"][of], 0..next[of]);
                    }
                }
                _ => {}
            }
            world.bindings = 100;
        }
        world.delete("z", 0..few);
        world.second += 10;
        prop_assert_eq!(world.removed("z", 0..few), few);
    }
}
