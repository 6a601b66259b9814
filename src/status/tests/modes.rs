//! What is said where less than all is done.

use super::*;
use crate::api::ClassStatus;
use crate::desired::Place;

fn observed(generation: i64, pending: &[Step]) -> Outcome {
    Outcome { mode: Some(Mode::Observe), pending: pending.to_vec(), ..fine(generation) }
}

fn managed(generation: i64) -> Outcome {
    Outcome { mode: Some(Mode::Manage), ..fine(generation) }
}

fn annotated(generation: i64) -> Outcome {
    Outcome { mode: Some(Mode::Annotate), role: Some(RoleInfo { id: None, ..role("") }), ..fine(generation) }
}

#[test]
fn a_plan_that_is_only_shown_is_no_work_and_no_trouble() {
    let plan = [Step::UpdateTrust, Step::Attach(POLICY.into()), Step::Annotate];
    let status = after(&[observed(1, &plan)]);
    assert_eq!((status.mode, status.observed_generation), (Some(Mode::Observe), Some(1)));
    assert_eq!(says(&status, kind::READY), "True Observed");
    assert_eq!(
        message(&status, kind::READY),
        "mode Manage would take 3 steps, see status.pendingSteps; mode Observe takes none"
    );
    let words = ["write the trust policy", "attach arn:aws:iam::aws:policy/A", "annotate the ServiceAccount"];
    assert_eq!(status.pending_steps, words);
    for (part, word) in [kind::ROLE_READY, kind::POLICIES_READY, kind::SERVICE_ACCOUNT_READY].into_iter().zip(words) {
        assert_eq!(says(&status, part), "False Observed");
        assert_eq!(message(&status, part), format!("nothing is written in mode Observe; mode Manage would: {word}"));
    }
    assert_eq!([says(&status, kind::RECONCILING), says(&status, kind::STALLED)], ["", ""]);
    assert_eq!(kstatus(1, &status), "Current");
    let one = after(&[observed(1, &plan[..1])]);
    assert_eq!(
        message(&one, kind::READY),
        "mode Manage would take 1 step, see status.pendingSteps; mode Observe takes none"
    );
    assert_eq!(says(&one, kind::POLICIES_READY), "True Ready", "so much is as declared");
}

#[test]
fn where_nothing_differs_that_is_said() {
    let status = after(&[observed(1, &[Step::UpdateTrust]), observed(1, &[])]);
    assert_eq!(says(&status, kind::READY), "True Observed");
    assert!(message(&status, kind::READY).starts_with("nothing differs"));
    assert!(status.pending_steps.is_empty());
    assert_eq!(says(&status, kind::ROLE_READY), "True Ready");
}

/// A role is not there, so people find no ARN to copy.
#[test]
fn a_role_that_is_not_there_is_not_named() {
    let nobody = Outcome { role: Some(RoleInfo { id: None, ..role("") }), ..observed(1, &[Step::CreateRole]) };
    let status = after(&[nobody]);
    assert_eq!((status.role_arn, status.role_id, status.pending_steps), (None, None, vec!["create the role".into()]));
}

#[test]
fn trouble_in_looking_is_told_as_always() {
    for category in ALL {
        let fails = Outcome { mode: Some(Mode::Observe), ..failed(1, category) };
        let (new, known) = (after(std::slice::from_ref(&fails)), after(&[observed(1, &[]), fails.clone()]));
        assert_eq!(says(&new, kind::READY), format!("False {}", category.reason()), "{category:?}");
        let keeps = !category.is_verdict();
        let ready = if keeps { "True Observed".into() } else { format!("False {}", category.reason()) };
        assert_eq!(says(&known, kind::READY), ready, "{category:?}");
        assert_ne!((says(&known, kind::RECONCILING), says(&known, kind::STALLED)), Default::default(), "{category:?}");
    }
}

#[test]
fn what_was_only_looked_at_was_not_made_so() {
    let seen = after(&[observed(1, &[Step::UpdateTrust])]);
    assert!(was_true(&seen, 1, Some(Mode::Observe)) && was_true(&seen, 1, None));
    assert!(!was_true(&seen, 1, Some(Mode::Manage)) && !was_true(&seen, 2, Some(Mode::Observe)));
    let old = BindingStatus { mode: None, ..after(&[managed(1)]) };
    assert!(was_true(&old, 1, Some(Mode::Manage)), "a status from before there were modes");
    // The class allows more: what fails now is not in AWS yet.
    let fails = Outcome { mode: Some(Mode::Manage), ..failed_at(1, Category::Denied, Facet::Role) };
    assert_eq!(says(&after(&[observed(1, &[Step::UpdateTrust]), fails]), kind::READY), "False AccessDenied");
}

#[test]
fn a_difference_that_nobody_is_to_put_right_is_no_drift() {
    let before = after(&[observed(1, &[])]);
    let outcome = observed(1, &[Step::UpdateTrust]);
    assert_eq!(drift(&before, &outcome), Some((&[][..], &[][..])));
}

#[test]
fn of_a_role_that_another_makes_only_the_name_is_told() {
    let status = after(&[annotated(1)]);
    assert_eq!((status.mode, status.role_arn.as_deref()), (Some(Mode::Annotate), Some(ARN)));
    assert_eq!((status.role_id, status.oidc_provider_arn), (None, None));
    let kinds: Vec<&str> = status.conditions.iter().map(|c| c.type_.as_str()).collect();
    assert_eq!(kinds, [kind::READY, kind::SERVICE_ACCOUNT_READY]);
    let text = find(&status.conditions, kind::READY).map(|c| c.message.clone());
    assert_eq!(text, Some(format!("ServiceAccount billing/robot is to assume {ARN}, which another cluster makes")));
}

#[test]
fn there_and_back_again() {
    let there = after(&[managed(1), annotated(2)]);
    assert_eq!(there.role_id.as_deref(), Some("AROA1"), "it was ours, and deletion lets go of it");
    assert_eq!(says(&there, kind::ROLE_READY), "");
    let back = after(&[managed(1), annotated(2), managed(3)]);
    assert_eq!((says(&back, kind::ROLE_READY).as_str(), back.mode), ("True Ready", Some(Mode::Manage)));
    let seen = after(&[managed(1), observed(2, &[Step::UpdateTrust]), managed(3)]);
    assert_eq!((says(&seen, kind::READY).as_str(), seen.pending_steps.len()), ("True Ready", 0));
}

#[test]
fn a_class_that_only_looks_says_what_is_missing() {
    let place = Place {
        cluster_id: "prod".into(),
        issuer: "oidc.example/id/A".into(),
        account: "111122223333".into(),
        partition: "aws".into(),
        region: "eu-west-1".into(),
    };
    let told = |lacks: Option<&str>| {
        let outcome = ClassOutcome {
            generation: 1,
            place: Some(place.clone()),
            observes: true,
            lacks: lacks.map(str::to_owned),
            ..ClassOutcome::default()
        };
        class_status(&ClassStatus::default(), &outcome, &at(1)).conditions
    };
    let says = |lacks| told(lacks).iter().map(|c| format!("{} {} {}", c.type_, c.status, c.reason)).collect::<Vec<_>>();
    assert_eq!(says(None), ["Ready True Observed", "ProviderReady True Ready"]);
    assert_eq!(says(Some("it is not there")), ["Ready True Observed", "ProviderReady False Observed"]);
    assert_eq!(told(Some("it is not there"))[1].message, "it is not there");
}
