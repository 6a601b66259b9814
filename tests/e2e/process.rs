//! The operator as a process: when it is ready, and how it ends.

use crate::harness::documents::aws;
use crate::harness::{Env, Operator, eventually};
use serde_json::json;

/// Whoever is on call reads why it is not ready.
#[tokio::test]
async fn readiness_says_what_is_missing() {
    let env = Env::own("readiness");
    let kube = env.kube().await;
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/irsa-operator";
    let mut binding = kube.get(path).await;
    kube.delete(path).await;
    let mut operator = Operator::start(&env, &["--resync", "1h"]);
    eventually("it says which watch is refused", async || {
        let health = operator.health("/readyz").unwrap_or_default();
        let all = ["irsabindings", "irsaclasses", "serviceaccounts"];
        let said = all.iter().all(|kind| health.1.contains(&format!("the watch on {kind} does not work")));
        let right = health.0 == 503 && said && health.1.contains("forbidden");
        if right { Ok(()) } else { Err(format!("{health:?}")) }
    })
    .await;
    assert_eq!(operator.health("/livez"), Some((200, "ok\n".to_owned())));
    binding["metadata"] = json!({"name": "irsa-operator"});
    kube.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", &binding).await;
    operator.ready().await;

    // Work in flight is finished before it ends: the role has its policy, and no new work is begun.
    env.default_class().await;
    let space = env.space("readiness", &operator).await;
    let hold = json!({"action": "hold", "match": {"operation": "AttachRolePolicy"}, "count": 1});
    let _rule = env.emulator.rule(hold).await;
    space.make_account("app").await;
    let policies = json!({"managed": ["aws:ReadOnlyAccess"]});
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}, "policies": policies})).await;
    let held = env.emulator.held("AttachRolePolicy", &space.role_name("app")).await;
    operator.terminate();
    space.make_account("late").await;
    space.make_binding("late", json!({"serviceAccount": {"name": "late"}})).await;
    env.emulator.release(&held).await;
    let status = eventually("it ends", async || operator.ended().ok_or_else(|| "it runs".to_owned())).await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(space.role("app").await["attached"], json!([aws("ReadOnlyAccess")]));
    assert_eq!(space.role("app").await["arn"], space.binding("app").await["status"]["roleArn"], "it is told, too");
    assert!(space.role("late").await.is_null());
    space.event("app", "RoleCreated", "").await;

    let mut operator = Operator::start(&env, &["--resync", "1h"]);
    operator.ready().await;
    space.ready("late").await;
}
