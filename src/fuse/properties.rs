//! Whatever happens to the bindings of one namespace.

use super::tests::{World, key};
use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Event {
    Delete(usize, usize),
    Pass(u64),
    Allow(usize),
    Retain(usize),
    Ask,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..300_usize, 1..40_usize).prop_map(|(from, count)| Event::Delete(from, count)),
        (1..400_u64).prop_map(Event::Pass),
        (0..30_usize).prop_map(Event::Allow),
        (0..300_usize).prop_map(Event::Retain),
        Just(Event::Ask),
    ]
}

proptest! {
    /// Whatever happens: in no ten minutes more roles go than the larger of 20 and a tenth, and what was allowed.
    #[test]
    fn no_more_go_than_may(events in proptest::collection::vec(event(), 1..60), bindings in 30..300_usize) {
        let mut world = World::new(bindings);
        let mut gone: Vec<(u64, usize)> = Vec::new();
        let mut allowed: Vec<(u64, usize)> = Vec::new();
        let mut deleted = std::collections::BTreeSet::new();
        for event in events {
            let now = world.now();
            match event {
                Event::Delete(from, count) => {
                    for number in (from..from + count).filter(|number| *number < bindings) {
                        if deleted.insert(number) {
                            world.delete(number..number + 1);
                        }
                    }
                }
                Event::Pass(seconds) => world.second += seconds,
                Event::Allow(count) => {
                    world.allow(count);
                    allowed.push((world.second, count));
                }
                // One that is gone already keeps nothing.
                Event::Retain(number) if world.fuse.removal(&key(number)).is_some() => {
                    world.fuse.note(&key(number), "c", Removal::Nothing, now);
                }
                Event::Retain(_) => {}
                Event::Ask => {
                    let keep = |world: &World| {
                        let keeps = |number: &usize| world.fuse.removal(&key(*number)) == Some(Removal::Nothing);
                        (0..bindings).filter(keeps).count()
                    };
                    let kept = keep(&world);
                    let removed = world.removed(0..bindings);
                    // Whoever keeps its role takes none along.
                    gone.push((world.second, removed - (kept - keep(&world))));
                }
            }
            let within = |times: &[(u64, usize)], window: u64| -> usize {
                let recent = times.iter().filter(|(second, _)| second + window > world.second);
                recent.map(|(_, count)| count).sum()
            };
            // What is allowed may be used as late as it is asked for again.
            let all: usize = allowed.iter().map(|(_, count)| count).sum();
            let limit = FEW.max((world.bindings + within(&gone, 600)) / PART);
            prop_assert!(within(&gone, 600) <= limit + all, "{gone:?} {allowed:?}");
        }
    }
}
