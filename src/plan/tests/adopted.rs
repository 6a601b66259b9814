//! What of a role that was taken over is the class's to take, whatever the binding says of removals.

use super::adoption::{ALL, offered, plan_for, wish};
use super::restrict::{forbidden, revoking};
use super::world::{World, denying, roles, wishes};
use super::*;
use crate::desired::Adoption;
use crate::plan::adoption::part;
use proptest::prelude::*;

const HOLDS: Adoption = Adoption { accepts_removals: false, ..ALL };

fn adopted(desired: &Desired, change: impl FnOnce(&mut Role)) -> Role {
    let mut live = role(desired);
    live.tags.insert(tag::ADOPTED.into(), "prod".into());
    change(&mut live);
    live
}

fn worse(role: &mut Role) {
    role.attached.extend([policy("X"), policy("G")]);
    role.attached.remove(&policy("A"));
    role.inline.insert("one".into(), Some(allows("sqs:*")));
    role.boundary = None;
    role.max_session = 43200;
    role.trust = Some(trust(&["robot", "thief"]));
}

#[test]
fn a_class_that_revokes_does_not_wait_for_a_word() {
    let desired = revoking(wish(HOLDS));
    let expected = [
        "detach arn:aws:iam::aws:policy/X",
        "remove the inline policy one",
        "set the permissions boundary arn:aws:iam::aws:policy/edge",
        "set description and session length",
        "write the trust policy",
        "attach arn:aws:iam::aws:policy/A",
        "write the inline policy one",
    ];
    let plan = plan_for(&desired, &adopted(&desired, worse)).unwrap();
    assert_eq!(words(&plan.steps), expected);
    assert_eq!(plan.waiting, [Step::Detach(policy("G"))], "what the class allows is the binding's to give up");
    let plan = plan_for(&desired, &offered(&desired, worse)).unwrap();
    assert!(claims(&plan.steps[0]), "first whose it is");
    assert_eq!(
        (&words(&plan.steps)[2..], plan.waiting),
        (&expected.map(str::to_owned)[..], vec![Step::Detach(policy("G"))])
    );
}

#[test]
fn what_the_class_allows_waits() {
    let desired = revoking(wish(HOLDS));
    let waits = |change: fn(&mut Role)| {
        let plan = plan_for(&desired, &adopted(&desired, change)).unwrap();
        assert_eq!(plan.steps, []);
        words(&plan.waiting)
    };
    assert_eq!(waits(|role| role.trust = Some(trust(&["robot", "robot-2"]))), ["write the trust policy"]);
    assert_eq!(waits(|role| role.trust = Some(allows("sts:AssumeRole"))), ["write the trust policy"]);
    assert_eq!(waits(|role| drop(role.tags.insert("team".into(), "x".into()))), ["set the tags team"]);
    assert_eq!(waits(|role| role.attached.extend([policy("G")])), ["detach arn:aws:iam::aws:policy/G"]);
}

/// A class that keeps takes nothing.
#[test]
fn without_revoke_all_of_it_waits() {
    let desired = wish(HOLDS);
    let plan = plan_for(&desired, &adopted(&desired, worse)).unwrap();
    assert_eq!((plan.steps, plan.waiting.len()), (vec![], 7));
}

/// The boundary and the tags of another class would meet what may not be taken from it.
#[test]
fn a_role_that_was_taken_over_moves_with_a_word_only() {
    for revokes in [false, true] {
        let wanted = |adoption| if revokes { revoking(wish(adoption)) } else { wish(adoption) };
        let live = adopted(&wanted(HOLDS), |role| {
            worse(role);
            role.tags.insert(tag::CLASS.into(), "former".into());
        });
        let plan = plan_for(&wanted(HOLDS), &live).unwrap();
        assert_eq!(plan.steps, [], "nothing of it");
        let all = plan_for(&wanted(ALL), &live).unwrap();
        assert_eq!((plan.waiting.as_slice(), all.waiting.len()), (all.steps.as_slice(), 0), "in the same order");
        assert!(matches!(&all.steps[0], Step::Detach(_)), "and what it had goes first");
        // One that another binding has offered is that one's class's.
        let offered = offered(&wanted(HOLDS), |role| drop(role.tags.insert(tag::CLASS.into(), "former".into())));
        let steps = part(&wanted(HOLDS), &offered, plan_for(&wanted(ALL), &offered).unwrap().steps).0;
        assert!(claims(&steps[0]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Made by us or taken over, accepted or not: a role ends with nothing that its class takes.
    #[test]
    fn no_role_keeps_what_its_class_takes(desired in wishes(), mut role in roles(), taken: bool, offered: bool) {
        let mut desired = revoking(desired);
        desired.adoption = HOLDS;
        desired.adoption.named = false;
        if taken {
            role.tags.insert(tag::ADOPTED.into(), "prod".into());
        }
        if offered {
            role.tags.retain(|key, _| !key.to_lowercase().starts_with(tag::PREFIX));
            role.tags.insert(tag::ADOPTABLE_BY.into(), "prod/billing/invoices".into());
        }
        let mut world = World { role: Some(role), accounts: settled(&desired) };
        let of = |world: &World| plan(&desired, &world.observed(), &world.accounts, &[denying()].into()).unwrap().steps;
        for step in of(&world) {
            world.apply(&desired, &step);
        }
        prop_assert_eq!(words(&of(&world)), Vec::<String>::new(), "and nothing is done twice");
        let role = world.role.unwrap();
        prop_assert_eq!(forbidden(desired.revokes.as_ref().unwrap(), &role), Vec::<String>::new());
        prop_assert!(desired.boundary.is_none() || role.boundary == desired.boundary);
    }
}
