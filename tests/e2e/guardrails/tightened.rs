//! What becomes of roles whose class allows less than before, or whose namespace is let in no more.

use crate::harness::allow::everything;
use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Space, eventually, is, message, paths, reason};
use serde_json::{Value, json};

/// A class of its own, and a binding `app` in it with two managed and one inline policy.
async fn ready(name: &str, over: Value) -> Space {
    let space = Space::new(name).await;
    let mut spec = json!({"allow": everything()});
    for (key, value) in over.as_object().unwrap() {
        spec[key] = value.clone();
    }
    space.make_class(name, spec).await;
    space.make_account("app").await;
    let policies = json!({"managed": ["aws:ReadOnlyAccess", "aws:AmazonSQSFullAccess"], "inline": [inline("p", allow("s3:Get*"))]});
    space
        .make_binding("app", json!({"className": name, "serviceAccount": {"name": "app"}, "policies": policies}))
        .await;
    space.ready("app").await;
    space
}

async fn change(space: &Space, spec: Value) {
    space.kube.patch(&format!("{}/{}", paths::CLASSES, space.namespace), &json!({"spec": spec})).await;
}

async fn forbidden(space: &Space, said: &str) -> Value {
    let so = |b: &Value| reason(b, "Ready") == "Forbidden" && message(b, "Ready").contains(said);
    let binding = space.until("app", &format!("is told {said}"), so).await;
    assert!(is(&binding, "Ready", "False") && is(&binding, "Stalled", "True"), "{binding}");
    binding
}

/// What does not fit any more stays as it is and is not written again; the rest goes on, drift repair included.
#[tokio::test]
async fn keep_leaves_what_is_there_and_writes_none_of_it() {
    let space = ready("allow-keep", json!({})).await;
    let (since, iam) = (space.mark().await, &space.aws.iam);
    change(&space, json!({"allow": {"managedPolicies": ["aws:ReadOnly*"], "inlinePolicies": null}})).await;
    let binding = forbidden(&space, "2 things are not allowed").await;
    let told = message(&binding, "Stalled");
    assert!(told.contains("spec.policies.managed[1]") && told.contains("spec.policies.inline[0]"), "{told}");
    assert_eq!((reason(&binding, "RoleReady"), reason(&binding, "PoliciesReady")), ("Ready", "Forbidden"));
    assert_eq!(binding["status"]["roleArn"], space.role_arn("app"));
    space.event("app", "Forbidden", "spec.allow.managedPolicies").await;
    assert_eq!(space.changes("app", since).await, [""; 0]);

    let (role, fits, unfit) = (space.role_name("app"), aws("ReadOnlyAccess"), aws("AmazonSQSFullAccess"));
    iam.detach_role_policy().role_name(&role).policy_arn(&fits).send().await.unwrap();
    let attached = |role: &Value, arn: &str| role["attached"].as_array().is_some_and(|all| all.contains(&json!(arn)));
    space.role_until("app", "has what fits again", |role| attached(role, &fits)).await;
    assert!(attached(&space.role("app").await, &unfit), "what does not fit has stayed");

    iam.detach_role_policy().role_name(&role).policy_arn(&unfit).send().await.unwrap();
    iam.attach_role_policy().role_name(&role).policy_arn(aws("AmazonS3FullAccess")).send().await.unwrap();
    space.role_until("app", "lost what nobody asked for", |role| !attached(role, &aws("AmazonS3FullAccess"))).await;
    space.sweeps(2).await;
    let now = space.role("app").await;
    assert_eq!((now["attached"].clone(), now["inline"].as_object().map(|all| all.len())), (json!([fits]), Some(1)));

    space
        .patch_binding("app", json!({"spec": {"policies": {"managed": ["aws:ReadOnlyAccess"], "inline": null}}}))
        .await;
    space.ready("app").await;
    assert_eq!(space.role("app").await["inline"], json!({}));
    space.delete("app").await;
    space.gone("app").await;
}

/// Nothing is made anew while anything is against the class, whoever deleted it.
#[tokio::test]
async fn a_role_that_is_gone_is_not_made_again_with_what_does_not_fit() {
    let space = ready("allow-gone", json!({})).await;
    change(&space, json!({"allow": {"managedPolicies": ["aws:ReadOnly*"]}})).await;
    forbidden(&space, "AmazonSQSFullAccess").await;
    space.emulator.delete_role(&space.role_name("app")).await;
    space.sweeps(3).await;
    assert!(space.role("app").await.is_null());
    change(&space, json!({"allow": everything()})).await;
    space.ready("app").await;
    assert!(!space.role("app").await.is_null());
}

/// What does not fit is taken off, and comes back when it is allowed again.
#[tokio::test]
async fn revoke_takes_it_off_the_role() {
    let space = ready("allow-revoke", json!({"onViolation": "Revoke"})).await;
    let since = space.mark().await;
    change(&space, json!({"allow": {"managedPolicies": ["aws:ReadOnly*"], "inlinePolicies": null}})).await;
    forbidden(&space, "2 things are not allowed").await;
    let gone = |role: &Value| role["attached"] == json!([aws("ReadOnlyAccess")]) && role["inline"] == json!({});
    space.role_until("app", "has only what fits", gone).await;
    assert_eq!(space.changes("app", since).await, ["DetachRolePolicy", "DeleteRolePolicy"]);
    change(&space, json!({"allow": everything()})).await;
    space.ready("app").await;
    assert_eq!(space.role("app").await["attached"].as_array().unwrap().len(), 2);
}

/// A policy that is allowed and does not exist keeps nothing on the role, also where the spec does not list it any more.
#[tokio::test]
async fn what_cant_be_attached_holds_up_no_revocation() {
    let space = ready("allow-stuck", json!({"onViolation": "Revoke"})).await;
    let managed = json!(["aws:ReadOnlyAccess", "account:allow-stuck/does-not-exist"]);
    space.patch_binding("app", json!({"spec": {"policies": {"managed": managed}}})).await;
    space.until("app", "lacks a policy", |b| reason(b, "PoliciesReady") == "NotFound").await;
    let waits = space.role("app").await;
    assert_eq!(waits["attached"].as_array().unwrap().len(), 2, "nothing goes before its replacement is there: {waits}");
    let allowed = json!(["aws:ReadOnly*", "account:allow-stuck/*"]);
    change(&space, json!({"allow": {"managedPolicies": allowed, "inlinePolicies": null}})).await;
    let gone = |role: &Value| role["attached"] == json!([aws("ReadOnlyAccess")]) && role["inline"] == json!({});
    space.role_until("app", "has only what fits", gone).await;
}

/// The label of a namespace reaches its bindings at once, in both directions.
#[tokio::test]
async fn a_namespace_that_is_let_in_no_more() {
    let selector = json!({"matchLabels": {"irsa": "yes"}});
    let space = Space::new("allow-label").await;
    let path = format!("{}/allow-label", paths::NAMESPACES);
    let label = async |value: Value| space.kube.patch(&path, &json!({"metadata": {"labels": {"irsa": value}}})).await;
    label(json!("yes")).await;
    let mut open = everything();
    open["namespaces"] = json!({"selector": selector});
    space.make_class("allow-label", json!({"allow": open, "onViolation": "Revoke"})).await;
    space.make_account("app").await;
    let policies = json!({"managed": ["aws:ReadOnlyAccess"]});
    let spec = json!({"className": "allow-label", "serviceAccount": {"name": "app"}, "policies": policies});
    space.make_binding("app", spec).await;
    space.ready("app").await;
    let (arn, token) = (space.role_arn("app"), space.token("app").await);
    space.aws.credentials(&arn, &token).await;

    label(json!(null)).await;
    forbidden(&space, "does not allow bindings in namespace allow-label (spec.allow.namespaces)").await;
    space.role_until("app", "has nothing left", |role| role["attached"] == json!([])).await;
    eventually("nobody gets in", async || match space.aws.web_identity(&arn, &token).await {
        Err(code) if code == "AccessDenied" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    label(json!("yes")).await;
    space.ready("app").await;
    space.aws.credentials(&arn, &token).await;
}

/// The oldest have their roles; one that was too many gets its when there is room.
#[tokio::test]
async fn no_more_bindings_than_the_class_allows() {
    let space = Space::quiet("allow-count").await;
    let mut two = everything();
    two["maxBindingsPerNamespace"] = json!(2);
    space.make_class("allow-count", json!({"allow": two})).await;
    let make = async |name: &str| {
        space.make_account(name).await;
        space.make_binding(name, json!({"className": "allow-count", "serviceAccount": {"name": name}})).await;
    };
    for name in ["a", "b"] {
        make(name).await;
        space.ready(name).await;
    }
    make("c").await;
    let binding = space.not_ready("c", "Forbidden").await;
    assert!(message(&binding, "Stalled").contains("spec.allow.maxBindingsPerNamespace"), "{binding}");
    assert_eq!(space.operations("c", 0).await.iter().filter(|name| *name == "CreateRole").count(), 0);
    space.delete("a").await;
    space.gone("a").await;
    space.ready("c").await;
}

/// A class that no longer allows Retain deletes roles with their bindings, whatever these say, and a mode that leaves the
/// role behind is no way around it.
#[tokio::test]
async fn what_deletion_does_is_the_classs_word() {
    let space = ready("allow-deletion", json!({})).await;
    space.patch_binding("app", json!({"spec": {"deletionPolicy": "Retain"}})).await;
    space.ready("app").await;
    change(&space, json!({"allow": {"deletionPolicies": ["Delete"]}})).await;
    forbidden(&space, "spec.allow.deletionPolicies").await;
    space.patch_binding("app", json!({"spec": {"mode": "Observe"}})).await;
    space.until("app", "only looks", |b| b["status"]["mode"] == "Observe").await;
    space.delete("app").await;
    space.gone("app").await;
    assert!(space.role("app").await.is_null());
}

/// A mode that writes nothing keeps nothing that a class takes off, whatever the spec says by then.
#[tokio::test]
async fn observe_is_no_way_around_revoke() {
    let space = ready("allow-observe", json!({"onViolation": "Revoke"})).await;
    let fits = json!({"mode": "Observe", "policies": {"managed": ["aws:ReadOnlyAccess"], "inline": null}});
    space.patch_binding("app", json!({"spec": fits})).await;
    space.until("app", "only looks", |b| b["status"]["mode"] == "Observe").await;
    let since = space.mark().await;
    space.sweeps(2).await;
    assert_eq!(space.changes("app", since).await, [""; 0], "all of it is allowed");
    change(&space, json!({"allow": {"managedPolicies": ["aws:ReadOnly*"], "inlinePolicies": null}})).await;
    let gone = |role: &Value| role["attached"] == json!([aws("ReadOnlyAccess")]) && role["inline"] == json!({});
    space.role_until("app", "has only what fits", gone).await;
    let binding = space.until("app", "observes", |b| reason(b, "Ready") == "Observed").await;
    assert!(is(&binding, "Ready", "True"), "the spec fits: {binding}");
    assert_eq!(space.changes("app", since).await, ["DetachRolePolicy", "DeleteRolePolicy"]);

    // Nor around a boundary, also where nothing can be made of the spec.
    let wrong = json!({"mode": "Manage", "trust": {"audience": "vault"}});
    let boundary = space.aws.policy("allow-observe-1", &allow("s3:*").to_string()).await;
    change(&space, json!({"role": {"permissionsBoundaryArn": boundary}})).await;
    space.role_until("app", "is bounded", |role| role["boundary"] == json!(boundary)).await;
    space.patch_binding("app", json!({"spec": wrong})).await;
    space.not_ready("app", "Invalid").await;
    let boundary = space.aws.policy("allow-observe-2", &allow("s3:*").to_string()).await;
    change(&space, json!({"role": {"permissionsBoundaryArn": boundary}})).await;
    space.role_until("app", "is bounded anew", |role| role["boundary"] == json!(boundary)).await;
    let calls = ["DetachRolePolicy", "DeleteRolePolicy", "PutRolePermissionsBoundary", "PutRolePermissionsBoundary"];
    assert_eq!(space.changes("app", since).await, calls);
}

#[tokio::test]
async fn a_class_tells_what_reaches_further_than_it_looks() {
    let space = Space::quiet("allow-doubts").await;
    let doubtful = json!({"allow": {"managedPolicies": ["account:$(namespace)-*"]}});
    space.make_class("allow-doubts", doubtful).await;
    let class = space.class_until("allow-doubts", "is Ready", |c| is(c, "Ready", "True")).await;
    let told = message(&class, "Ready");
    assert!(
        told.contains("; but spec.allow.managedPolicies: \"account:$(namespace)-*\" reaches from one namespace"),
        "{told}"
    );
}

/// As an upgrade finds them: classes that say nothing of what they allow take nothing away, and nobody's access ends.
#[tokio::test]
async fn a_class_that_says_nothing_any_more_takes_nothing() {
    let space = ready("allow-nothing", json!({})).await;
    let (arn, token, since) = (space.role_arn("app"), space.token("app").await, space.mark().await);
    let before = space.role("app").await;
    change(&space, json!({"allow": null})).await;
    forbidden(&space, "spec.allow.namespaces").await;
    space.sweeps(2).await;
    assert_eq!((space.changes("app", since).await, space.role("app").await), (vec![], before));
    space.annotated("app", Some(&arn)).await;
    space.aws.credentials(&arn, &token).await;
    change(&space, json!({"allow": everything()})).await;
    space.ready("app").await;
    assert_eq!(space.changes("app", since).await, [""; 0]);
    space.delete("app").await;
    space.gone("app").await;
    assert!(space.role("app").await.is_null(), "and deletion is as ever");
}
