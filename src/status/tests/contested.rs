//! What another tool undoes again and again.

use super::events::told;
use super::*;
use crate::contested::Contest;

const TEXT: &str = "another tool undoes this again and again: attach A";

fn contested(outcome: Outcome, policies: bool) -> Outcome {
    Outcome { contested: Contest { role: Some(TEXT.to_owned()), policies, account: None }, ..outcome }
}

/// Undone again, and left so for now.
fn waits() -> Outcome {
    contested(Outcome { pending: vec![Step::Attach(POLICY.to_owned())], ..fine(1) }, true)
}

#[test]
fn it_is_noted_and_no_failure() {
    let put_right = after(&[fine(1), contested(fine(1), true)]);
    for (kind, says_so) in [
        (kind::READY, "True Ready"),
        (kind::ROLE_READY, "True Contested"),
        (kind::POLICIES_READY, "True Contested"),
        (kind::SERVICE_ACCOUNT_READY, "True Ready"),
    ] {
        assert_eq!(says(&put_right, kind), says_so, "{kind}");
    }
    assert!(find(&put_right.conditions, kind::RECONCILING).is_none());
    let undone = after(&[fine(1), contested(fine(1), true), waits()]);
    for (kind, says_so) in [
        (kind::READY, "True Ready"),
        (kind::ROLE_READY, "True Contested"),
        (kind::POLICIES_READY, "False Contested"),
        (kind::STALLED, "True Contested"),
    ] {
        assert_eq!(
            (says(&undone, kind).as_str(), message(&undone, kind) == TEXT),
            (says_so, kind != kind::READY),
            "{kind}"
        );
    }
    assert!(find(&undone.conditions, kind::RECONCILING).is_none(), "nobody is to wait for it");
    let over = after(&[fine(1), waits(), fine(1)]);
    assert_eq!([says(&over, kind::ROLE_READY), says(&over, kind::POLICIES_READY)], ["True Ready"; 2]);
    let trust = after(&[fine(1), contested(fine(1), false)]);
    assert_eq!(says(&trust, kind::POLICIES_READY), "True Ready", "it is not about policies");
}

#[test]
fn it_is_told_once_and_goes_before_what_else_is_noted() {
    assert_eq!(told(&[fine(1), contested(fine(1), true)]), ["Warning Contested"]);
    assert_eq!(told(&[fine(1), contested(fine(1), true), waits()]), [""; 0]);
    let held = Outcome { held: true, ..waits() };
    assert_eq!(says(&after(&[fine(1), held]), kind::ROLE_READY), "True Held", "nobody fights over what is held");
    let account = Contest { account: Some("the annotation".to_owned()), ..Contest::default() };
    let account = Outcome { contested: account, pending: vec![Step::Annotate], ..fine(1) };
    assert_eq!(told(&[fine(1), account.clone()]), ["Warning Contested"]);
    assert_eq!(says(&after(&[fine(1), account.clone()]), kind::SERVICE_ACCOUNT_READY), "False Contested");
    assert_eq!(says(&after(&[fine(1), account]), kind::ROLE_READY), "True Ready");
}

/// A role with another id is said until somebody has been here, whatever is said beside it meanwhile.
#[test]
fn it_makes_nobody_forget_that_the_role_is_another() {
    let mut again = fine(1);
    again.role.as_mut().unwrap().id = Some("AROA2".to_owned());
    let recreated = message(&after(&[fine(1), again.clone()]), kind::ROLE_READY);
    let gone = Outcome { pending: vec![Step::CreateRole], ..contested(again.clone(), false) };
    let both = after(&[fine(1), again.clone(), contested(again.clone(), false), gone.clone()]);
    assert_eq!(says(&both, kind::ROLE_READY), "False Contested");
    assert_eq!(message(&both, kind::ROLE_READY), format!("{TEXT}; beside that, {recreated}"));
    let over = after(&[fine(1), again.clone(), contested(again.clone(), false), gone, again]);
    assert_eq!(says(&over, kind::ROLE_READY), "True RoleRecreated");
    assert_eq!(message(&over, kind::ROLE_READY), recreated);
}
