//! What sweeps of the account see, and what is done where they are not to be had or not to be believed.

use crate::harness::documents::aws;
use crate::harness::{Env, Operator, Space, eventually, is, message, reason};
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FLAGS: &[&str] = &["--resync", "1s"];

fn policies() -> Value {
    json!({"managed": ["aws:ReadOnlyAccess"]})
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("app-{number}")).collect()
}

/// Somebody takes the policy off these roles, all at the same time, and AWS shows it to everybody at once.
async fn strip(space: &Space, names: &[String]) {
    let roles: Vec<Value> = names.iter().map(|name| json!({"name": space.role_name(name), "attached": []})).collect();
    let body = json!({"account": space.emulator.account, "roles": roles});
    space.emulator.ask("POST", "/_admin/state/roles".to_owned(), Some(body)).await;
}

async fn restored(space: &Space, names: &[String]) {
    join_all(names.iter().map(async |name| {
        space.role_until(name, "has its policy", |role| role["attached"] == json!([aws("ReadOnlyAccess")])).await;
    }))
    .await;
}

/// The operations of the operator since then, each once.
async fn kinds(space: &Space, since: u64) -> Vec<String> {
    let query = format!("principal=*assumed-role/irsa-operator/*&since={since}");
    let mut kinds: Vec<String> = space.emulator.journal(&query).await.into_iter().map(|call| call.operation).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

async fn snapshot_says(space: &Space, why: &str) -> Value {
    let so = |class: &Value| reason(class, "SnapshotReady") == why;
    space.class_until("default", &format!("SnapshotReady says {why}"), so).await
}

#[tokio::test]
async fn an_account_is_watched_as_a_whole() {
    let env = Env::beside("snapshots");
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("snapshots", &operator).await;
    let names = names(30);
    join_all(names.iter().map(|name| space.make_ready(name, policies()))).await;
    snapshot_says(&space, "Snapshot").await;
    space.sweeps(2).await;
    operator = a_restart_costs_one_snapshot(&env, &space, operator).await;
    many_at_once_are_seen_twice(&space, &names).await;
    new_roles_leave_room_for_repairs(&space).await;
    two_classes_share_one_sweep(&space).await;
    where_the_bulk_call_is_refused(&space, &names).await;
    drop(operator);
}

/// Whatever the number of bindings: no call for any of them, and no write.
async fn a_restart_costs_one_snapshot(env: &Env, space: &Space, mut operator: Operator) -> Operator {
    operator.terminate();
    eventually("the operator ends", async || operator.ended().ok_or_else(String::new)).await;
    let (since, writes) = (space.mark().await, space.writes());
    let mut operator = Operator::start(env, FLAGS);
    operator.ready().await;
    space.sweeps(2).await;
    let once = ["GetAccountAuthorizationDetails", "GetAccountSummary", "GetCallerIdentity"];
    let once = [&once[..], &["GetOpenIDConnectProvider", "ListRoles"]].concat();
    assert_eq!(kinds(space, since).await, once);
    assert_eq!(space.writes(), writes);
    // And it knows them: a change outside is found as before.
    let names = ["app-0".to_owned()];
    strip(space, &names).await;
    restored(space, &names).await;
    space.event("app-0", "DriftCorrected", "attach").await;
    operator
}

/// Thirty roles that lose their policy between two sweeps may as well be a sweep that lies.
async fn many_at_once_are_seen_twice(space: &Space, names: &[String]) {
    space.sweeps(1).await;
    strip(space, names).await;
    let class = snapshot_says(space, "SnapshotSuspect").await;
    assert!(is(&class, "Ready", "True") && is(&class, "SnapshotReady", "False"), "{class}");
    restored(space, names).await;
    let class = snapshot_says(space, "Snapshot").await;
    assert!(is(&class, "SnapshotReady", "True"), "{class}");
}

/// A tenth of the account's roles is kept free, for repairs and for others.
async fn new_roles_leave_room_for_repairs(space: &Space) {
    let path = format!("/_admin/accounts/{}/quotas", space.emulator.account);
    let before = space.emulator.ask("GET", path.clone(), None).await;
    let roles =
        space.emulator.ask("GET", format!("/_admin/state/roles?account={}", space.emulator.account), None).await;
    let used = roles["roles"].as_array().map_or(0, Vec::len);
    space.emulator.ask("POST", path.clone(), Some(json!({"roles": used + 2}))).await;
    space.sweeps(1).await;
    space.make_account("late").await;
    space.make_binding("late", json!({"serviceAccount": {"name": "late"}, "policies": policies()})).await;
    let late = space.not_ready("late", "QuotaExceeded").await;
    assert!(message(&late, "Ready").contains("--role-reserve"), "{late}");
    assert!(space.role("late").await.is_null());
    space.emulator.delete_role(&space.role_name("app-1")).await;
    space.role_until("app-1", "is there again", |role| role["attached"] == json!([aws("ReadOnlyAccess")])).await;
    space.emulator.ask("POST", path, Some(json!({"roles": before["roles"]}))).await;
    space.sweeps(1).await;
    space.nudge("late").await;
    space.ready("late").await;
}

/// Five sweeps of one sweeper take four intervals, of which none is shorter than 0.9 s.
async fn two_classes_share_one_sweep(space: &Space) {
    space.make_class("twin", json!({})).await;
    space.make_account("twin").await;
    let spec = json!({"className": "twin", "serviceAccount": {"name": "twin"}, "policies": policies()});
    space.make_binding("twin", spec).await;
    space.ready("twin").await;
    space.sweeps(1).await;
    let start = Instant::now();
    space.sweeps(4).await;
    assert!(start.elapsed() >= Duration::from_millis(4 * 900), "{:?} for five sweeps", start.elapsed());
    // And it shows the roles of either.
    strip(space, &["twin".to_owned()]).await;
    restored(space, &["twin".to_owned()]).await;
}

/// Then each role is read by itself, which the class says, until the call is allowed.
async fn where_the_bulk_call_is_refused(space: &Space, names: &[String]) {
    let rule = json!({"action": "fail", "status": 403, "code": "AccessDenied", "message": "not authorized",
        "match": {"operation": "GetAccountAuthorizationDetails"}});
    let rule = space.emulator.rule(rule).await;
    let class = snapshot_says(space, "BulkReadDenied").await;
    assert!(is(&class, "Ready", "True"), "{class}");
    assert!(message(&class, "SnapshotReady").contains("iam:GetAccountAuthorizationDetails"), "{class}");
    strip(space, &names[..3]).await;
    restored(space, &names[..3]).await;
    space.make_ready("meanwhile", policies()).await;
    drop(rule);
    let class = snapshot_says(space, "Snapshot").await;
    assert!(is(&class, "SnapshotReady", "True"), "{class}");
    let since = space.mark().await;
    space.sweeps(2).await;
    assert!(!kinds(space, since).await.contains(&"GetRole".to_owned()), "no role is read by itself any more");
    strip(space, &names[3..4]).await;
    restored(space, &names[3..4]).await;
}
