//! A role that was taken over, and its class: what it does not allow goes, and another one waits for leave to take.

use super::*;
use crate::harness::documents::aws;
use crate::harness::{message, paths};

/// A class of its own, and the binding `app` in it, which has taken over a role and accepts no removals. Returns the role.
async fn taken(space: &Space, name: &str, class: Value) -> Value {
    space.make_class(&space.namespace, class).await;
    seed(&space.emulator, vec![theirs(space, name, "/team/", offer(space))]).await;
    space.make_account("app").await;
    let mut wanted = spec(name);
    wanted["className"] = json!(space.namespace);
    space.make_binding("app", wanted).await;
    awaits(space, "app").await;
    space.emulator.role(name).await
}

fn same(now: &Value, before: &Value, parts: &[&str]) {
    parts.iter().for_each(|part| assert_eq!(now[part], before[part], "{part}"));
}

#[tokio::test]
async fn a_class_holds_what_was_taken_over() {
    let (env, operator) = adopting("adoption-classes", &["--resync", "2s"]).await;
    let (revoked, moved) = (env.space("revoked", &operator).await, env.space("moves", &operator).await);
    tokio::join!(revoke_takes_what_nobody_accepted(&revoked), it_moves_with_leave_to_take(&moved));
}

/// What the class does not allow goes, also where the binding lets nothing be taken; all else waits on.
async fn revoke_takes_what_nobody_accepted(space: &Space) {
    let name = "revoked-app";
    let adopt = json!({"enabled": true});
    let before = taken(space, name, json!({"allow": {"adopt": adopt}, "onViolation": "Revoke"})).await;
    assert_eq!(before["attached"].as_array().map(Vec::len), Some(3), "{before}");
    let since = space.mark().await;
    let less = json!({"spec": {"allow": {"managedPolicies": ["aws:AmazonSQS*"], "inlinePolicies": null}}});
    space.kube.patch(&format!("{}/{}", paths::CLASSES, space.namespace), &less).await;
    let binding = space.not_ready("app", "Forbidden").await;
    assert!(message(&binding, "Ready").contains(&aws("AmazonS3ReadOnlyAccess")), "{binding}");
    let now = space.emulator.role(name).await;
    assert_eq!((&now["attached"], &now["inline"]), (&json!([aws("AmazonSQSReadOnlyAccess")]), &json!({})), "{now}");
    same(&now, &before, &["id", "path", "trust", "tags", "description", "maxSessionDuration"]);
    space.sweeps(1).await;
    assert_eq!(changes(space, name, since).await, ["DetachRolePolicy", "DetachRolePolicy", "DeleteRolePolicy"]);
}

/// Another class's tags and boundary never meet what nobody has agreed to lose.
async fn it_moves_with_leave_to_take(space: &Space) {
    let name = "moves-app";
    let before = taken(space, name, json!({"allow": {"adopt": {"enabled": true}}})).await;
    space.make_class("next", json!({"role": {"tags": {"door": "open"}}})).await;
    let since = space.mark().await;
    space.patch_binding("app", json!({"spec": {"className": "next"}})).await;
    let said = "was taken over and is under IrsaClass moves; to have it moved to IrsaClass next set \
                spec.adoption.acceptRemovals to true";
    let so = |b: &Value| reason(b, "Ready") == "AwaitingAcceptRemovals" && message(b, "Ready").contains(said);
    let binding = space.until("app", "waits for leave to move", so).await;
    assert!(is(&binding, "Stalled", "True"), "{binding}");
    space.sweeps(1).await;
    assert_eq!(changes(space, name, since).await, [""; 0]);
    assert_eq!(space.emulator.role(name).await, before);

    space.patch_binding("app", json!({"spec": {"adoption": {"acceptRemovals": true}}})).await;
    let binding = space.ready("app").await;
    assert_eq!(binding["status"]["roleId"], before["id"]);
    let now = space.emulator.role(name).await;
    assert_eq!(
        (&now["tags"]["irsa-operator.io/class"], &now["tags"]["door"], &now["inline"]),
        (&json!("next"), &json!("open"), &json!({}))
    );
    let order = changes(space, name, since).await;
    let at = |operation: &str| order.iter().position(|done| done == operation);
    assert!(at("DeleteRolePolicy").is_some() && at("DeleteRolePolicy") < at("TagRole"), "{order:?}");
}
