//! What others change is put right at the next look, and said.

use crate::harness::documents::{allow, aws, deny, inline};
use crate::harness::{Space, eventually, is, message, reason};
use serde_json::{Value, json};

async fn ready(name: &str) -> Space {
    let space = Space::new(name).await;
    let policies = json!({"managed": ["aws:ReadOnlyAccess"], "inline": [inline("bucket", allow("s3:GetObject"))]});
    space.make_ready("app", policies).await;
    space
}

async fn put_right(space: &Space, what: &str) {
    space.event("app", "DriftCorrected", what).await;
    let binding = space.binding("app").await;
    assert!(is(&binding, "Ready", "True"), "{binding}");
}

#[tokio::test]
async fn a_detached_policy_comes_back_and_a_stray_one_goes() {
    let space = ready("drift-attached").await;
    let role = space.role_name("app");
    let stray = space.aws.policy("drift-stray", &allow("sqs:*").to_string()).await;
    let detach = space.aws.iam.detach_role_policy().role_name(&role).policy_arn(aws("ReadOnlyAccess"));
    detach.send().await.expect("detached");
    space.aws.iam.attach_role_policy().role_name(&role).policy_arn(stray).send().await.expect("attached");
    let right = json!([aws("ReadOnlyAccess")]);
    space.role_until("app", "has the listed policies", |role| role["attached"] == right).await;
    put_right(&space, "ReadOnlyAccess").await;
}

#[tokio::test]
async fn a_changed_inline_policy_comes_back_and_a_stray_one_goes() {
    let space = ready("drift-inline").await;
    let put = |name: &str, document: Value| {
        let call = space.aws.iam.put_role_policy().role_name(space.role_name("app")).policy_name(name);
        call.policy_document(document.to_string()).send()
    };
    put("bucket", allow("s3:*")).await.expect("put");
    put("stray", allow("sqs:*")).await.expect("put");
    space
        .role_until("app", "has the listed policy", |role| {
            let inline = role["inline"].as_object().unwrap();
            inline.len() == 1 && inline["bucket"].to_string().contains("s3:GetObject")
        })
        .await;
    put_right(&space, "stray").await;
}

#[tokio::test]
async fn an_edited_trust_policy_is_put_right() {
    let space = ready("drift-trust").await;
    let open = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    let update = space.aws.iam.update_assume_role_policy().role_name(space.role_name("app")).policy_document(open);
    update.send().await.expect("updated");
    let subject = "system:serviceaccount:drift-trust:app";
    space.role_until("app", "trusts the ServiceAccount", |role| role["trust"].to_string().contains(subject)).await;
    put_right(&space, "trust policy").await;
}

#[tokio::test]
async fn description_session_and_boundary_are_put_right() {
    let space = Space::new("drift-role").await;
    let boundary = space.aws.policy("drift-boundary", &allow("s3:*").to_string()).await;
    space.make_class("drift-role", json!({"role": {"permissionsBoundaryArn": boundary, "tags": {"team": "a"}}})).await;
    space.make_account("app").await;
    space
        .make_binding(
            "app",
            json!({"className": "drift-role", "serviceAccount": {"name": "app"}, "role": {"description": "ours"}}),
        )
        .await;
    space.ready("app").await;
    let (iam, name) = (&space.aws.iam, space.role_name("app"));
    iam.update_role().role_name(&name).description("theirs").max_session_duration(43200).send().await.expect("updated");
    iam.delete_role_permissions_boundary().role_name(&name).send().await.expect("deleted");
    iam.untag_role()
        .role_name(&name)
        .tag_keys("team")
        .tag_keys("irsa-operator.io/class")
        .send()
        .await
        .expect("untagged");
    space
        .role_until("app", "is as declared", |role| {
            role["description"] == "ours"
                && role["maxSessionDuration"] == 3600
                && role["boundary"] == boundary
                && role["tags"]["team"] == "a"
                && role["tags"]["irsa-operator.io/class"] == "drift-role"
        })
        .await;
    put_right(&space, "description").await;
}

/// Whose a role is stands in its tags: without them it is nobody's, and nothing of it is written.
#[tokio::test]
async fn a_role_that_lost_its_owner_is_left_alone() {
    let space = ready("drift-owner").await;
    let name = space.role_name("app");
    space.aws.iam.untag_role().role_name(&name).tag_keys("irsa-operator.io/binding").send().await.expect("untagged");
    let binding = space.not_ready("app", "Conflict").await;
    assert!(message(&binding, "Stalled").contains(&space.role_arn("app")), "{binding}");
    let since = space.mark().await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.changes("app", since).await, [""; 0]);
    assert_eq!(space.role("app").await["arn"], space.role_arn("app"));
}

/// The annotation comes back at once, without a look at AWS.
#[tokio::test]
async fn a_removed_annotation_comes_back() {
    let space = Space::quiet("drift-annotation").await;
    space.make_ready("app", json!({})).await;
    let since = space.mark().await;
    let path = space.account_path("app");
    space.kube.patch(&path, &json!({"metadata": {"annotations": null}})).await;
    space.annotated("app", Some(&space.role_arn("app"))).await;
    space.event("app", "DriftCorrected", "annotate").await;
    assert_eq!(space.operations("app", since).await, [""; 0]);
}

/// Other accounts' policies name a role by its id, so that a new one is not the same: it is said.
#[tokio::test]
async fn a_deleted_role_is_made_again_and_that_is_said() {
    let space = ready("drift-deleted").await;
    let before = space.binding("app").await["status"]["roleId"].clone();
    space.emulator.delete_role(&space.role_name("app")).await;
    let binding = space.until("app", "says it", |b| reason(b, "RoleReady") == "RoleRecreated").await;
    assert!(is(&binding, "RoleReady", "True") && is(&binding, "Ready", "True"));
    assert_ne!(binding["status"]["roleId"], before);
    assert!(message(&binding, "RoleReady").contains(before.as_str().unwrap()), "it names the id that was");
    space.event("app", "RoleRecreated", before.as_str().unwrap()).await;
    let role = space.role("app").await;
    assert_eq!(role["id"], binding["status"]["roleId"]);
    assert_eq!(json!([role["attached"], role["inline"]["bucket"].is_null()]), json!([[aws("ReadOnlyAccess")], false]));
    space.sweeps(2).await;
    assert_eq!(
        reason(&space.binding("app").await, "RoleReady"),
        "RoleRecreated",
        "it stays until somebody has been here"
    );
}

/// What somebody put there in an emergency stays, and is said.
#[tokio::test]
async fn policies_that_only_deny_stay() {
    let space = ready("denials").await;
    let (iam, role) = (&space.aws.iam, space.role_name("app"));
    let stray = space.aws.policy("denials-stray", &deny("*").to_string()).await;
    iam.attach_role_policy().role_name(&role).policy_arn(&stray).send().await.expect("attached");
    let put = iam.put_role_policy().role_name(&role).policy_name("AWSRevokeOlderSessions");
    put.policy_document(deny("*").to_string()).send().await.expect("put");
    let said =
        |b: &Value| message(b, "PoliciesReady").contains(&stray) && message(b, "PoliciesReady").contains("AWSRevoke");
    let binding = space.until("app", "names both", said).await;
    assert_eq!(reason(&binding, "PoliciesReady"), "Restricted");
    assert!(is(&binding, "Ready", "True"));
    space.event("app", "Restricted", "AWSRevokeOlderSessions").await;
    let since = space.mark().await;
    space.sweeps(2).await;
    assert_eq!(space.changes("app", since).await, [""; 0]);
    iam.delete_role_policy().role_name(&role).policy_name("AWSRevokeOlderSessions").send().await.expect("deleted");
    iam.detach_role_policy().role_name(&role).policy_arn(&stray).send().await.expect("detached");
    space.until("app", "is no longer restricted", |b| reason(b, "PoliciesReady") == "Ready").await;
}

/// The hold tag: nothing at all is written, and it is said what waits.
#[tokio::test]
async fn a_held_role_is_not_written() {
    let space = ready("held").await;
    let (iam, role) = (&space.aws.iam, space.role_name("app"));
    let tag = aws_sdk_iam::types::Tag::builder().key("irsa-operator.io/hold").value("incident 7").build().unwrap();
    iam.tag_role().role_name(&role).tags(tag).send().await.expect("tagged");
    iam.detach_role_policy().role_name(&role).policy_arn(aws("ReadOnlyAccess")).send().await.expect("detached");
    let binding = space.until("app", "is held", |b| reason(b, "PoliciesReady") == "Held").await;
    assert!(is(&binding, "Ready", "True"), "what was true stays so: {binding}");
    assert_eq!(reason(&binding, "RoleReady"), "Held");
    assert!(message(&binding, "RoleReady").contains("attach arn:aws:iam::aws:policy/ReadOnlyAccess"), "{binding}");
    let since = space.mark().await;

    space.patch_binding("app", json!({"spec": {"role": {"description": "new"}}})).await;
    let binding = space.not_ready("app", "Held").await;
    assert_eq!(reason(&binding, "Stalled"), "Held");
    space.delete("app").await;
    let so = |b: &Value| message(b, "Stalled").contains("can't be deleted yet") && reason(b, "Stalled") == "Held";
    space.until("app", "says why it stays", so).await;
    assert_eq!(space.changes("app", since).await, [""; 0]);
    space.annotated("app", Some(&space.role_arn("app"))).await;

    iam.untag_role().role_name(&role).tag_keys("irsa-operator.io/hold").send().await.expect("untagged");
    // A read may still show the tag that was there a moment ago.
    eventually("it goes", async || {
        if space.binding("app").await.is_null() {
            return Ok(());
        }
        space.nudge("app").await;
        Err("it is there".to_owned())
    })
    .await;
    assert!(space.role("app").await.is_null());
}

#[tokio::test]
async fn a_role_that_is_no_longer_held_is_put_right() {
    let space = ready("unheld").await;
    let (iam, role) = (&space.aws.iam, space.role_name("app"));
    let tag = aws_sdk_iam::types::Tag::builder().key("irsa-operator.io/hold").value("").build().unwrap();
    iam.tag_role().role_name(&role).tags(tag).send().await.expect("tagged");
    space.patch_binding("app", json!({"spec": {"policies": {"managed": []}}})).await;
    space.not_ready("app", "Held").await;
    space.event("app", "Held", "detach").await;
    iam.untag_role().role_name(&role).tag_keys("irsa-operator.io/hold").send().await.expect("untagged");
    space.ready("app").await;
    assert_eq!(space.role("app").await["attached"], json!([]));
}
