//! The parts of Ready, what is noted without a failure, and what stands beside the conditions.

use super::*;

#[test]
fn all_is_well() {
    let status = after(&[fine(1)]);
    let texts: Vec<String> =
        status.conditions.iter().map(|c| format!("{} {} {}: {}", c.type_, c.status, c.reason, c.message)).collect();
    assert_eq!(
        texts,
        [
            format!("Ready True Ready: ServiceAccount billing/robot may assume {ARN}"),
            format!("RoleReady True Ready: {ARN} is as declared"),
            "PoliciesReady True Ready: exactly the listed policies are on the role".into(),
            "ServiceAccountReady True Ready: ServiceAccount billing/robot names the role".into(),
        ]
    );
    assert_eq!(status.observed_generation, Some(1));
    assert_eq!((status.role_arn.as_deref(), status.role_id.as_deref()), (Some(ARN), Some("AROA1")));
    assert_eq!((status.class_name.as_deref(), status.account_id.as_deref()), (Some("default"), Some("111122223333")));
}

#[test]
fn a_failure_at_a_step_says_which_part_fails_and_what_waits() {
    let status = after(&[failed_at(1, Category::Missing, Facet::Policies)]);
    assert_eq!(says(&status, kind::READY), "False NotFound");
    assert_eq!(says(&status, kind::ROLE_READY), "True Ready", "its steps are all done");
    assert_eq!(says(&status, kind::POLICIES_READY), "False NotFound");
    assert_eq!(says(&status, kind::SERVICE_ACCOUNT_READY), "True Ready");
    assert_eq!(status.pending_steps, [format!("attach {POLICY}"), "attach arn:aws:iam::aws:policy/B".into()]);
    let status = after(&[failed_at(1, Category::Denied, Facet::Role)]);
    assert_eq!(says(&status, kind::ROLE_READY), "False AccessDenied");
    assert_eq!(says(&status, kind::POLICIES_READY), "False Pending");
    assert_eq!(message(&status, kind::POLICIES_READY), "still to be done: attach arn:aws:iam::aws:policy/B");
    let status = after(&[fine(1), failed_at(1, Category::Denied, Facet::Role)]);
    assert_eq!(says(&status, kind::READY), "True Ready", "a repair that fails");
    assert_eq!(says(&status, kind::ROLE_READY), "False AccessDenied", "the part says it all the same");
}

/// One step is left, and only time has to pass: work is under way, nobody has to do anything, and nothing has failed.
#[test]
fn an_annotation_that_waits_for_its_role_says_so() {
    let theirs = "arn:aws:iam::111122223333:role/eksctl";
    let waits = Outcome {
        pending: vec![Step::Reannotate(theirs.to_owned())],
        settles: Some(std::time::Instant::now()),
        ..fine(2)
    };
    let status = after(&[fine(1), waits.clone()]);
    for (kind, says_so) in [
        (kind::READY, "False Settling"),
        (kind::ROLE_READY, "True Ready"),
        (kind::POLICIES_READY, "True Ready"),
        (kind::SERVICE_ACCOUNT_READY, "False Settling"),
        (kind::RECONCILING, "True Settling"),
    ] {
        assert_eq!(says(&status, kind), says_so, "{kind}");
    }
    assert_eq!(status.observed_generation, Some(2), "it is decided");
    assert!(message(&status, kind::RECONCILING).contains(&format!("the ServiceAccount names {theirs} until")));
    assert_eq!(status.pending_steps, [format!("annotate the ServiceAccount in place of {theirs}")]);
    let held = after(&[Outcome { held: true, settles: None, ..waits }]);
    assert_eq!(says(&held, kind::SERVICE_ACCOUNT_READY), "False Held", "a role that is held may not be ready for it");
}

/// A role that is another's, or a ServiceAccount that is: nothing was planned, so nothing is known of the other parts.
#[test]
fn a_refusal_before_there_is_a_plan_is_the_matter_of_one_part() {
    for (facet, kind) in [(Facet::Role, kind::ROLE_READY), (Facet::ServiceAccount, kind::SERVICE_ACCOUNT_READY)] {
        let error = Error::new(Category::Conflict, "somebody else's");
        let refused = Outcome { failure: Some((Some(facet), error)), ..fine(1) };
        let status = after(&[fine(1), refused.clone()]);
        assert_eq!(says(&status, kind::READY), "False Conflict");
        for part in [kind::ROLE_READY, kind::POLICIES_READY, kind::SERVICE_ACCOUNT_READY] {
            assert_eq!(says(&status, part), if part == kind { "False Conflict" } else { "True Ready" }, "{facet:?}");
        }
        let new = after(&[Outcome { role: None, ..refused }]);
        assert_eq!(says(&new, kind::POLICIES_READY), "False Conflict", "nothing was there before either");
    }
}

#[test]
fn an_outage_undoes_nothing_that_was_known() {
    let drift = failed_at(1, Category::Denied, Facet::Policies);
    let before = after(&[fine(1), drift.clone()]);
    let during = after(&[fine(1), drift, failed(1, Category::Transient)]);
    assert_eq!(during.pending_steps, before.pending_steps, "what was seen to be missing still is");
    assert_eq!(find(&during.conditions, kind::POLICIES_READY), find(&before.conditions, kind::POLICIES_READY));
    let half_done = after(&[fine(1), failed_at(1, Category::Transient, Facet::Role)]);
    assert_eq!(half_done.pending_steps.len(), 2);
    assert_eq!(says(&half_done, kind::POLICIES_READY), "True Ready", "no condition flips but Reconciling");
    assert_eq!(message(&half_done, kind::RECONCILING), "Transient at a step");
}

#[test]
fn a_service_account_that_is_not_there_leaves_ready_true() {
    let missing = Outcome { account_missing: Some("robot".into()), ..fine(1) };
    let status = after(&[missing]);
    assert_eq!(says(&status, kind::READY), "True Ready");
    assert_eq!(says(&status, kind::SERVICE_ACCOUNT_READY), "False ServiceAccountNotFound");
    assert_eq!(
        message(&status, kind::SERVICE_ACCOUNT_READY),
        "ServiceAccount robot does not exist and is annotated as soon as it does; create it, or set \
         spec.serviceAccount.create to true"
    );
    assert_eq!([says(&status, kind::RECONCILING), says(&status, kind::STALLED)], ["", ""]);
}

#[test]
fn the_service_account_fails_on_its_own() {
    let error = Error::new(Category::Conflict, "another manager holds it");
    let status = after(&[Outcome { account_failure: Some(error), pending: vec![Step::Annotate], ..fine(1) }]);
    assert_eq!([says(&status, kind::ROLE_READY), says(&status, kind::POLICIES_READY)], ["True Ready", "True Ready"]);
    assert_eq!(says(&status, kind::SERVICE_ACCOUNT_READY), "False Conflict");
    assert_eq!([says(&status, kind::READY), says(&status, kind::STALLED)], ["False Conflict", "True Conflict"]);
    assert!(status.role_arn.is_some());
}

#[test]
fn a_hold_stands_on_role_ready_and_stalls_only_what_it_keeps_out() {
    let says_what = "the role carries the tag irsa-operator.io/hold and is not written; remove the tag to have done: ";
    for (step, role, policies) in
        [(Step::UpdateTrust, "False Held", "True Ready"), (Step::Attach(POLICY.into()), "True Held", "False Held")]
    {
        let drift = after(&[fine(1), held(1, step.clone())]);
        assert_eq!(says(&drift, kind::READY), "True Ready", "this generation is in AWS");
        assert_eq!([says(&drift, kind::STALLED), says(&drift, kind::RECONCILING)], ["", ""]);
        assert_eq!([says(&drift, kind::ROLE_READY), says(&drift, kind::POLICIES_READY)], [role, policies]);
        assert_eq!(message(&drift, kind::ROLE_READY), format!("{says_what}{step}"));
        assert_eq!(drift.pending_steps, [step.to_string()]);
        let kept_out = after(&[fine(1), held(2, step)]);
        assert_eq!([says(&kept_out, kind::READY), says(&kept_out, kind::STALLED)], ["False Held", "True Held"]);
        assert_eq!(kept_out.observed_generation, Some(2));
    }
    assert_eq!(says(&after(&[fine(1), held(1, Step::UpdateTrust), fine(1)]), kind::ROLE_READY), "True Ready");
}

#[test]
fn what_waits_for_its_fellows_is_told_and_keeps_ready_what_was() {
    let text = "49 changes are held that take permissions away";
    let mass = |generation| Outcome { held_by: Some(text.to_owned()), ..held(generation, Step::Detach(POLICY.into())) };
    let status = after(&[fine(1), mass(1)]);
    assert_eq!([says(&status, kind::READY), says(&status, kind::STALLED)], ["True Ready", ""]);
    assert_eq!(says(&status, kind::ROLE_READY), "True MassChangeHeld");
    assert_eq!(
        [says(&status, kind::POLICIES_READY), message(&status, kind::POLICIES_READY).to_owned()],
        ["False MassChangeHeld", text]
    );
    let kept_out = after(&[fine(1), mass(2)]);
    assert_eq!(
        [says(&kept_out, kind::READY), says(&kept_out, kind::STALLED)],
        ["False MassChangeHeld", "True MassChangeHeld"]
    );
    assert_eq!(says(&after(&[fine(1), mass(1), fine(1)]), kind::ROLE_READY), "True Ready");
}

#[test]
fn a_role_made_again_is_said_until_the_next_generation() {
    let again = |generation| Outcome { role: Some(role("AROA2")), ..fine(generation) };
    let status = after(&[fine(1), again(1), again(1), again(1)]);
    assert_eq!(says(&status, kind::ROLE_READY), "True RoleRecreated");
    assert!(message(&status, kind::ROLE_READY).contains("its unique id was AROA1 and is AROA2"));
    assert_eq!(says(&status, kind::READY), "True Ready");
    assert_eq!(status.role_id.as_deref(), Some("AROA2"));
    assert_eq!(says(&after(&[fine(1), again(1), again(2)]), kind::ROLE_READY), "True Ready");
    let outage = after(&[fine(1), again(1), failed(1, Category::Transient), again(1)]);
    assert_eq!(says(&outage, kind::ROLE_READY), "True RoleRecreated", "an outage does not make it forgotten");
    let unfinished =
        after(&[fine(1), Outcome { role: Some(role("AROA2")), ..failed_at(1, Category::Denied, Facet::Policies) }]);
    assert_eq!(says(&unfinished, kind::ROLE_READY), "True RoleRecreated", "though its policies are not there yet");
    let mut moved = again(2);
    moved.role.as_mut().unwrap().arn.push('x');
    assert_eq!(says(&after(&[fine(1), moved]), kind::ROLE_READY), "True Ready", "another role has another id");
}

#[test]
fn what_only_takes_away_is_said_on_the_role_and_its_policies() {
    let notes = vec![Note::Restricted(vec!["AWSRevokeOlderSessions".into(), POLICY.into()])];
    let status = after(&[Outcome { notes: notes.clone(), ..fine(1) }]);
    let text = format!(
        "somebody else put on the role what only takes permissions away, and it stays: AWSRevokeOlderSessions, {POLICY}; \
         remove it in AWS when it is no longer needed"
    );
    for part in [kind::ROLE_READY, kind::POLICIES_READY] {
        assert_eq!((says(&status, part), message(&status, part)), ("True Restricted".into(), text.clone()));
    }
    assert_eq!(says(&status, kind::READY), "True Ready");
    let again = Outcome { notes, role: Some(role("AROA2")), ..fine(1) };
    let both = after(&[fine(1), again]);
    assert_eq!(says(&both, kind::ROLE_READY), "True RoleRecreated");
    assert_eq!(says(&both, kind::POLICIES_READY), "True Restricted", "neither hides the other");
}

#[test]
fn a_spec_that_grants_nothing_is_said() {
    let mut nothing = fine(1);
    nothing.role.as_mut().unwrap().grants = false;
    let status = after(&[nothing]);
    assert_eq!([says(&status, kind::READY), says(&status, kind::POLICIES_READY)], ["True Ready", "True NoPolicies"]);
    assert!(message(&status, kind::POLICIES_READY).contains("list some in spec.policies"));
}

#[test]
fn pending_steps_fit_into_the_schema() {
    let long = format!("arn:aws:iam::111122223333:policy/{}é", "p".repeat(600));
    let pending = (0..150).map(|i| Step::Attach(format!("{long}{i}"))).collect();
    let status = after(&[Outcome { pending, ..fine(1) }]);
    assert_eq!(status.pending_steps.len(), 100);
    assert!(status.pending_steps.iter().all(|step| step.chars().count() == 512));
    let longest = status.conditions.iter().map(|c| c.message.chars().count()).max();
    assert_eq!(longest, Some(32_768), "of metav1.Condition");
}

#[test]
fn what_keeps_a_deletion_waiting_is_said_and_the_rest_stays() {
    let before = after(&[fine(1)]);
    let error = Error::because(Category::Conflict, reason::HELD, format!("can't be deleted yet: {}", tag::HOLD));
    let outcome = Outcome { generation: 2, failure: Some((None, error)), ..Outcome::default() };
    let waiting = deleting(&before, &outcome, &at(9));
    assert_eq!(says(&waiting, kind::STALLED), "True Held");
    let rest = |status: &BindingStatus| {
        let others = status.conditions.iter().filter(|c| c.type_ != kind::STALLED).cloned().collect::<Vec<_>>();
        (others, status.role_arn.clone(), status.role_id.clone(), status.class_name.clone())
    };
    assert_eq!(rest(&waiting), rest(&before));
    assert_eq!(deleting(&waiting, &outcome, &at(10)), waiting);
    let outage = Outcome { failure: Some((None, Error::new(Category::Transient, "x"))), ..outcome };
    assert_eq!(says(&deleting(&waiting, &outage, &at(11)), kind::RECONCILING), "True Unavailable");
}

/// What the class does not allow is said, whatever else is so; the rest of the role is told as it is.
#[test]
fn what_is_not_allowed_while_the_rest_goes_on() {
    let forbidden = |outcome: Outcome| Outcome {
        forbidden: Some(Error::because(Category::Forbidden, crate::api::reason::FORBIDDEN, "not by this class")),
        ..outcome
    };
    let status = after(&[fine(1), forbidden(fine(1))]);
    assert_eq!(
        (says(&status, kind::READY), message(&status, kind::READY)),
        ("False Forbidden".into(), "not by this class".into())
    );
    assert_eq!(says(&status, kind::ROLE_READY), "True Ready");
    assert_eq!(says(&status, kind::POLICIES_READY), "False Forbidden");
    assert_eq!(says(&status, kind::SERVICE_ACCOUNT_READY), "True Ready");
    assert_eq!(
        (says(&status, kind::STALLED), says(&status, kind::RECONCILING)),
        ("True Forbidden".into(), String::new())
    );
    let outage = forbidden(failed_at(1, Category::Throttled, Facet::Policies));
    let status = after(&[fine(1), outage]);
    assert_eq!(says(&status, kind::READY), "False Forbidden", "an outage does not hide it");
    assert_eq!(says(&status, kind::RECONCILING), "True Throttled");
    assert!(forbidden(fine(1)).is_only_forbidden() && !forbidden(failed(1, Category::Denied)).is_only_forbidden());
    assert_eq!(says(&after(&[forbidden(fine(1)), fine(2)]), kind::READY), "True Ready");
}
