//! A change of the spec is that change in AWS, and no other.

use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Space, is, message, reason};
use serde_json::{Value, json};

#[tokio::test]
async fn managed_policies_come_and_go() {
    let space = Space::quiet("managed").await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess", "aws:AmazonSQSReadOnlyAccess"]})).await;
    let since = space.mark().await;
    let managed = json!(["aws:AmazonSQSReadOnlyAccess", "aws:AmazonS3ReadOnlyAccess"]);
    space.patch_binding("app", json!({"spec": {"policies": {"managed": managed}}})).await;
    space.ready("app").await;
    assert_eq!(space.changes("app", since).await, ["AttachRolePolicy", "DetachRolePolicy"], "no moment with less");
    let attached = space.role("app").await["attached"].clone();
    let mut attached: Vec<&str> = attached.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    attached.sort_unstable();
    assert_eq!(attached, [aws("AmazonS3ReadOnlyAccess"), aws("AmazonSQSReadOnlyAccess")]);
    space.event("app", "Updated", "AmazonS3ReadOnlyAccess").await;
    let since = space.mark().await;
    space.patch_binding("app", json!({"spec": {"policies": {"managed": []}}})).await;
    space.ready("app").await;
    assert_eq!(space.changes("app", since).await, ["DetachRolePolicy", "DetachRolePolicy"]);
}

#[tokio::test]
async fn inline_policies_come_change_and_go() {
    let space = Space::quiet("inline").await;
    let three = json!([
        inline("a", allow("s3:GetObject")),
        inline("b", allow("sqs:SendMessage")),
        inline("c", allow("sns:Publish"))
    ]);
    space.make_ready("app", json!({"inline": three})).await;
    let since = space.mark().await;
    let next = json!([
        inline("a", allow("s3:GetObject")),
        inline("b", allow("sqs:Get*")),
        inline("d", allow("ses:SendEmail"))
    ]);
    space.patch_binding("app", json!({"spec": {"policies": {"inline": next}}})).await;
    space.ready("app").await;
    assert_eq!(space.changes("app", since).await, ["PutRolePolicy", "PutRolePolicy", "DeleteRolePolicy"]);
    let inline = space.role("app").await["inline"].clone();
    assert_eq!(inline.as_object().unwrap().keys().collect::<Vec<_>>(), ["a", "b", "d"]);
    assert!(inline["b"].to_string().contains("sqs:Get*"), "{inline}");
}

#[tokio::test]
async fn description_and_session_change_in_place() {
    let space = Space::quiet("session").await;
    let made = space.make_ready("app", json!({})).await;
    for (role, description, session) in [
        (json!({"description": "first", "maxSessionDurationSeconds": 7200}), json!("first"), 7200),
        (json!({"description": "second", "maxSessionDurationSeconds": 7200}), json!("second"), 7200),
        (json!({"description": null, "maxSessionDurationSeconds": null}), json!(""), 3600),
    ] {
        let since = space.mark().await;
        space.patch_binding("app", json!({"spec": {"role": role}})).await;
        let binding = space.ready("app").await;
        assert_eq!(space.changes("app", since).await, ["UpdateRole"]);
        let role = space.role("app").await;
        assert_eq!(role["description"].as_str().unwrap_or_default(), description);
        assert_eq!(role["maxSessionDuration"], session);
        assert_eq!(binding["status"]["roleId"], made["status"]["roleId"]);
    }
}

/// A tag that leaves the spec leaves the role; one that somebody else put there stays.
#[tokio::test]
async fn tags_come_change_and_go_and_those_of_others_stay() {
    let space = Space::quiet("tags").await;
    space.make_account("app").await;
    let tags = json!({"one": "1", "two": "2"});
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}, "role": {"tags": tags}})).await;
    space.ready("app").await;
    let foreign = aws_sdk_iam::types::Tag::builder().key("theirs").value("x").build().unwrap();
    space.aws.iam.tag_role().role_name(space.role_name("app")).tags(foreign).send().await.expect("tagged");
    let tags = json!({"one": null, "two": "II", "three": "3"});
    space.patch_binding("app", json!({"spec": {"role": {"tags": tags}}})).await;
    space.ready("app").await;
    let tags = space.role("app").await["tags"].clone();
    assert_eq!(json!([tags["one"], tags["two"], tags["three"], tags["theirs"]]), json!([null, "II", "3", "x"]));
    let since = space.mark().await;
    space.patch_binding("app", json!({"spec": {"role": null}})).await;
    space.ready("app").await;
    assert_eq!(space.changes("app", since).await, ["UntagRole"]);
    let tags = space.role("app").await["tags"].clone();
    assert_eq!(json!([tags["two"], tags["three"], tags["theirs"]]), json!([null, null, "x"]));
    assert_eq!(tags["irsa-operator.io/binding"], "app");
}

/// A class's boundary reaches the roles that are there already.
#[tokio::test]
async fn the_classes_boundary_is_set_and_changed() {
    let space = Space::quiet("boundary").await;
    let first = space.aws.policy("boundary-1", &allow("s3:*").to_string()).await;
    let second = space.aws.policy("boundary-2", &allow("sqs:*").to_string()).await;
    space.make_class("boundary", json!({})).await;
    space.make_account("app").await;
    space.make_binding("app", json!({"className": "boundary", "serviceAccount": {"name": "app"}})).await;
    space.ready("app").await;
    assert_eq!(space.role("app").await["boundary"], Value::Null);
    for boundary in [first, second] {
        let since = space.mark().await;
        let patch = json!({"spec": {"role": {"permissionsBoundaryArn": boundary}}});
        space.kube.patch("/apis/irsa-operator.io/v1alpha1/irsaclasses/boundary", &patch).await;
        space.role_until("app", "has the boundary", |role| role["boundary"] == boundary).await;
        assert_eq!(space.changes("app", since).await, ["PutRolePermissionsBoundary"]);
    }
}

/// The role trusts another ServiceAccount, and the annotation moves with it.
#[tokio::test]
async fn another_service_account_gets_the_role() {
    let space = Space::quiet("moves").await;
    space.make_account("next").await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    let since = space.mark().await;
    space.patch_binding("app", json!({"spec": {"serviceAccount": {"name": "next"}}})).await;
    space.ready("app").await;
    assert_eq!(space.changes("app", since).await, ["UpdateAssumeRolePolicy"]);
    space.annotated("next", Some(&space.role_arn("app"))).await;
    space.annotated("app", None).await;
    let role = space.role_arn("app");
    space.aws.credentials(&role, &space.token("next").await).await;
    let refused = space.aws.web_identity(&role, &space.token("app").await).await;
    assert_eq!(refused.unwrap_err(), "AccessDenied");
}

#[tokio::test]
async fn another_audience_is_trusted_and_annotated() {
    let space = Space::quiet("audience").await;
    space.make_class("audience", json!({"oidcProvider": {"audiences": ["sts.amazonaws.com", "vault"]}})).await;
    space.make_account("app").await;
    space.make_binding("app", json!({"className": "audience", "serviceAccount": {"name": "app"}})).await;
    space.ready("app").await;
    let since = space.mark().await;
    space.patch_binding("app", json!({"spec": {"trust": {"audience": "vault"}}})).await;
    space.ready("app").await;
    assert_eq!(space.changes("app", since).await, ["UpdateAssumeRolePolicy"]);
    assert_eq!(space.annotations("app").await["eks.amazonaws.com/audience"], "vault");
    let role = space.role_arn("app");
    let token = space.kube.token("audience", "app", Some("vault")).await;
    space.aws.credentials(&role, &token).await;
    let other = space.aws.web_identity(&role, &space.token("app").await).await;
    assert_eq!(other.unwrap_err(), "AccessDenied");

    space.patch_binding("app", json!({"spec": {"trust": {"audience": "unheard-of"}}})).await;
    let binding = space.not_ready("app", "Invalid").await;
    assert!(message(&binding, "Stalled").starts_with("spec.trust.audience: unheard-of"), "{binding}");
    space.patch_binding("app", json!({"spec": {"trust": null}})).await;
    space.ready("app").await;
    assert_eq!(space.annotations("app").await["eks.amazonaws.com/audience"], Value::Null);
}

/// What only the ServiceAccount shows costs no call of AWS.
#[tokio::test]
async fn annotations_follow_the_spec() {
    let space = Space::quiet("annotations").await;
    space.make_ready("app", json!({})).await;
    let since = space.mark().await;
    for (expiration, regional) in [(json!(1200), json!(false)), (json!(4000), Value::Null), (Value::Null, json!(true))]
    {
        let account = json!({"tokenExpirationSeconds": expiration, "stsRegionalEndpoints": regional});
        space.patch_binding("app", json!({"spec": {"serviceAccount": account}})).await;
        space.ready("app").await;
        let annotations = space.annotations("app").await;
        let text = |value: &Value| if value.is_null() { Value::Null } else { json!(value.to_string()) };
        assert_eq!(annotations["eks.amazonaws.com/token-expiration"], text(&expiration));
        assert_eq!(annotations["eks.amazonaws.com/sts-regional-endpoints"], text(&regional));
        assert_eq!(annotations["eks.amazonaws.com/role-arn"], space.role_arn("app"));
    }
    assert_eq!(space.operations("app", since).await, [""; 0]);
}

/// A spec and class that ask for another role: refused, because nothing that exists is given a new name.
#[tokio::test]
async fn a_role_keeps_its_name() {
    let space = Space::new("renamed").await; // where AWS may deny for a moment that there is a role
    space.make_class("renamed", json!({"role": {"nameTemplate": "other_$(namespace)_$(name)"}})).await;
    space.make_ready("app", json!({})).await;
    let since = space.mark().await;
    space.patch_binding("app", json!({"spec": {"className": "renamed"}})).await;
    let binding = space.not_ready("app", "IdentityChanged").await;
    assert!(is(&binding, "Stalled", "True") && reason(&binding, "Stalled") == "IdentityChanged");
    assert!(message(&binding, "Stalled").contains("other_renamed_app"), "{binding}");
    assert_eq!(space.changes("app", since).await, [""; 0]);
    space.patch_binding("app", json!({"spec": {"className": "default"}})).await;
    space.ready("app").await;
    assert_eq!(space.changes("app", since).await, [""; 0]);
}
