//! What tools conclude: each outcome, after none and after a good one.

use super::*;

fn seen(outcomes: &[Outcome]) -> &'static str {
    let generation = outcomes.last().unwrap().generation;
    kstatus(generation, &after(outcomes))
}

#[test]
fn a_binding_that_nobody_has_looked_at_is_in_progress() {
    assert_eq!(kstatus(1, &after(&[])), "InProgress", "by the default -1 of the schema");
    assert_eq!(kstatus(1, &BindingStatus::default()), "Current", "which is why the schema has it");
}

#[test]
fn what_is_true_is_current_and_a_newer_generation_is_not() {
    assert_eq!(seen(&[fine(1)]), "Current");
    assert_eq!(kstatus(2, &after(&[fine(1)])), "InProgress");
    assert_eq!(seen(&[fine(1), fine(2)]), "Current");
    let missing = Outcome { account_missing: Some("robot".into()), ..fine(1) };
    assert_eq!(seen(&[missing]), "Current", "with sync waves, a later one makes it");
    let restricted = Outcome { notes: vec![Note::Restricted(vec!["x".into()])], ..fine(1) };
    assert_eq!(seen(&[restricted]), "Current");
    assert_eq!(seen(&[fine(1), Outcome { role: Some(role("AROA2")), ..fine(1) }]), "Current", "RoleRecreated");
}

#[test]
fn every_failure() {
    for category in ALL {
        use Category::{Blocked, Conflict, Denied, Forbidden, Invalid, Missing, Quota};
        let old = Duration::from_secs(300);
        let conclude = match category {
            Invalid | Forbidden | Conflict | Blocked => ("Failed", "Failed"),
            Missing | Denied | Quota => ("InProgress", "Failed"),
            _ => ("InProgress", "InProgress"),
        };
        let failures =
            [failed(1, category), failed_at(1, category, Facet::Role), failed_at(1, category, Facet::Policies)];
        for failure in failures {
            let later = Outcome { trouble_age: old, ..failure.clone() };
            for before in [vec![], vec![fine(1)]] {
                let with = |last: &Outcome| seen(&[before.clone(), vec![last.clone()]].concat());
                assert_eq!((with(&failure), with(&later)), conclude, "{failure:?}");
            }
        }
        if category.is_outage() {
            assert_eq!(seen(&[fine(1), failed(2, category)]), "InProgress", "{category:?} of a new generation");
            assert_eq!(seen(&[fine(1), failed(1, category), fine(1)]), "Current", "{category:?} is over");
        }
    }
}

#[test]
fn a_hold() {
    let drift = held(1, Step::UpdateTrust);
    assert_eq!(seen(&[fine(1), drift.clone()]), "Current", "this generation is in AWS");
    assert_eq!(seen(&[drift]), "Failed", "nobody knows that it ever was");
    assert_eq!(seen(&[fine(1), held(2, Step::UpdateTrust)]), "Failed", "the hold keeps it out");
}

#[test]
fn steps_that_are_still_to_be_done() {
    let unfinished = Outcome { pending: vec![Step::UpdateTrust], ..fine(1) };
    assert_eq!(seen(std::slice::from_ref(&unfinished)), "InProgress");
    let status = after(&[unfinished]);
    assert_eq!(says(&status, kind::READY), "False Pending");
    assert_eq!(message(&status, kind::RECONCILING), "still to be done: write the trust policy");
}
