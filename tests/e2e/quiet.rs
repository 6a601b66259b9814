//! Where nothing changes, nothing is read and nothing written.

use crate::harness::{Space, documents::aws};
use serde_json::json;

#[tokio::test]
async fn a_kubernetes_event_that_changes_nothing_costs_nothing() {
    let space = Space::quiet("touched").await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    space.event("app", "RoleCreated", "").await;
    let (since, writes) = (space.mark().await, space.writes());
    for text in ["one", "two"] {
        for path in [space.binding_path("app"), space.account_path("app")] {
            space.kube.patch(&path, &json!({"metadata": {"labels": {"touched": text}}})).await;
            space.kube.patch(&path, &json!({"metadata": {"annotations": {"touched": text}}})).await;
        }
    }
    // Watches tell in order: who has seen the newer objects has seen those changes.
    space.make_ready("newer", json!({})).await;
    space.annotated("newer", Some(&space.role_arn("newer"))).await;
    assert_eq!(space.operations("app", since).await, [""; 0]);
    let mut now = space.writes();
    now.retain(|write| !write.contains(" newer "));
    assert_eq!(now, writes);
}

/// A spec that is written another way and means the same.
#[tokio::test]
async fn another_spelling_is_no_change() {
    let space = Space::quiet("spelling").await;
    let document = |statement| json!([{"name": "p", "document": {"Version": "2012-10-17", "Statement": statement}}]);
    let first = json!([{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}]);
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"], "inline": document(first)})).await;
    let since = space.mark().await;
    let second = json!({"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": ["*"]});
    let policies = json!({"managed": [aws("ReadOnlyAccess")], "inline": document(second)});
    space.patch_binding("app", json!({"spec": {"policies": policies}})).await;
    space.ready("app").await;
    assert_eq!(space.changes("app", since).await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_written_however_often_it_is_looked_at() {
    let space = Space::new("beats").await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    space.event("app", "RoleCreated", "").await;
    let (since, writes) = (space.mark().await, space.writes());
    space.sweeps(4).await;
    assert_eq!(space.changes("app", since).await, [""; 0]);
    assert_eq!(space.writes(), writes);
    assert_eq!(space.events("app", "DriftCorrected").await.len(), 0);
}
