//! A role that was taken over and waits for a word.

use super::*;

fn waiting(generation: i64, steps: Vec<Step>) -> Outcome {
    let failure = Some((None, awaiting(ARN, &steps)));
    Outcome { failure, waiting: steps, ..fine(generation) }
}

fn steps() -> Vec<Step> {
    vec![Step::UpdateTrust, Step::Detach(POLICY.into())]
}

#[test]
fn it_is_stalled_and_each_part_says_what_of_it_waits() {
    for before in [vec![], vec![fine(1)]] {
        let outcomes: Vec<Outcome> = before.into_iter().chain([waiting(1, steps())]).collect();
        let told = after(&outcomes);
        assert_eq!(says(&told, kind::READY), "False AwaitingAcceptRemovals");
        assert_eq!(
            (says(&told, kind::STALLED), says(&told, kind::RECONCILING)),
            ("True AwaitingAcceptRemovals".into(), String::new())
        );
        assert_eq!(says(&told, kind::ROLE_READY), "False AwaitingAcceptRemovals");
        assert_eq!(says(&told, kind::POLICIES_READY), "False AwaitingAcceptRemovals");
        assert_eq!(says(&told, kind::SERVICE_ACCOUNT_READY), "True Ready");
        assert_eq!((told.role_arn.as_deref(), told.role_id.as_deref()), (Some(ARN), Some("AROA1")));
        assert_eq!(
            told.pending_steps,
            [
                "write the trust policy (waits for spec.adoption.acceptRemovals)".to_owned(),
                format!("detach {POLICY} (waits for spec.adoption.acceptRemovals)"),
            ]
        );
        let said = message(&told, kind::READY);
        assert!(said.contains(&format!("with it: write the trust policy; detach {POLICY}")), "{said}");
        assert_eq!(
            message(&told, kind::POLICIES_READY),
            format!("waits for spec.adoption.acceptRemovals: detach {POLICY}")
        );
    }
    let only = after(&[waiting(1, vec![Step::Detach(POLICY.into())])]);
    assert_eq!(says(&only, kind::ROLE_READY), "True Ready");
    assert_eq!(after(&[waiting(1, steps()), waiting(1, steps())]), after(&[waiting(1, steps())]), "said once");
    assert_eq!(says(&after(&[waiting(1, steps()), fine(2)]), kind::READY), "True Ready");
}

#[test]
fn what_fails_beside_it_is_told_first_and_what_waits_is_still_listed() {
    let mut outcome = failed_at(1, Category::Quota, Facet::Policies);
    outcome.waiting = vec![Step::UpdateTrust];
    let told = after(&[outcome]);
    assert_eq!(says(&told, kind::READY), "False QuotaExceeded");
    assert_eq!(says(&told, kind::ROLE_READY), "False AwaitingAcceptRemovals");
    assert_eq!(told.pending_steps.len(), 3, "{:?}", told.pending_steps);
}

#[test]
fn it_is_told_by_events() {
    let before = BindingStatus::default();
    let outcome = waiting(1, steps());
    let told = status(&before, &outcome, &at(1));
    let reasons: Vec<&str> = notices(&before, &told, &outcome).iter().map(|notice| notice.reason).collect();
    assert_eq!(reasons, ["AwaitingAcceptRemovals"]);
    assert!(notices(&told, &told, &outcome).is_empty(), "once");
    let claim = Step::Tag([(tag::ADOPTED.to_owned(), "prod".to_owned())].into());
    let adopted = Outcome { done: vec![claim.clone(), Step::Attach(POLICY.into())], ..outcome };
    let deed = deeds(&before, &adopted).unwrap();
    assert_eq!((deed.warning, deed.reason), (false, "RoleAdopted"));
    let notice = adopting(ARN, &[claim, Step::Annotate], &steps());
    assert_eq!(
        notice.note,
        format!(
            "takes over {ARN}, as its tag allows: set the tags irsa-operator.io/adopted; annotate the ServiceAccount; waits \
             for spec.adoption.acceptRemovals: write the trust policy; detach {POLICY}"
        )
    );
    assert_eq!(
        adopting(ARN, &[Step::Annotate], &[]).note,
        format!("takes over {ARN}, as its tag allows: annotate the ServiceAccount")
    );
}

#[test]
fn observe_tells_what_would_wait() {
    let seen = |pending: Vec<Step>, waiting: Vec<Step>| {
        let told = after(&[Outcome { mode: Some(Mode::Observe), pending, waiting, ..fine(1) }]);
        assert_eq!(says(&told, kind::READY), "True Observed");
        (told.pending_steps.len(), message(&told, kind::READY))
    };
    let (listed, said) = seen(vec![Step::Annotate], steps());
    assert_eq!((listed, said.contains("mode Manage would take 1 step, ")), (3, true), "{said}");
    assert!(said.ends_with("; 2 more would wait for spec.adoption.acceptRemovals"), "{said}");
    assert!(seen(vec![], vec![]).1.starts_with("nothing differs"));
    assert!(seen(vec![], steps()).1.starts_with("mode Manage would take 0 steps"), "something differs");
}
