//! Roles that are there already: ours are taken, all others are left as they are.

use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Emulator, Space, is, message, paths, reason};
use aws_sdk_iam::types::Tag;
use serde_json::{Value, json};

/// A role of the name that the binding's will have, with these tags.
async fn role_before(space: &Space, binding: &str, path: &str, tags: &[(&str, &str)]) -> Value {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let name = space.role_name(binding);
    let mut create = space.aws.iam.create_role().role_name(&name).path(path).assume_role_policy_document(trust);
    for (key, value) in tags {
        create = create.tags(Tag::builder().key(*key).value(*value).build().unwrap());
    }
    create.send().await.expect("a role");
    let put = space.aws.iam.put_role_policy().role_name(&name).policy_name("theirs");
    put.policy_document(allow("ec2:*").to_string()).send().await.expect("a policy");
    space.role(binding).await
}

fn owner<'a>(space: &'a Space, issuer: &'a str) -> [(&'static str, &'a str); 6] {
    [
        ("irsa-operator.io/cluster", "e2e"),
        ("irsa-operator.io/namespace", &space.namespace),
        ("irsa-operator.io/binding", "app"),
        ("irsa-operator.io/issuer", issuer),
        ("irsa-operator.io/class", "default"),
        ("irsa-operator.io/schema", "1"),
    ]
}

/// The binding waits, the role stays exactly as it is, also when the binding goes.
async fn left_alone(space: &Space, before: &Value, why: &str, said: &str) {
    space.make_account("app").await;
    let since = space.mark().await;
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}})).await;
    let binding = space.not_ready("app", why).await;
    assert!(is(&binding, "Stalled", "True") && reason(&binding, "Stalled") == why, "{binding}");
    assert!(message(&binding, "Stalled").contains(said), "{said} in {binding}");
    assert_eq!(binding["status"]["roleArn"], Value::Null, "people copy it");
    space.event("app", why, said).await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(&space.role("app").await, before);
    assert_eq!(space.annotated_role("app").await, Value::Null);
    let changes = space.changes("app", since).await;
    assert!(changes.iter().all(|operation| operation == "CreateRole"), "{changes:?}");
}

#[tokio::test]
async fn a_foreign_role_of_the_same_name_is_left_alone() {
    let space = Space::quiet("foreign").await;
    let before = role_before(&space, "app", "/irsa/", &[("owner", "somebody")]).await;
    left_alone(&space, &before, "Conflict", "not made by irsa-operator").await;
}

/// Names of roles are unique in the account, whatever their path.
#[tokio::test]
async fn a_foreign_role_on_another_path_is_left_alone() {
    let space = Space::quiet("foreign-path").await;
    let before = role_before(&space, "app", "/elsewhere/", &[]).await;
    left_alone(&space, &before, "Conflict", "").await;
}

#[tokio::test]
async fn a_role_of_another_binding_is_left_alone() {
    let space = Space::quiet("foreign-own").await;
    let issuer = space.env.issuer.trim_start_matches("https://").to_owned();
    let mut tags = owner(&space, &issuer);
    tags[1].1 = "billing";
    let before = role_before(&space, "app", "/irsa/", &tags).await;
    left_alone(&space, &before, "Conflict", "e2e/billing/app").await;
}

/// The same cluster id under another issuer, in an account that shows no tags: what one binding finds holds for all.
#[tokio::test]
async fn a_role_of_another_issuer_freezes_its_account() {
    let space = Space::quiet("foreign-iss").await;
    let number = "666677778888";
    let assume = crate::elsewhere::account(&space, number).await;
    let there = Emulator { account: number.to_owned(), ..space.emulator.clone() };
    let refused = json!({"action": "fail", "status": 403, "code": "AccessDenied", "message": "no",
        "match": {"operation": "GetAccountAuthorizationDetails"}});
    let _refused = there.rule(refused).await;
    let former = "oidc.eks.us-east-1.amazonaws.com/id/BEFORE";
    let put = async |issuer: &str| {
        let tags: serde_json::Map<String, Value> =
            owner(&space, issuer).into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
        let trust = json!({"Version": "2012-10-17", "Statement": []});
        let role = json!({"name": space.role_name("app"), "path": "/irsa/", "tags": tags, "trust": trust});
        space
            .emulator
            .ask("POST", "/_admin/state/roles".into(), Some(json!({"account": number, "roles": [role]})))
            .await;
    };
    put(former).await;
    let before = there.role(&space.role_name("app")).await;
    space.make_class("foreign-iss", json!({"account": {"assumeRoleArn": assume}})).await;
    let spec = |name: &str| json!({"className": "foreign-iss", "serviceAccount": {"name": name}});
    for name in ["app", "other", "gone"] {
        space.make_account(name).await;
    }
    space.make_binding("gone", spec("gone")).await;
    space.ready("gone").await;
    space.make_binding("app", spec("app")).await;
    let binding = space.not_ready("app", "ClusterIdentityConflict").await;
    assert!(is(&binding, "Stalled", "True") && message(&binding, "Stalled").contains(former), "{binding}");
    assert_eq!(binding["status"]["roleArn"], Value::Null, "people copy it");
    space.event("app", "ClusterIdentityConflict", former).await;
    let conflict = |c: &Value| reason(c, "Ready") == "ClusterIdentityConflict" && message(c, "Ready").contains(former);
    space.class_until("foreign-iss", "is in conflict", conflict).await;

    let since = there.journal("").await.last().expect("calls").seq;
    space.make_binding("other", spec("other")).await;
    space.not_ready("other", "ClusterIdentityConflict").await;
    space.delete("gone").await;
    space.gone("gone").await;
    let calls = there.journal(&format!("since={since}")).await;
    assert!(calls.iter().all(|call| call.operation.starts_with("Get")), "{calls:?}");
    assert_eq!(there.role(&space.role_name("app")).await, before);
    assert!(!there.role(&space.role_name("gone")).await.is_null());
    assert_eq!(space.annotated_role("app").await, Value::Null);
    assert!(space.annotated_role("gone").await.is_string(), "it works on with its role");

    // Somebody has looked, and says on the role whose it is. The class looks again, and all go on.
    put(space.env.issuer.trim_start_matches("https://")).await;
    let looks = json!({"spec": {"role": {"tags": {"looked": "again"}}}});
    space.kube.patch(&format!("{}/foreign-iss", paths::CLASSES), &looks).await;
    for name in ["app", "other"] {
        space.ready(name).await;
    }
    assert_eq!(space.binding("app").await["status"]["roleId"], before["id"]);
}

#[tokio::test]
async fn a_role_of_a_newer_operator_is_left_alone() {
    let space = Space::quiet("foreign-new").await;
    let issuer = space.env.issuer.trim_start_matches("https://").to_owned();
    let mut tags = owner(&space, &issuer);
    tags[5].1 = "2";
    let before = role_before(&space, "app", "/irsa/", &tags).await;
    space.make_account("app").await;
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}})).await;
    let binding = space.not_ready("app", "NewerSchema").await;
    assert!(message(&binding, "Stalled").contains("upgrade"), "{binding}");
    assert_eq!(space.role("app").await, before);
}

/// A cluster that was rebuilt from Git under the same issuer, or an answer of CreateRole that was lost.
#[tokio::test]
async fn a_role_of_ours_is_taken_and_put_right() {
    let space = Space::quiet("ours").await;
    let issuer = space.env.issuer.trim_start_matches("https://").to_owned();
    let before = role_before(&space, "app", "/irsa/", &owner(&space, &issuer)).await;
    let binding = space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    assert_eq!(binding["status"]["roleId"], before["id"]);
    let role = space.role("app").await;
    assert_eq!(json!([role["attached"], role["inline"]]), json!([[aws("ReadOnlyAccess")], {}]));
    assert!(role["trust"].to_string().contains("system:serviceaccount:ours:app"), "{role}");
}

/// Somebody gave another cluster the role of a binding that still manages it. The binding may go, and the role stays.
#[tokio::test]
async fn a_role_that_another_cluster_has_taken_is_left_to_it() {
    let space = Space::new("taken-away").await;
    space.make_ready("app", json!({"inline": [inline("bucket", allow("s3:GetObject"))]})).await;
    let tag = Tag::builder().key("irsa-operator.io/cluster").value("green").build().unwrap();
    space.aws.iam.tag_role().role_name(space.role_name("app")).tags(tag).send().await.expect("tagged");
    let binding = space.not_ready("app", "Conflict").await;
    let said = "do not say any more that it is this cluster's";
    assert!(is(&binding, "Stalled", "True") && message(&binding, "Stalled").contains(said), "{binding}");
    let (before, since) = (space.role("app").await, space.mark().await);
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.role("app").await, before);
    assert_eq!(space.changes("app", since).await, [""; 0]);
    assert_eq!(space.annotated_role("app").await, Value::Null);
}

/// Who applies `annotations: {}` by server-side apply, as charts render it, holds the map and nothing in it.
#[tokio::test]
async fn an_empty_map_of_annotations_is_in_nobodys_way() {
    let space = Space::quiet("empty-map").await;
    let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "annotations": {}}});
    let path = space.account_path("app");
    space.kube.apply(&path, "argocd-controller", &object).await;
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}})).await;
    space.ready("app").await;
    assert_eq!(space.annotated_role("app").await, space.role_arn("app"));
    let first = space.kube.apply(&path, "argocd-controller", &object).await;
    assert_eq!(first["metadata"]["annotations"]["eks.amazonaws.com/role-arn"], space.role_arn("app"));
    assert_eq!(space.kube.apply(&path, "argocd-controller", &object).await, first, "nothing is written again");
}

/// As after a rollback: the tags may mean something else by now. Not even the deletion is begun.
#[tokio::test]
async fn what_a_newer_version_wrote_is_left_alone() {
    let space = Space::new("newer").await;
    space.make_ready("app", json!({"managed": [aws("ReadOnlyAccess")]})).await;
    let role = space.role_name("app");
    let schema = async |version: &str| {
        let tag = Tag::builder().key("irsa-operator.io/schema").value(version).build().unwrap();
        space.aws.iam.tag_role().role_name(&role).tags(tag).send().await.expect("tagged");
    };
    schema("2").await;
    let binding = space.not_ready("app", "NewerSchema").await;
    assert!(is(&binding, "Stalled", "True") && reason(&binding, "Stalled") == "NewerSchema", "{binding}");
    assert!(message(&binding, "Stalled").contains("is 2, and this one writes 1"), "{binding}");
    let since = space.mark().await;
    let (before, annotated) = (space.role("app").await, space.annotated_role("app").await);
    let spec = json!({"spec": {"policies": {"managed": [aws("AmazonSQSReadOnlyAccess")]}}});
    space.patch_binding("app", spec).await;
    let seen = |b: &Value| b["status"]["observedGeneration"] == b["metadata"]["generation"];
    space.until("app", "the edit is seen", seen).await;
    space.delete("app").await;
    let waits = |b: &Value| {
        !b["metadata"]["deletionTimestamp"].is_null()
            && reason(b, "Stalled") == "NewerSchema"
            && message(b, "Stalled").contains("deleted")
    };
    space.until("app", "its deletion waits", waits).await;
    space.sweeps(2).await;
    assert_eq!((space.role("app").await, space.annotated_role("app").await), (before, annotated));
    assert_eq!(space.changes("app", since).await, [""; 0], "nothing is written");
    schema("1").await;
    space.nudge("app").await;
    space.gone("app").await;
    assert_eq!(space.role("app").await, Value::Null);
}
