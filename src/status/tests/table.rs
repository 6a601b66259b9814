//! Previous status and outcome, for every category of the design's failure table.

use super::*;

/// What a category leads to.
struct Row {
    category: Category,
    /// Ready of a binding that was never ready, and of one that is ready in this generation.
    fresh: &'static str,
    ready: &'static str,
    /// The abnormal condition at first, and once it has lasted five minutes.
    first: &'static str,
    later: &'static str,
    /// Whether it decides the generation.
    decides: bool,
}

const fn verdict(category: Category, reason: &'static str) -> Row {
    Row { category, fresh: reason, ready: reason, first: kind::STALLED, later: kind::STALLED, decides: true }
}

const fn refusal(category: Category, reason: &'static str) -> Row {
    Row { category, fresh: reason, ready: reason::READY, first: kind::RECONCILING, later: kind::STALLED, decides: true }
}

const fn outage(category: Category, reason: &'static str) -> Row {
    Row { later: kind::RECONCILING, decides: false, ..refusal(category, reason) }
}

const TABLE: [Row; 12] = [
    verdict(Category::Invalid, reason::INVALID),
    verdict(Category::Forbidden, reason::FORBIDDEN),
    verdict(Category::Conflict, reason::CONFLICT),
    verdict(Category::Blocked, reason::IDENTITY_CHANGED),
    refusal(Category::Missing, reason::NOT_FOUND),
    refusal(Category::Denied, reason::ACCESS_DENIED),
    refusal(Category::Quota, reason::QUOTA_EXCEEDED),
    outage(Category::Credentials, reason::CREDENTIALS),
    outage(Category::ClassNotReady, reason::CLASS_NOT_READY),
    outage(Category::Throttled, reason::THROTTLED),
    outage(Category::Settling, reason::SETTLING),
    outage(Category::Transient, reason::UNAVAILABLE),
];

/// A Ready condition as [`says`] gives it.
fn ready(reason: &str) -> String {
    format!("{} {reason}", if reason == reason::READY { "True" } else { "False" })
}

fn other(kind: &str) -> &'static str {
    if kind == kind::STALLED { kind::RECONCILING } else { kind::STALLED }
}

#[test]
fn a_binding_that_was_never_ready() {
    for row in TABLE {
        let status = after(&[failed(1, row.category)]);
        let category = row.category;
        let reason = row.category.reason();
        assert_eq!(says(&status, kind::READY), ready(row.fresh), "{category:?}");
        assert_eq!(says(&status, row.first), format!("True {reason}"), "{category:?}");
        assert_eq!(says(&status, other(row.first)), "", "{category:?}");
        assert_eq!(status.observed_generation, Some(if row.decides { 1 } else { -1 }), "{category:?}");
        assert_eq!((status.role_arn.as_ref(), status.role_id.as_ref()), (None, None), "nobody knows of a role");
        for part in [kind::ROLE_READY, kind::POLICIES_READY, kind::SERVICE_ACCOUNT_READY] {
            assert_eq!(says(&status, part), format!("False {reason}"), "{category:?}");
        }
    }
}

#[test]
fn a_binding_that_is_ready_in_this_generation() {
    for row in TABLE {
        let begin = after(&[fine(1)]);
        let next = after(&[fine(1), failed(1, row.category)]);
        let category = row.category;
        assert_eq!(says(&next, kind::READY), ready(row.ready), "{category:?}");
        assert_eq!(says(&next, row.first), format!("True {}", row.category.reason()), "{category:?}");
        assert_eq!(says(&next, other(row.first)), "", "{category:?}");
        assert_eq!(next.observed_generation, Some(1));
        assert_eq!((&next.role_arn, &next.role_id), (&begin.role_arn, &begin.role_id), "{category:?}");
        for part in [kind::ROLE_READY, kind::POLICIES_READY, kind::SERVICE_ACCOUNT_READY] {
            let before = find(&begin.conditions, part);
            assert_eq!(find(&next.conditions, part), before, "{category:?}: it says nothing of the parts");
        }
    }
}

#[test]
fn a_binding_that_was_ready_in_an_older_generation() {
    for row in TABLE {
        let next = after(&[fine(1), failed(2, row.category)]);
        let category = row.category;
        if row.decides {
            assert_eq!(says(&next, kind::READY), ready(row.fresh), "{category:?}");
            assert_eq!(next.observed_generation, Some(2), "{category:?}");
        } else {
            let kept = find(&next.conditions, kind::READY).unwrap();
            assert_eq!(
                (kept.status.as_str(), kept.observed_generation),
                ("True", Some(1)),
                "{category:?} keeps its own"
            );
            assert_eq!(next.observed_generation, Some(1), "{category:?}: generation 2 is not decided");
        }
        assert_eq!(find(&next.conditions, row.first).unwrap().observed_generation, Some(2), "{category:?}");
    }
}

#[test]
fn a_refusal_stalls_after_five_minutes_and_an_outage_never() {
    for row in TABLE {
        let at_age = |seconds| Outcome { trouble_age: Duration::from_secs(seconds), ..failed(1, row.category) };
        let category = row.category;
        for (age, expected) in [(0, row.first), (299, row.first), (300, row.later), (100_000, row.later)] {
            let status = after(&[fine(1), at_age(age)]);
            assert!(says(&status, expected).starts_with("True"), "{category:?} after {age} s");
            assert_eq!(says(&status, other(expected)), "", "{category:?} after {age} s");
            assert_eq!(says(&status, kind::READY), ready(row.ready), "its age changes nothing about Ready");
        }
        let restarted = after(&[fine(1), at_age(300), at_age(0)]);
        assert_eq!(
            restarted,
            after(&[fine(1), at_age(300)]),
            "{category:?}: a restart forgets the age, not the verdict"
        );
        let changed = after(&[fine(1), at_age(300), Outcome { generation: 2, ..at_age(0) }]);
        assert!(says(&changed, row.first).starts_with("True"), "{category:?}: another generation begins anew");
    }
}

/// For every pair of outcomes, the second one after another.
#[test]
fn the_same_outcome_again_gives_the_same_status() {
    for first in samples() {
        for second in samples() {
            let once = after(&[first.clone(), second.clone()]);
            let twice = status(&once, &second, &at(1000));
            assert_eq!(twice, once, "{second:?} after {first:?}");
        }
    }
}

#[test]
fn what_holds_for_every_status() {
    for first in samples() {
        // A generation never goes back.
        for second in samples().into_iter().filter(|second| second.generation >= first.generation) {
            let before = after(std::slice::from_ref(&first));
            let next = after(&[first.clone(), second.clone()]);
            let what = format!("{second:?} after {first:?}");
            let abnormal = [kind::RECONCILING, kind::STALLED].map(|kind| find(&next.conditions, kind));
            assert!(abnormal.iter().flatten().count() < 2, "never both: {what}");
            assert!(abnormal.iter().flatten().all(|c| c.status == "True"), "abnormal-true: {what}");
            assert!(next.observed_generation >= before.observed_generation, "{what}");
            for condition in &next.conditions {
                let old = find(&before.conditions, &condition.type_).filter(|old| old.status == condition.status);
                let moved = condition.last_transition_time == at(2);
                assert_eq!(moved, old.is_none(), "the time moves on a flip only: {condition:?}, {what}");
                assert!(!condition.message.is_empty() && !condition.reason.is_empty(), "{what}");
                assert!(condition.observed_generation.is_some(), "{what}");
            }
            let turned = |kind| says(&before, kind).starts_with("True") && says(&next, kind).starts_with("False");
            if second.is_outage() {
                for kind in [kind::READY, kind::ROLE_READY, kind::POLICIES_READY, kind::SERVICE_ACCOUNT_READY] {
                    assert!(!turned(kind), "an outage alone: {what}");
                }
                assert_eq!(next.observed_generation, before.observed_generation, "{what}");
            } else {
                assert_eq!(next.observed_generation, Some(second.generation), "{what}");
            }
            let ready = find(&next.conditions, kind::READY).unwrap();
            if ready.status == "True" && !second.is_outage() {
                assert_eq!(ready.observed_generation, Some(second.generation), "{what}");
            }
        }
    }
}

/// Outcomes of all kinds, of two generations.
pub(super) fn samples() -> Vec<Outcome> {
    let mut all = Vec::new();
    for generation in [1, 2] {
        let fine = || fine(generation);
        all.push(fine());
        all.push(Outcome { role: Some(role("AROA2")), ..fine() });
        all.push(Outcome { account_missing: Some("robot".into()), ..fine() });
        all.push(Outcome { notes: vec![Note::Restricted(vec!["AWSRevokeOlderSessions".into()])], ..fine() });
        all.push(held(generation, Step::UpdateTrust));
        all.push(held(generation, Step::Attach(POLICY.into())));
        for category in ALL {
            all.push(failed(generation, category));
            all.push(failed_at(generation, category, Facet::Role));
            all.push(failed_at(generation, category, Facet::Policies));
            let error = Error::new(category, "at the ServiceAccount");
            all.push(Outcome { account_failure: Some(error), pending: vec![Step::Annotate], ..fine() });
        }
    }
    all
}
