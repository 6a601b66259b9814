//! The status of a class, by the same rules.

use super::*;
use crate::api::{BindingCounts, ClassStatus, OrphanedRoles};
use crate::desired::Place;

fn place() -> Place {
    Place {
        cluster_id: "prod".into(),
        issuer: "oidc.example/id/A".into(),
        account: "111122223333".into(),
        partition: "aws".into(),
        region: "eu-west-1".into(),
    }
}

pub(super) fn fine(generation: i64) -> ClassOutcome {
    ClassOutcome { generation, place: Some(place()), ..ClassOutcome::default() }
}

pub(super) fn failed(generation: i64, category: Category) -> ClassOutcome {
    let failure = Some(Error::new(category, format!("{category:?} of all sorts")));
    ClassOutcome { generation, failure, ..ClassOutcome::default() }
}

/// The status after these outcomes, each told at a time in seconds.
pub(super) fn after(outcomes: &[(i64, ClassOutcome)]) -> ClassStatus {
    let new = ClassStatus { observed_generation: Some(-1), ..ClassStatus::default() };
    outcomes.iter().fold(new, |previous, (second, outcome)| class_status(&previous, outcome, &at(*second)))
}

fn says(status: &ClassStatus, kind: &str) -> String {
    find(&status.conditions, kind).map(|c| format!("{} {}", c.status, c.reason)).unwrap_or_default()
}

#[test]
fn a_class_that_is_ready() {
    let status = after(&[(1, fine(1))]);
    assert_eq!((status.observed_generation, status.account_id.as_deref()), (Some(1), Some("111122223333")));
    assert_eq!(status.issuer.as_deref(), Some("https://oidc.example/id/A"));
    let texts: Vec<String> = status.conditions.iter().map(|c| format!("{}: {}", c.type_, c.message)).collect();
    assert_eq!(
        texts,
        [
            "Ready: roles are made in account 111122223333 for the issuer https://oidc.example/id/A",
            "ProviderReady: arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A is there",
        ]
    );
    let unmanaged = after(&[(1, ClassOutcome { unmanaged: true, ..fine(1) })]);
    assert!(
        find(&unmanaged.conditions, kind::PROVIDER_READY)
            .unwrap()
            .message
            .contains("spec.oidcProvider.manage is false")
    );
}

#[test]
fn a_provider_of_another_cluster_that_is_missing_is_said() {
    let lacking = ClassOutcome { untrusted: Some("it does not exist".into()), ..fine(1) };
    let status = after(&[(1, lacking)]);
    assert_eq!(says(&status, kind::READY), "True Ready", "this cluster's tokens are taken");
    assert_eq!(says(&status, kind::PROVIDER_READY), "False NotFound");
    assert_eq!(says(&after(&[(1, fine(1))]), kind::PROVIDER_READY), "True Ready");
}

#[test]
fn the_issuer_stays_what_it_was_while_two_clusters_have_one_id() {
    let error = Error::because(Category::Blocked, reason::CLUSTER_IDENTITY_CONFLICT, "another issuer");
    let conflict = ClassOutcome { failure: Some(error), generation: 1, ..ClassOutcome::default() };
    let status = after(&[(1, fine(1)), (2, conflict)]);
    assert_eq!(says(&status, kind::READY), "False ClusterIdentityConflict");
    assert_eq!(says(&status, kind::STALLED), "True ClusterIdentityConflict");
    assert_eq!(status.issuer.as_deref(), Some("https://oidc.example/id/A"), "a restart goes by it");
}

#[test]
fn every_failure() {
    for category in ALL {
        use Category::{Denied, Missing, Quota};
        let refused = matches!(category, Denied | Quota);
        let reason = category.reason();
        let new = after(&[(1, failed(1, category))]);
        for kind in [kind::READY, kind::PROVIDER_READY] {
            assert_eq!(says(&new, kind), format!("False {reason}"), "{category:?}");
        }
        let decided = if category.is_outage() { -1 } else { 1 };
        assert_eq!(new.observed_generation, Some(decided), "{category:?}");
        let known = after(&[(1, fine(1)), (2, failed(1, category))]);
        let kept = if category.is_outage() || refused { "True Ready".into() } else { format!("False {reason}") };
        assert_eq!(says(&known, kind::READY), kept, "{category:?}");
        assert_eq!(known.issuer.as_deref(), Some("https://oidc.example/id/A"), "what was known stays known");
        let waits = !category.is_outage() && !refused && category != Missing;
        let (told, other) = if waits { (kind::STALLED, kind::RECONCILING) } else { (kind::RECONCILING, kind::STALLED) };
        assert_eq!(
            [says(&known, told), says(&known, other)],
            [format!("True {reason}"), String::new()],
            "{category:?}"
        );
        let later = after(&[(1, fine(1)), (2, failed(1, category)), (302, failed(1, category))]);
        let kind = if category.is_outage() { kind::RECONCILING } else { kind::STALLED };
        assert_eq!(says(&later, kind), format!("True {reason}"), "{category:?} after five minutes");
        assert_eq!(class_status(&later, &failed(1, category), &at(900)), later, "{category:?} again");
        let changed = after(&[(1, fine(1)), (2, failed(2, category))]);
        if !category.is_outage() {
            assert_eq!(says(&changed, kind::READY), format!("False {reason}"), "{category:?} of a new generation");
        }
    }
}

#[test]
fn a_class_in_use_waits_with_its_deletion_and_stays_ready() {
    let in_use = ClassOutcome { in_use: Some("its deletion waits".into()), ..fine(2) };
    let status = after(&[(1, fine(1)), (2, in_use)]);
    assert_eq!([says(&status, kind::READY), says(&status, kind::STALLED)], ["True Ready", "True InUse"]);
}

#[test]
fn counts_change_nothing_else() {
    let bindings = BindingCounts { total: 3, ready: 2, stalled: 1, deleting: 0 };
    let (before, counted) = (after(&[(1, fine(1))]), ClassOutcome { bindings, ..fine(1) });
    let status = class_status(&before, &counted, &at(9));
    assert_eq!(status, ClassStatus { bindings: Some(bindings), ..before });
}

#[test]
fn deletions_that_are_held_are_told_and_said_once() {
    let held = |text: &str| ClassOutcome { held: Some(text.to_owned()), ..fine(1) };
    let before = after(&[(1, held("50 are held"))]);
    assert_eq!((says(&before, "Ready"), says(&before, "Stalled")), ("True Ready".into(), "True MassChangeHeld".into()));
    let said = |before: &ClassStatus, outcome: &ClassOutcome| {
        let next = class_status(before, outcome, &at(2));
        class_notices(before, &next).into_iter().map(|n| (n.reason, n.note)).collect::<Vec<_>>()
    };
    let first = said(&after(&[(1, fine(1))]), &held("50 are held"));
    assert_eq!(first, [("MassChangeHeld", "50 are held".to_owned())]);
    assert!(said(&before, &held("19 are held")).is_empty() && said(&before, &fine(1)).is_empty());
    // Another namespace that is held by itself is news, and so is all of the class.
    let of =
        |names: &str, word: &str| held(&format!("21 are held, {names}, in a class; kubectl annotate c allow={word}"));
    let (a, both) =
        (of("all in namespace a", "a:21"), of("9 of them in namespace a, 12 of them in namespace b", "a:9,b:12"));
    let at_first = after(&[(1, a.clone())]);
    assert_eq!((said(&at_first, &both).len(), said(&after(&[(1, both)]), &a).len()), (1, 0));
    assert_eq!(said(&at_first, &of("1 of them in namespace a", "21")).len(), 1);
    let leaving = ClassOutcome { in_use: Some("its deletion waits".to_owned()), ..held("50 are held") };
    assert_eq!(says(&after(&[(1, leaving)]), "Stalled"), "True MassChangeHeld", "the class waits for these, too");
}

#[test]
fn roles_without_a_binding_are_told_and_said_once() {
    let orphans = |count: i32, names: &[&str]| {
        let roles = names.iter().map(|name| format!("arn:{name}")).collect();
        ClassOutcome { orphans: Some(OrphanedRoles { count, roles, ..OrphanedRoles::default() }), ..fine(1) }
    };
    let said = |before: &ClassOutcome, now: &ClassOutcome| {
        let before = after(&[(1, before.clone())]);
        let next = class_status(&before, now, &at(2));
        class_notices(&before, &next).into_iter().map(|notice| notice.note).collect::<Vec<_>>()
    };
    let (none, two) = (orphans(0, &[]), orphans(2, &["a", "b"]));
    let note = "2 roles have the tags of this cluster and no IrsaBinding: arn:a, arn:b; make the binding again that the \
                role's tags name, or delete the role: the operator does not";
    assert_eq!(said(&none, &two), [note]);
    assert_eq!(said(&fine(1), &two), [note]);
    assert!(said(&two, &two).is_empty() && said(&two, &none).is_empty() && said(&two, &orphans(1, &["b"])).is_empty());
    assert_eq!(said(&two, &orphans(2, &["b", "c"])).len(), 1, "another one");
    let (many, others) = (orphans(40, &["a", "b", "c", "d"]), orphans(39, &["b", "c", "d", "e"]));
    assert!(said(&none, &many)[0].starts_with("40 roles have") && said(&none, &many)[0].contains("arn:c and 37 more;"));
    assert!(said(&many, &others).is_empty(), "it was one of them before, though not named");
    let status = after(&[(1, two.clone()), (2, fine(1))]);
    assert_eq!(status.orphans, two.orphans, "what is not known again after a start stays");
    assert_eq!(after(&[(1, two), (2, none)]).orphans, None);
}
