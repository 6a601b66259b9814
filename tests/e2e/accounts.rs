//! ServiceAccounts: annotated where they are, made where the spec says so, and never taken from anybody else.

use crate::harness::{Space, is, message, reason};
use serde_json::{Value, json};

const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";

/// What a team's own tool applies.
fn applied(space: &Space, name: &str, role: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": space.namespace, "annotations": {ROLE_ARN: role}},
    })
}

#[tokio::test]
async fn a_service_account_may_come_later() {
    let space = Space::quiet("later").await;
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}})).await;
    let binding = space.ready("app").await;
    assert!(is(&binding, "ServiceAccountReady", "False"));
    assert_eq!(reason(&binding, "ServiceAccountReady"), "ServiceAccountNotFound");
    space.event("app", "ServiceAccountNotFound", "app does not exist").await;
    let since = space.mark().await;
    space.make_account("app").await;
    space.annotated("app", Some(&space.role_arn("app"))).await;
    space.until("app", "has its ServiceAccount", |b| is(b, "ServiceAccountReady", "True")).await;
    assert_eq!(space.operations("app", since).await, [""; 0]);
}

#[tokio::test]
async fn a_service_account_that_is_made_again_is_annotated_again() {
    let space = Space::quiet("again").await;
    space.make_ready("app", json!({})).await;
    space.kube.delete(&space.account_path("app")).await;
    space.until("app", "says so", |b| reason(b, "ServiceAccountReady") == "ServiceAccountNotFound").await;
    space.make_account("app").await;
    space.annotated("app", Some(&space.role_arn("app"))).await;
    let binding = space.until("app", "has its ServiceAccount", |b| is(b, "ServiceAccountReady", "True")).await;
    assert!(is(&binding, "Ready", "True"));
}

/// Made with one write more than an existing one costs, and gone with its binding.
#[tokio::test]
async fn a_service_account_is_made_and_goes_with_its_binding() {
    let space = Space::quiet("made").await;
    space.make_binding("app", json!({"serviceAccount": {"name": "sa", "create": true}})).await;
    let binding = space.ready("app").await;
    assert!(is(&binding, "ServiceAccountReady", "True"));
    let annotations = space.annotations("sa").await;
    assert_eq!(annotations, json!({ROLE_ARN: space.role_arn("app"), "irsa-operator.io/created-by": "app"}));
    space.event("app", "RoleCreated", "").await;
    let four = [
        "patch irsabindings app 200",
        "create serviceaccounts sa 201",
        "patch serviceaccounts sa 200",
        "patch irsabindings/status app 200",
    ];
    assert_eq!(space.writes(), four);
    space.delete("app").await;
    space.gone("app").await;
    assert!(space.kube.get(&space.account_path("sa")).await.is_null());
}

#[tokio::test]
async fn a_service_account_that_others_use_too_stays() {
    let space = Space::quiet("shared-sa").await;
    space.make_binding("app", json!({"serviceAccount": {"name": "sa", "create": true}})).await;
    space.ready("app").await;
    let label =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "sa", "labels": {"team": "a"}}});
    space.kube.apply(&space.account_path("sa"), "helm", &label).await;
    space.delete("app").await;
    space.gone("app").await;
    let account = space.kube.get(&space.account_path("sa")).await;
    assert_eq!(account["metadata"]["labels"]["team"], "a");
    assert_eq!(account["metadata"]["annotations"][ROLE_ARN], Value::Null, "the annotation went all the same");
}

/// One that was there before is not deleted, whatever the spec says.
#[tokio::test]
async fn a_service_account_that_was_there_stays() {
    let space = Space::quiet("was-there").await;
    space.make_account("sa").await;
    space.make_binding("app", json!({"serviceAccount": {"name": "sa", "create": true}})).await;
    space.ready("app").await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.annotations("sa").await, Value::Null);
    assert!(!space.kube.get(&space.account_path("sa")).await.is_null());
}

/// A foreign annotation stops a new binding before anything is made in AWS.
#[tokio::test]
async fn a_foreign_annotation_stops_a_new_binding() {
    let space = Space::quiet("foreign-sa").await;
    let theirs = format!("arn:aws:iam::{}:role/theirs", space.emulator.account);
    space.kube.apply(&space.account_path("app"), "terraform", &applied(&space, "app", &theirs)).await;
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}})).await;
    let binding = space.not_ready("app", "Conflict").await;
    assert!(message(&binding, "Stalled").contains(&theirs), "{binding}");
    space.event("app", "Conflict", &theirs).await;
    assert_eq!(space.changes("app", 0).await, [""; 0]);
    assert!(space.role("app").await.is_null());
    assert_eq!(space.annotated_role("app").await, theirs);
    // Nobody is in the way any more: it goes on by itself.
    space.kube.patch(&space.account_path("app"), &json!({"metadata": {"annotations": null}})).await;
    space.ready("app").await;
    space.annotated("app", Some(&space.role_arn("app"))).await;
}

/// On an existing role only the ServiceAccount's part fails, and says who is in the way.
#[tokio::test]
async fn an_overwritten_annotation_names_who_did_it() {
    let space = Space::quiet("overwritten").await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    let since = space.mark().await;
    let theirs = format!("arn:aws:iam::{}:role/theirs", space.emulator.account);
    space.kube.apply(&space.account_path("app"), "terraform", &applied(&space, "app", &theirs)).await;
    let binding = space.until("app", "is in conflict", |b| reason(b, "ServiceAccountReady") == "Conflict").await;
    let said = message(&binding, "ServiceAccountReady");
    assert!(said.contains("terraform") && said.contains(&theirs), "{said}");
    assert!(is(&binding, "RoleReady", "True") && is(&binding, "PoliciesReady", "True"));
    assert_eq!(space.changes("app", since).await, [""; 0]);
    assert_eq!(space.annotated_role("app").await, theirs);
    space.kube.patch(&space.account_path("app"), &json!({"metadata": {"annotations": null}})).await;
    space.annotated("app", Some(&space.role_arn("app"))).await;
    space.until("app", "is Ready again", |b| is(b, "Ready", "True") && is(b, "ServiceAccountReady", "True")).await;
    // And the binding that lost it leaves it alone when it goes.
    space.kube.apply(&space.account_path("app"), "terraform", &applied(&space, "app", &theirs)).await;
    space.until("app", "is in conflict", |b| reason(b, "ServiceAccountReady") == "Conflict").await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.annotated_role("app").await, theirs);
}

/// Git says the same as we do: both own it, and it outlives us.
#[tokio::test]
async fn an_equal_annotation_is_shared_and_outlives_the_binding() {
    let space = Space::quiet("equal").await;
    space.make_ready("app", json!({})).await;
    let role = space.role_arn("app");
    space.kube.apply(&space.account_path("app"), "argocd", &applied(&space, "app", &role)).await;
    space.nudge("app").await;
    space.ready("app").await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.annotated_role("app").await, role);
}

/// An empty value is nobody's.
#[tokio::test]
async fn an_empty_annotation_is_overwritten() {
    let space = Space::quiet("empty").await;
    space.kube.apply(&space.account_path("app"), "helm", &applied(&space, "app", "")).await;
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}})).await;
    space.ready("app").await;
    assert_eq!(space.annotated_role("app").await, space.role_arn("app"));
}

/// The first has it, the second is told, and neither harms the other.
#[tokio::test]
async fn two_bindings_for_one_service_account() {
    let space = Space::quiet("rivals").await;
    space.make_account("sa").await;
    let spec = json!({"serviceAccount": {"name": "sa"}, "policies": {"managed": ["aws:ReadOnlyAccess"]}});
    space.make_binding("z-first", spec.clone()).await;
    space.ready("z-first").await;
    space.make_binding("a-second", spec.clone()).await;
    let second = space.not_ready("a-second", "Conflict").await;
    assert!(is(&second, "Stalled", "True") && message(&second, "Stalled").contains("z-first"), "{second}");
    assert_eq!(space.operations("a-second", 0).await, [""; 0]);
    let since = space.mark().await;
    space.delete("a-second").await;
    space.gone("a-second").await;
    assert_eq!(space.annotated_role("sa").await, space.role_arn("z-first"));
    assert_eq!(space.operations("z-first", since).await, [""; 0]);
    assert_eq!(space.changes("a-second", since).await, [""; 0]);

    space.make_binding("a-second", spec).await;
    space.not_ready("a-second", "Conflict").await;
    space.delete("z-first").await;
    space.gone("z-first").await;
    space.ready("a-second").await;
    space.annotated("sa", Some(&space.role_arn("a-second"))).await;
}
