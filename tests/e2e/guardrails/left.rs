//! Roles that bindings leave behind do not outlive what their class says.

use crate::harness::allow::everything;
use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Space, eventually, message, paths};
use serde_json::{Value, json};

/// A class of the namespace's name, and `app` in it, Ready, deleted again with its role retained.
async fn left_behind(name: &str, spec: Value) -> Space {
    let space = Space::new(name).await;
    let label = json!({"metadata": {"labels": {"irsa": "yes"}}});
    space.kube.patch(&format!("{}/{name}", paths::NAMESPACES), &label).await;
    space.make_class(name, spec).await;
    leave(&space, "app").await;
    space
}

async fn leave(space: &Space, name: &str) {
    space.make_account(name).await;
    make(space, name).await;
    space.ready(name).await;
    space.delete(name).await;
    space.gone(name).await;
}

async fn make(space: &Space, name: &str) {
    let policies = json!({"managed": ["aws:ReadOnlyAccess", "aws:AmazonSQSFullAccess"], "inline": [inline("p", allow("s3:Get*")), inline("q", allow("sqs:Get*"))]});
    let spec = json!({"className": space.namespace, "serviceAccount": {"name": name}, "policies": policies, "deletionPolicy": "Retain"});
    space.make_binding(name, spec).await;
}

/// To make a binding, have its role retained and make another is no way around the number.
#[tokio::test]
async fn they_count() {
    let mut one = everything();
    one["maxBindingsPerNamespace"] = json!(1);
    let space = left_behind("left-count", json!({"allow": one})).await;
    space.make_account("next").await;
    make(&space, "next").await;
    let binding = space.not_ready("next", "Forbidden").await;
    let told = message(&binding, "Stalled");
    assert!(told.contains("left-count has 0 older ones and 1 roles that were left behind (Retain)"), "{told}");
    space.sweeps(2).await;
    assert_eq!(space.operations("next", 0).await, [""; 0]);

    // Its own binding gets it back, and counts once.
    space.delete("next").await;
    space.gone("next").await;
    make(&space, "app").await;
    space.ready("app").await;
    space.delete("app").await;
    space.gone("app").await;
    make(&space, "next").await;
    space.not_ready("next", "Forbidden").await;
    space.emulator.delete_role(&space.role_name("app")).await;
    space.ready("next").await;
}

/// What a class does not allow any more goes, whoever has let go of it.
#[tokio::test]
async fn revoke_reaches_them() {
    let mut open = everything();
    open["namespaces"] = json!({"selector": {"matchLabels": {"irsa": "yes"}}});
    let space = left_behind("left-revoke", json!({"allow": open, "onViolation": "Revoke"})).await;
    let (arn, token) = (space.role_arn("app"), space.token("app").await);
    space.sweeps(3).await;
    let since = space.mark().await;
    space.sweeps(2).await;
    assert_eq!(space.operations("app", since).await, [""; 0], "it was looked at, and is as it was");

    let path = format!("{}/left-revoke", paths::CLASSES);
    let rules = json!([{"actions": ["s3:Get*"], "resources": ["*"]}]);
    let less = json!({"managedPolicies": ["aws:ReadOnly*"], "inlinePolicies": {"rules": rules}});
    space.kube.patch(&path, &json!({"spec": {"allow": less}})).await;
    let fits = |role: &Value| role["attached"] == json!([aws("ReadOnlyAccess")]) && role["inline"].get("q").is_none();
    let role = space.role_until("app", "has only what fits", fits).await;
    assert!(role["inline"].get("p").is_some(), "{role}");
    assert_eq!(space.changes("app", since).await, ["DetachRolePolicy", "DeleteRolePolicy"]);
    space.aws.credentials(&arn, &token).await;
    eventually("the class tells", async || {
        let mut events = space.kube.list("/apis/events.k8s.io/v1/namespaces/default/events").await;
        events.retain(|event| event["reason"] == "RolesRevoked" && event["regarding"]["name"] == "left-revoke");
        let note = events.first().and_then(|event| event["note"].as_str()).unwrap_or_default();
        let told = note.contains("which IrsaBinding left-revoke/app has left behind, as the class does not allow it");
        if told { Ok(()) } else { Err(note.to_owned()) }
    })
    .await;

    let none = json!({"metadata": {"labels": {"irsa": null}}});
    space.kube.patch(&format!("{}/left-revoke", paths::NAMESPACES), &none).await;
    space
        .role_until("app", "has nothing left", |role| role["attached"] == json!([]) && role["inline"] == json!({}))
        .await;
    eventually("nobody gets in", async || match space.aws.web_identity(&arn, &token).await {
        Err(code) if code == "AccessDenied" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    space.sweeps(3).await;
    let since = space.mark().await;
    space.sweeps(2).await;
    assert_eq!(space.operations("app", since).await, [""; 0]);
}
