//! The way out.

use crate::harness::documents::{allow, deny, inline};
use crate::harness::{Space, is, message, reason};
use serde_json::{Value, json};

/// M + I + 2 calls: one read that says whose the role is, each policy, the role.
#[tokio::test]
async fn deletion_costs_no_more_than_it_must() {
    let space = Space::quiet("delete").await;
    let policies = json!({
        "managed": ["aws:AmazonSQSReadOnlyAccess", "aws:ReadOnlyAccess"],
        "inline": [inline("bucket", allow("s3:GetObject"))],
    });
    space.make_ready("app", policies).await;
    let since = space.mark().await;
    space.delete("app").await;
    space.gone("app").await;
    let down = ["GetRole", "DetachRolePolicy", "DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"];
    assert_eq!(space.operations("app", since).await, down);
    assert!(space.role("app").await.is_null());
    assert!(space.annotated_role("app").await.is_null());
    space.event("app", "RoleDeleted", &space.role_arn("app")).await;
    let providers = space.emulator.providers().await;
    assert!(providers.iter().any(|p| p["arn"] == space.env.provider_arn()), "the provider is still there");
}

#[tokio::test]
async fn a_role_that_is_gone_already_stops_nothing() {
    let space = Space::quiet("gone-already").await;
    space.make_ready("app", json!({})).await;
    space.aws.iam.delete_role().role_name(space.role_name("app")).send().await.expect("deleted");
    space.delete("app").await;
    space.gone("app").await;
    assert!(space.annotated_role("app").await.is_null());
}

#[tokio::test]
async fn what_others_put_on_the_role_goes_with_it_and_denials_last() {
    let space = Space::quiet("others").await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    let name = space.role_name("app");
    let policy = space.aws.policy("others-stray", &allow("sqs:*").to_string()).await;
    space.aws.iam.attach_role_policy().role_name(&name).policy_arn(policy).send().await.expect("attached");
    for (policy, document) in [("a-revoked", deny("*")), ("b-stray", allow("sns:*"))] {
        let put = space.aws.iam.put_role_policy().role_name(&name).policy_name(policy);
        put.policy_document(document.to_string()).send().await.expect("put");
    }
    let since = space.mark().await;
    space.delete("app").await;
    space.gone("app").await;
    assert!(space.role("app").await.is_null());
    let changes = space.changes("app", since).await;
    let down =
        ["DetachRolePolicy", "DeleteRole", "DetachRolePolicy", "DeleteRolePolicy", "DeleteRolePolicy", "DeleteRole"];
    assert_eq!(changes, down, "the second DeleteRole after what AWS said was in the way");
    let calls = space.calls("app").await;
    let removed = calls.iter().filter(|c| c.operation == "DeleteRolePolicy").map(|c| c.params["PolicyName"].clone());
    assert_eq!(removed.collect::<Vec<Value>>(), ["b-stray", "a-revoked"], "what only denies goes last");
}

#[tokio::test]
async fn a_role_in_an_instance_profile_is_said_with_its_profile() {
    let space = Space::quiet("profile").await;
    space.make_ready("app", json!({})).await;
    let (iam, role) = (&space.aws.iam, space.role_name("app"));
    iam.create_instance_profile().instance_profile_name("old-node").send().await.expect("a profile");
    let add = iam.add_role_to_instance_profile().instance_profile_name("old-node").role_name(&role);
    add.send().await.expect("added");
    space.delete("app").await;
    let binding = space.until("app", "says why it stays", |b| is(b, "Stalled", "True")).await;
    assert!(message(&binding, "Stalled").contains("instance profile old-node"), "{binding}");
    space.event("app", "Conflict", "old-node").await;
    let remove = iam.remove_role_from_instance_profile().instance_profile_name("old-node").role_name(&role);
    remove.send().await.expect("removed");
    space.nudge("app").await;
    space.gone("app").await;
    assert!(space.role("app").await.is_null());
}

/// Retain leaves everything working, and the same binding takes it again.
#[tokio::test]
async fn a_retained_role_works_on_and_is_taken_again() {
    let space = Space::quiet("retain").await;
    space.make_account("app").await;
    let spec = json!({"serviceAccount": {"name": "app"}, "deletionPolicy": "Retain",
        "policies": {"managed": ["aws:ReadOnlyAccess"]}});
    space.make_binding("app", spec.clone()).await;
    let binding = space.ready("app").await;
    space.delete("app").await;
    space.gone("app").await;
    let role = space.role("app").await;
    assert_eq!(role["tags"]["irsa-operator.io/released-by"], "e2e");
    assert_eq!(role["attached"].as_array().map(Vec::len), Some(1));
    assert_eq!(space.annotated_role("app").await, space.role_arn("app"));
    space.event("app", "RoleRetained", &space.role_arn("app")).await;
    space.aws.credentials(&space.role_arn("app"), &space.token("app").await).await;

    let since = space.mark().await;
    space.make_binding("app", spec).await;
    let again = space.ready("app").await;
    assert_eq!(again["status"]["roleId"], binding["status"]["roleId"], "the same role");
    assert_eq!(space.role("app").await["tags"]["irsa-operator.io/released-by"], Value::Null);
    assert_eq!(space.changes("app", since).await, ["CreateRole", "UntagRole"]);
}

#[tokio::test]
async fn a_namespace_that_goes_takes_its_roles_with_it() {
    let space = Space::quiet("terminating").await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    space.make_binding("create", json!({"serviceAccount": {"name": "made", "create": true}})).await;
    space.ready("create").await;
    space.kube.delete("/api/v1/namespaces/terminating").await;
    space.object_until("/api/v1/namespaces/terminating", "the namespace is gone", Value::is_null).await;
    assert!(space.role("app").await.is_null() && space.role("create").await.is_null());
}

/// An invalid spec can be deleted, and takes with it what the valid one had made.
#[tokio::test]
async fn an_invalid_spec_can_be_deleted() {
    let space = Space::quiet("invalid-gone").await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    let invalid = json!({"spec": {"policies": {"managed": [], "inline": [inline("p", json!({}))]}}});
    space.patch_binding("app", invalid).await;
    space.not_ready("app", "Invalid").await;
    space.delete("app").await;
    space.gone("app").await;
    assert!(space.role("app").await.is_null());
    assert!(space.annotated_role("app").await.is_null());
}

/// Somebody took the class away by force.
#[tokio::test]
async fn a_binding_whose_class_is_gone_can_be_deleted() {
    let space = Space::quiet("class-gone").await;
    space.make_class("class-gone", json!({})).await;
    space.make_account("app").await;
    let policies = json!({"managed": ["aws:ReadOnlyAccess"]});
    space
        .make_binding(
            "app",
            json!({"className": "class-gone", "serviceAccount": {"name": "app"}, "policies": policies}),
        )
        .await;
    space.ready("app").await;
    let class = "/apis/irsa-operator.io/v1alpha1/irsaclasses/class-gone";
    space.kube.delete(class).await;
    space.class_until("class-gone", "says who uses it", |c| reason(c, "Stalled") == "InUse").await;
    space.kube.patch(class, &json!({"metadata": {"finalizers": []}})).await;
    space.class_until("class-gone", "is gone", Value::is_null).await;
    space.delete("app").await;
    space.gone("app").await;
    assert!(space.role("app").await.is_null());
    assert!(space.annotated_role("app").await.is_null());
}

/// AWS does not show everywhere yet what was made a moment ago. That is no reason to leave it behind.
#[tokio::test]
async fn a_role_that_was_made_a_moment_ago_goes_with_its_binding() {
    let space = Space::new("moment").await;
    for name in ["one", "two", "three"] {
        space.make_ready(name, json!({"managed": ["aws:ReadOnlyAccess"]})).await;
        space.delete(name).await;
        space.gone(name).await;
        assert!(space.role(name).await.is_null(), "{name}");
    }
}

/// Two bindings may come to name one role. One works on it at a time, and the other waits.
#[tokio::test]
async fn two_that_name_one_role_take_turns() {
    let space = Space::quiet("turns").await;
    space.make_class("turns", json!({"role": {"nameTemplate": "$(clusterId)_$(namespace)_$(serviceAccount)"}})).await;
    for name in ["one", "two"] {
        space.make_account(name).await;
        space.make_binding(name, json!({"className": "turns", "serviceAccount": {"name": name}})).await;
        space.ready(name).await;
    }
    space.patch_binding("two", json!({"spec": {"serviceAccount": {"name": "one"}}})).await;
    space.not_ready("two", "Conflict").await;
    let hold = json!({"action": "hold", "count": 1, "match": {"operation": "GetRole", "params": {"RoleName": "e2e_turns_one"}}});
    let _rule = space.emulator.rule(hold).await;
    space.delete("one").await;
    let held = space.emulator.held("GetRole", "e2e_turns_one").await;
    space.delete("two").await;
    // A third one shows that the operator has come so far, and is not stuck.
    space.make_account("three").await;
    space.make_binding("three", json!({"serviceAccount": {"name": "three"}})).await;
    space.ready("three").await;
    space.emulator.release(&held).await;
    space.gone("one").await;
    space.gone("two").await;
    assert!(space.role("one").await.is_null() && space.role("two").await.is_null());
}
