//! The operator as a process: when it is ready, and how it ends.

use crate::harness::documents::aws;
use crate::harness::{Env, Operator, eventually, eventually_within};
use serde_json::json;
use std::time::Duration;

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

/// A call in flight ends, and what stands after it is left to the next start; who waits for a request waits no longer.
#[tokio::test]
async fn nothing_is_begun_once_it_stops() {
    let env = Env::beside("stop");
    // A request in five seconds: one is in flight, and whoever else wants one waits.
    let mut operator = Operator::start(&env, &["--resync", "1h", "--aws-min-rate", "0.2", "--aws-max-rate", "0.2"]);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("stop", &operator).await;
    let hold = json!({"action": "hold", "match": {"operation": "CreateRole"}});
    let rule = env.emulator.rule(hold).await;
    for name in ["app", "other"] {
        space.make_account(name).await;
        let policies = json!({"managed": ["aws:ReadOnlyAccess"]});
        space.make_binding(name, json!({"serviceAccount": {"name": name}, "policies": policies})).await;
    }
    let held = eventually("a role is about to be made", async || {
        let held = env.emulator.ask("GET", format!("/_admin/held?account={}", env.emulator.account), None).await;
        let first = held["held"][0]["params"]["RoleName"].as_str().map(str::to_owned);
        first.ok_or_else(|| held.to_string())
    })
    .await;
    let (first, second) = if held == space.role_name("app") { ("app", "other") } else { ("other", "app") };
    let held = env.emulator.held("CreateRole", &held).await;
    operator.terminate();
    eventually("it says that it stops", async || {
        let said = std::fs::read_to_string(&operator.log).is_ok_and(|log| log.contains("no new work is begun"));
        if said { Ok(()) } else { Err("it does not".to_owned()) }
    })
    .await;
    env.emulator.release(&held).await;
    let status = eventually_within(Duration::from_secs(5), "it ends", async || {
        operator.ended().ok_or_else(|| "it runs".to_owned())
    });
    assert_eq!(status.await.code(), Some(0));
    assert_eq!(space.operations(first, 0).await, ["CreateRole"]);
    assert_eq!(space.operations(second, 0).await, [""; 0]);
    assert_eq!(space.annotated_role(first).await, json!(null), "the next step did not begin");
    for name in [first, second] {
        assert_eq!(space.binding(name).await["status"]["conditions"], json!(null), "there is nothing to be told");
    }

    drop(rule);
    let mut operator = Operator::start(&env, &["--resync", "1h"]);
    operator.ready().await;
    space.ready(first).await;
    space.ready(second).await;
    let made =
        space.calls(first).await.into_iter().filter(|call| call.operation == "CreateRole" && call.code.is_empty());
    assert_eq!(made.count(), 1, "it was made once");
}
