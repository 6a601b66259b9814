//! The rules of sweeps over random interleavings of all that can happen. Their letters are those of `rules`.

use super::world::{PARTS, Part, World, set};
use super::*;
use crate::snapshot::entry::LEARNT;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Op {
    Pass(u64),
    /// Somebody else changes the role: a part of it, or back to what is wanted, or deletes it, or makes it again.
    Drift(usize, Part),
    Revert(usize),
    Vanish(usize),
    Remake(usize),
    /// Somebody takes our mark off a role that no binding asks for, or puts it on.
    Mark(usize),
    /// The binding wants something else, or there is one again.
    Wish(usize),
    /// The binding goes, with its role or without.
    Gone(usize, bool),
    Work(usize),
    Answer(usize),
    Begin,
    Send(bool, usize),
    Take(usize),
    End,
    Tidy,
}

/// What we do, and sweeps.
fn inside() -> impl Strategy<Value = Op> + Clone {
    let role = 0..3_usize;
    prop_oneof![
        8 => (1..40_u64).prop_map(Op::Pass),
        1 => (90..400_u64).prop_map(Op::Pass),
        3 => role.clone().prop_map(Op::Wish),
        12 => role.clone().prop_map(Op::Work),
        12 => role.prop_map(Op::Answer),
        2 => Just(Op::Begin),
        6 => (any::<bool>(), 0..2_usize).prop_map(|(head, page)| Op::Send(head, page)),
        6 => (0..9_usize).prop_map(Op::Take),
        5 => Just(Op::End),
        1 => Just(Op::Tidy),
    ]
}

fn outside() -> impl Strategy<Value = Op> + Clone {
    let role = 0..3_usize;
    let part = prop::sample::select(PARTS.to_vec());
    prop_oneof![
        4 => (role.clone(), part).prop_map(|(i, part)| Op::Drift(i, part)),
        3 => role.clone().prop_map(Op::Revert),
        1 => role.clone().prop_map(Op::Vanish),
        1 => role.clone().prop_map(Op::Remake),
        1 => role.clone().prop_map(Op::Mark),
        2 => (role, any::<bool>()).prop_map(|(i, retain)| Op::Gone(i, retain)),
    ]
}

fn everything() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(prop_oneof![6 => inside(), 1 => outside()], 20..150)
}

impl World {
    fn run(&mut self, ops: &[Op]) {
        for &op in ops {
            self.step(op);
            for (i, binding) in self.bindings.iter().enumerate() {
                assert!(binding.idle <= 4 * binding.misled, "role {i} was written once too often: {op:?}");
            }
        }
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Pass(seconds) => self.pass(seconds),
            Op::Drift(i, part) => {
                let other = self.another(i);
                self.outside(i, |role, _| role.as_mut().map(|role| set(role, part, &other)));
            }
            Op::Revert(i) => {
                self.outside(i, |role, wish| PARTS.map(|part| role.as_mut().map(|role| set(role, part, wish)))[0]);
            }
            Op::Vanish(i) => self.outside(i, |role, _| role.take().map(drop)),
            Op::Remake(i) => {
                let other = self.another(i);
                self.outside(i, |role, _| role.replace(other).map(drop));
            }
            Op::Mark(i) if self.bindings[i].wish.is_some() => {}
            Op::Mark(i) => self.outside(i, |role, _| {
                let tags = &mut role.as_mut()?.tags;
                if tags.remove(tag::CLUSTER).is_none() {
                    tags.insert(tag::CLUSTER.into(), "c".into());
                }
                Some(())
            }),
            Op::Wish(i) => {
                let mut wish = self.another(i);
                let (number, keep) = (wish.max_session.unsigned_abs().into(), PARTS[self.luck.usize(0..3)]);
                let binding = &mut self.bindings[i];
                binding.fresh |= binding.wish.is_none();
                if let Some((_, before)) = &binding.wish {
                    set(&mut wish, keep, before);
                }
                binding.wish = Some((number, wish));
                (binding.woken, binding.was_true) = (true, false);
            }
            Op::Gone(i, retain) => self.gone(i, retain),
            Op::Work(i) => self.work(i),
            Op::Answer(i) => self.answer(i),
            Op::Begin => self.begin(),
            Op::Send(head, page) => self.send_page(head, page),
            Op::Take(which) => self.take_page(which),
            Op::End => drop(self.end()),
            Op::Tidy => self.snapshot.tidy(SETTLE, self.at(self.now)),
        }
    }

    fn outside(&mut self, i: usize, change: impl FnOnce(&mut Option<Role>, &Role) -> Option<()>) {
        let mut role = self.truth(i).cloned();
        let wish = self.bindings[i].wish.clone().map(|wish| wish.1);
        let wish = wish.or_else(|| role.clone()).unwrap_or_else(|| self.another(i));
        if change(&mut role, &wish).is_some() {
            self.change(i, role);
            self.bindings[i].misled += 1;
        }
    }

    /// A binding is deleted. Nothing of it is under way then, as there is one writer a role.
    fn gone(&mut self, i: usize, retain: bool) {
        let arn = arn(&i.to_string());
        if self.bindings[i].wish.is_none() || self.bindings[i].job.is_some() {
            return;
        }
        if let Some(role) = self.truth(i).cloned().filter(|_| !retain) {
            self.change(i, None);
            self.bindings[i].misled += 1;
            self.snapshot.deleted(&arn, Some(&role.id), self.at(self.now));
            self.bindings[i].dead.insert(role.id);
        }
        self.snapshot.forget(&arn);
        let binding = &mut self.bindings[i];
        (binding.wish, binding.agreed, binding.woken, binding.waits) = (None, None, false, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    /// Rules a, b, c, d, f and g on the way, as `world` and `sweeps` assert them; and then all comes to rest.
    #[test]
    fn abcdfg_whatever_happens_nobody_is_woken_for_nothing_and_all_comes_true(seed: u64, ops in everything()) {
        let mut world = World::new(seed, 3, false);
        world.run(&ops);
        world.comes_to_rest();
    }

    /// Rule e, too: what bulk calls never show is found when what was learnt is forgotten.
    #[test]
    fn e_what_is_rendered_otherwise_hides_only_what_is_never_shown_and_for_a_day(seed: u64, ops in everything()) {
        let mut world = World::new(seed, 3, true);
        world.run(&ops);
        world.comes_to_rest();
        world.pass(LEARNT.as_secs() * 3 / 2);
        world.whole();
        prop_assert!((0..3).all(|i| world.is_true(i, true)));
    }

    /// Rule b: where nobody else changes anything and no answer is lost, each write changes something.
    #[test]
    fn b_no_write_is_repeated_because_replicas_lag(seed: u64, ops in prop::collection::vec(inside(), 20..150)) {
        let mut world = World::new(seed, 3, false);
        world.calm = true;
        world.run(&ops);
        prop_assert!(world.bindings.iter().all(|binding| binding.idle == 0 && binding.misled == 0));
        world.comes_to_rest();
    }
}
