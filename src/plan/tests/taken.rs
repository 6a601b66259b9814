//! What a plan takes from a role: our own quarantine, and what others would miss.

use super::*;
use crate::api::names::QUARANTINE;
use crate::orphans::QUARANTINE_POLICY;

fn cut_off(role: &mut Role) {
    role.inline.insert(QUARANTINE.to_owned(), Some(Document::stored(QUARANTINE_POLICY).unwrap()));
}

fn steps(desired: &Desired, role: &Role) -> Plan {
    plan(desired, &present(role), &settled(desired), &none()).unwrap()
}

#[test]
fn our_own_quarantine_goes_last_and_is_nobody_elses_restriction() {
    let wanted = desired();
    let mut live = role(&wanted);
    cut_off(&mut live);
    let lift = Step::DeleteInline(QUARANTINE.to_owned());
    let found = steps(&wanted, &live);
    assert_eq!((found.steps, found.notes), (vec![lift.clone()], vec![]));
    // Everything else differs as well.
    live.attached = [policy("A"), policy("stray")].into();
    live.inline.insert("two".into(), Some(allows("sqs:*")));
    live.trust = Some(trust(&["other"]));
    live.description = "other".into();
    let all = steps(&wanted, &live).steps;
    assert_eq!(all.last(), Some(&lift));
    assert_eq!(all.iter().filter(|step| **step == lift).count(), 1);
    assert!(all.len() > 5, "{:?}", words(&all));
    // What could not be done before it keeps it there.
    assert!(!goes_on(&[Step::Attach(policy("B"))], &lift));
    live.tags.insert(tag::HOLD.into(), String::new());
    let held = steps(&wanted, &live);
    assert!(held.steps.is_empty() && held.held.contains(&lift));
}

#[test]
fn it_goes_from_a_role_that_was_taken_over_as_well_whatever_else_waits() {
    let desired = desired();
    assert!(!desired.adoption.accepts_removals);
    let mut live = role(&desired);
    live.tags.insert(tag::ADOPTED.into(), "prod".into());
    cut_off(&mut live);
    live.attached.insert(policy("X"));
    let plan = steps(&desired, &live);
    assert_eq!(words(&plan.steps), ["remove the inline policy irsa-operator-quarantine"]);
    assert_eq!(plan.waiting, [Step::Detach(policy("X"))], "what it had is not taken from it");
}

#[test]
fn what_takes_something_from_a_role() {
    let taken = |change: &dyn Fn(&mut Desired, &mut Role)| {
        let mut wanted = desired();
        let mut live = role(&wanted);
        change(&mut wanted, &mut live);
        let steps = steps(&wanted, &live).steps;
        assert!(!steps.is_empty());
        [true, false].map(|asked_for| takes_away(&live, &steps, asked_for))
    };
    assert_eq!(taken(&|_, live| live.attached.extend([policy("stray")])), [true, true]);
    assert_eq!(taken(&|wanted, _| drop(wanted.inline.remove("one"))), [true, true]);
    assert_eq!(taken(&|wanted, _| wanted.boundary = Some(policy("other"))), [true, true]);
    assert_eq!(taken(&|_, live| live.boundary = None), [true, false], "put again where it was taken off");
    assert_eq!(taken(&|_, live| live.attached.retain(|arn| *arn != policy("A"))), [false, false]);
    assert_eq!(taken(&|wanted, _| drop(wanted.inline.insert("one".into(), allows("s3:List*")))), [false, false]);
    assert_eq!(taken(&|wanted, _| wanted.description = "other".into()), [false, false]);
    assert_eq!(taken(&|_, live| cut_off(live)), [false, false], "the quarantine is no permission");
    let rewritten = |wanted: &mut Desired, live: &mut Role| {
        live.trust = Some(trust(&["other"]));
        wanted.inline.insert("one".into(), allows("s3:List*"));
    };
    assert_eq!(taken(&rewritten), [false, false], "taken away to be written anew");
}
