//! What a refusal costs, and what it never does.

use crate::harness::allow::everything;
use crate::harness::documents::aws;
use crate::harness::{Space, is, message, reason};
use serde_json::{Value, json};

/// A tenant can't spend the account's requests on what the class does not allow.
#[tokio::test]
async fn a_new_binding_that_is_refused_costs_no_call() {
    let space = Space::quiet("allow-cost").await;
    space.make_class("allow-cost", json!({"allow": {"managedPolicies": ["aws:ReadOnly*"]}})).await;
    space.class_until("allow-cost", "is Ready", |class| is(class, "Ready", "True")).await;
    for mode in ["Manage", "Observe", "Annotate"] {
        let name = mode.to_lowercase();
        let policies = json!({"managed": ["aws:IAMFullAccess"]});
        let mut spec =
            json!({"className": "allow-cost", "mode": mode, "serviceAccount": {"name": name}, "policies": policies});
        if mode == "Annotate" {
            spec["role"] = json!({"name": "allow-cost-annotate"});
        }
        space.make_binding(&name, spec).await;
        space.not_ready(&name, "Forbidden").await;
        for policy in ["aws:PowerUserAccess", "aws:AdministratorAccess"] {
            space.patch_binding(&name, json!({"spec": {"policies": {"managed": [policy]}}})).await;
            let told = |b: &Value| message(b, "Stalled").contains(&aws(policy.trim_start_matches("aws:")));
            let binding = space.until(&name, "is told of the next one", told).await;
            assert!(binding["metadata"]["finalizers"].is_null(), "{binding}");
        }
        assert_eq!(space.operations(&name, 0).await, [""; 0], "{mode}");
        let named = "principal=*assumed-role/irsa-operator/*&param.RoleName=allow-cost-annotate";
        assert_eq!(space.emulator.journal(named).await.len(), 0, "{mode}");
    }
}

/// After a rebuild from Git a role is there whose binding is new to everybody: that it does not fit takes nothing from it.
#[tokio::test]
async fn a_role_that_is_there_is_found_all_the_same() {
    let space = Space::new("allow-found").await;
    space.make_class("allow-found", json!({"allow": everything()})).await;
    space.make_account("app").await;
    let spec = json!({"className": "allow-found", "serviceAccount": {"name": "app"}, "policies": {"managed": ["aws:AmazonSQSFullAccess"]}});
    space.make_binding("app", spec.clone()).await;
    space.ready("app").await;
    let path = format!("{}/allow-found", crate::harness::paths::CLASSES);
    space.kube.patch(&path, &json!({"spec": {"allow": {"managedPolicies": ["aws:ReadOnly*"]}}})).await;
    space.not_ready("app", "Forbidden").await;
    space.patch_binding("app", json!({"metadata": {"finalizers": null}})).await;
    space.delete("app").await;
    space.gone("app").await;
    let since = space.mark().await;
    space.make_binding("app", spec).await;
    let found = |b: &Value| reason(b, "Ready") == "Forbidden" && b["status"]["roleArn"] == space.role_arn("app");
    space.until("app", "has found its role", found).await;
    space.sweeps(2).await;
    assert_eq!(space.changes("app", since).await, [""; 0]);
    assert_eq!(space.role("app").await["attached"], json!([aws("AmazonSQSFullAccess")]));
}
