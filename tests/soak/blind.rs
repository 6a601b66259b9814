//! When sweeps come: not at all, as bulk calls fail for minutes; and sooner than usual, as there is something to find.

use crate::harness::documents::aws;
use crate::harness::{Env, Operator, eventually, is, paths, reason};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FLAGS: &[&str] = &["--resync", "3s"];

/// Sweeps that fail are said on the class; bindings stay as they are, and all goes on when sweeps do.
#[tokio::test]
async fn an_account_that_can_not_be_watched() {
    let env = Env::own("blind");
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("blind", &operator).await;
    let policies = || json!({"managed": ["aws:ReadOnlyAccess"]});
    let snapshot_says = async |why: &str| {
        let so = |class: &Value| reason(class, "SnapshotReady") == why;
        space.class_until("default", &format!("SnapshotReady says {why}"), so).await
    };
    let before = space.make_ready("app", policies()).await;
    snapshot_says("Snapshot").await;
    let rule = json!({"action": "fail", "status": 500, "match": {"operation": ["ListRoles", "GetAccountAuthorizationDetails"]}});
    let rule = space.emulator.rule(rule).await;
    let class = snapshot_says("Unavailable").await;
    assert!(is(&class, "Ready", "True") && is(&class, "SnapshotReady", "False"), "{class}");
    assert_eq!(space.binding("app").await["status"], before["status"]);
    space.make_ready("new", policies()).await;
    // One who starts then waits for what will not come only for a while.
    operator.terminate();
    eventually("the operator ends", async || operator.ended().ok_or_else(String::new)).await;
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    let longer = json!({"spec": {"role": {"maxSessionDurationSeconds": 7200}}});
    space.kube.patch(&format!("{}/default", paths::CLASSES), &longer).await;
    space.role_until("app", "has the class's session", |role| role["maxSessionDuration"] == 7200).await;
    drop(rule);
    snapshot_says("Snapshot").await;
    let detach = space.aws.iam.detach_role_policy().role_name(space.role_name("app"));
    detach.policy_arn(aws("ReadOnlyAccess")).send().await.unwrap();
    space.role_until("app", "has its policy", |role| role["attached"] == json!([aws("ReadOnlyAccess")])).await;
}

/// Whoever changed one role may have changed others: after a drift the next sweep does not wait for its time.
#[tokio::test]
async fn drift_brings_the_next_sweep_sooner() {
    let env = Env::own("hint");
    let mut operator = Operator::start(&env, &["--resync", "40s"]);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("hint", &operator).await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    let detach = space.aws.iam.detach_role_policy().role_name(space.role_name("app"));
    detach.policy_arn(aws("ReadOnlyAccess")).send().await.unwrap();
    space.role_until("app", "has its policy", |role| role["attached"] == json!([aws("ReadOnlyAccess")])).await;
    let start = Instant::now();
    // The one that ends first may be that of the drift itself.
    space.sweeps(1).await;
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}: two sweeps at their own time take 72 s", start.elapsed());
}
