//! Events: one for each transition, none for a repetition.

use super::*;

/// The Events of the last of these outcomes, as `type reason`.
pub(super) fn told(outcomes: &[Outcome]) -> Vec<String> {
    notes(outcomes).iter().map(|n| format!("{} {}", if n.warning { "Warning" } else { "Normal" }, n.reason)).collect()
}

fn notes(outcomes: &[Outcome]) -> Vec<Notice> {
    let (last, before) = outcomes.split_last().unwrap();
    let previous = after(before);
    let next = status(&previous, last, &at(100));
    deeds(&previous, last).into_iter().chain(notices(&previous, &next, last)).collect()
}

fn done(generation: i64, steps: &[Step]) -> Outcome {
    Outcome { done: steps.to_vec(), ..fine(generation) }
}

const NOTHING: [&str; 0] = [];

#[test]
fn nothing_is_told_twice() {
    for first in table::samples() {
        for second in table::samples() {
            let repeated = told(&[first.clone(), second.clone(), second.clone()]);
            assert_eq!(repeated, NOTHING, "{second:?} after {first:?}");
        }
    }
}

#[test]
fn made_changed_and_put_right() {
    let attach = Step::Attach(POLICY.into());
    let made = [Step::CreateRole, Step::Annotate, attach.clone()];
    let notes_of = |outcomes: &[Outcome]| notes(outcomes).into_iter().map(|n| n.note).collect::<Vec<_>>();
    assert_eq!(told(&[done(1, &made)]), ["Normal RoleCreated"]);
    assert_eq!(notes_of(&[done(1, &made)]), [format!("made {ARN} with 1 policy for ServiceAccount billing/robot")]);
    assert_eq!(told(&[fine(1), done(2, &[attach.clone(), Step::UpdateTrust])]), ["Normal Updated"]);
    let drift = [fine(1), done(1, &[attach.clone(), Step::UpdateTrust])];
    assert_eq!(told(&drift), ["Normal DriftCorrected"]);
    assert_eq!(notes_of(&drift), [format!("done on {ARN}: attach {POLICY}; write the trust policy")]);
    assert_eq!(told(&[fine(1), done(1, &[Step::Annotate])]), ["Normal DriftCorrected"], "an annotation was removed");
    let class_changed = Outcome { wish_changed: true, ..done(1, std::slice::from_ref(&attach)) };
    assert_eq!(told(&[fine(1), class_changed]), ["Normal Updated"], "the class changed, nobody drifted");
    let unfinished = failed_at(2, Category::Settling, Facet::Policies);
    assert_eq!(told(&[fine(1), unfinished, done(2, &[attach])]), ["Normal Updated"], "the rest of a change");
    assert_eq!(told(&[fine(1), done(2, &[])]), NOTHING, "a change that AWS need not know of");
}

#[test]
fn an_account_that_comes_late_is_no_drift() {
    let missing = Outcome { account_missing: Some("robot".into()), ..done(1, &[Step::CreateRole]) };
    assert_eq!(told(std::slice::from_ref(&missing)), ["Normal RoleCreated", "Warning ServiceAccountNotFound"]);
    assert_eq!(told(&[missing.clone(), done(1, &[Step::Annotate])]), ["Normal Updated"]);
    let gone = Outcome { account_missing: Some("robot".into()), ..fine(1) };
    assert_eq!(told(&[fine(1), gone]), ["Warning ServiceAccountNotFound"]);
    assert_eq!(told(&[missing, done(1, &[Step::Annotate, Step::UpdateTrust])]), ["Normal DriftCorrected"]);
}

#[test]
fn trouble_is_told_when_it_begins_and_when_it_changes() {
    for category in ALL {
        let warning = [format!("Warning {}", category.reason())];
        let expected = if category.is_brief() { &[][..] } else { &warning[..] };
        assert_eq!(told(&[failed(1, category)]), expected, "{category:?} of a new one");
        assert_eq!(told(&[fine(1), failed(1, category)]), expected, "{category:?}");
        let stalled = Outcome { trouble_age: FRESH_PERMISSIONS, ..failed(1, category) };
        assert_eq!(told(&[fine(1), failed(1, category), stalled]), NOTHING, "{category:?}: it was told");
        let mut other = failed(1, category);
        other.failure.as_mut().unwrap().1.message.push_str(", now of another");
        assert_eq!(told(&[fine(1), failed(1, category), other]), expected, "{category:?} of another kind");
    }
}

#[test]
fn the_end_of_trouble_is_told_where_nothing_had_to_be_done_for_it() {
    let invalid = || failed(2, Category::Invalid);
    assert_eq!(told(&[fine(1), invalid(), fine(3)]), ["Normal Ready"], "taken back");
    assert_eq!(
        notes(&[fine(1), invalid(), fine(3)])[0].note,
        format!("ServiceAccount billing/robot may assume {ARN}, after Invalid")
    );
    assert_eq!(told(&[fine(1), invalid(), done(3, &[Step::UpdateTrust])]), ["Normal Updated"], "one is enough");
    assert_eq!(told(&[fine(1), failed(1, Category::Transient), fine(1)]), NOTHING, "Ready was true all the time");
}

#[test]
fn what_is_noted_on_the_role_is_told_once() {
    let again = || Outcome { role: Some(role("AROA2")), ..done(1, &[Step::CreateRole]) };
    assert_eq!(told(&[fine(1), again()]), ["Normal RoleCreated", "Warning RoleRecreated"]);
    let quiet = Outcome { done: vec![], ..again() };
    assert_eq!(told(&[fine(1), again(), quiet]), NOTHING);
    let restricted = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Outcome { notes: vec![Note::Restricted(names)], ..fine(1) }
    };
    assert_eq!(told(&[fine(1), restricted(&["a"])]), ["Warning Restricted"]);
    assert_eq!(told(&[fine(1), restricted(&["a"]), restricted(&["a", "b"])]), ["Warning Restricted"], "one more");
    let mass = Outcome { held_by: Some("49 changes are held".into()), ..held(1, Step::UpdateTrust) };
    assert_eq!(told(&[fine(1), mass.clone()]), ["Warning MassChangeHeld"]);
    assert_eq!(told(&[fine(1), mass.clone(), mass]), NOTHING);
    assert_eq!(told(&[fine(1), held(1, Step::UpdateTrust)]), ["Warning Held"]);
    assert_eq!(
        told(&[fine(1), held(1, Step::UpdateTrust), held(1, Step::UpdateRole)]),
        ["Warning Held"],
        "something else"
    );
}

#[test]
fn a_failing_account_is_told_also_beside_a_failing_role() {
    let mut both = failed_at(1, Category::Denied, Facet::Policies);
    both.account_failure = Some(Error::new(Category::Conflict, "another manager holds it"));
    let alone = failed_at(1, Category::Denied, Facet::Policies);
    assert_eq!(told(std::slice::from_ref(&both)), ["Warning AccessDenied", "Warning Conflict"]);
    assert_eq!(told(&[alone, both.clone()]), ["Warning Conflict"]);
    assert_eq!(told(&[both.clone(), both]), NOTHING);
}

#[test]
fn notes_fit_into_an_event() {
    let note = Notice::new(true, reason::INVALID, "Reconcile", "é".repeat(2000)).note;
    assert_eq!(note, "é".repeat(500), "1,024 bytes are the limit, and no letter is cut in two");
}
