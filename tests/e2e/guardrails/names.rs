//! Roles whose names bindings choose, where their class allows it.

use crate::harness::allow::everything;
use crate::harness::{Space, is, message, paths, reason};
use serde_json::{Value, json};

#[tokio::test]
async fn a_role_of_a_chosen_name_is_made_kept_and_deleted() {
    let space = Space::new("allow-name").await;
    let mut allow = everything();
    allow["roleName"] = json!("$(namespace)_*");
    space.make_class("allow-name", json!({"allow": allow})).await;
    space.make_account("app").await;
    let (name, iam) = ("allow-name_chosen", &space.aws.iam);
    let spec = |name: &str| json!({"className": "allow-name", "serviceAccount": {"name": "app"}, "role": {"name": name}, "policies": {"managed": ["aws:ReadOnlyAccess"]}});
    space.make_binding("app", spec("team-b_chosen")).await;
    let binding = space.not_ready("app", "Forbidden").await;
    assert!(message(&binding, "Stalled").contains("it allows allow-name_*, without ="), "{binding}");
    space.patch_binding("app", json!({"spec": spec(name)})).await;
    let binding = space.ready("app").await;
    let arn = format!("arn:aws:iam::{}:role/irsa/{name}", space.env.variable("IRSA_AWS_ACCOUNT"));
    assert_eq!(binding["status"]["roleArn"], json!(arn));
    space.annotated("app", Some(&arn)).await;

    let other = json!({"className": "allow-name", "serviceAccount": {"name": "other"}, "role": {"name": name}});
    space.make_account("other").await;
    space.make_binding("other", other).await;
    let told = space.not_ready("other", "Conflict").await;
    assert!(message(&told, "Ready").contains("belongs to the binding e2e/allow-name/app"), "{told}");
    space.delete("other").await;
    space.gone("other").await;

    // Somebody deletes it by hand: the operator's policy makes that look like a refusal, and it is made again.
    space.emulator.delete_role(name).await;
    let there = async || iam.get_role().role_name(name).send().await.is_ok();
    crate::harness::eventually(
        "it is made again",
        async || if there().await { Ok(()) } else { Err("gone".to_owned()) },
    )
    .await;

    // A class that allows other names takes nothing away and makes no such role again.
    let path = format!("{}/allow-name", paths::CLASSES);
    space.kube.patch(&path, &json!({"spec": {"allow": {"roleName": "other-*"}}})).await;
    let binding = space.until("app", "is told", |b: &Value| reason(b, "Ready") == "Forbidden").await;
    assert!(is(&binding, "RoleReady", "True") && binding["status"]["roleArn"] == json!(arn), "{binding}");
    space.kube.patch(&path, &json!({"spec": {"allow": {"roleName": "$(namespace)_*"}}})).await;
    space.ready("app").await;
    space.patch_binding("app", json!({"spec": {"role": {"name": "allow-name_second"}}})).await;
    space.not_ready("app", "IdentityChanged").await;
    space.patch_binding("app", json!({"spec": {"role": {"name": name}}})).await;
    space.ready("app").await;
    space.emulator.delete_role(name).await;
    space.delete("app").await;
    space.gone("app").await;
    assert!(!there().await);
}
