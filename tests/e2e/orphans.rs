//! Roles whose binding does not exist.

use crate::harness::openmetrics::Scrape;
use crate::harness::{Env, Operator, Space, eventually};
use serde_json::{Value, json};

const FLAGS: &[&str] = &["--resync", "2s"];

fn spec(name: &str, policy: &str) -> Value {
    json!({"serviceAccount": {"name": name}, "deletionPolicy": policy, "policies": {"managed": ["aws:ReadOnlyAccess"]}})
}

async fn counted(operator: &Operator, count: f64) {
    eventually(&format!("{count} orphans are counted"), async || {
        let (_, text) = operator.health("/metrics").expect("an answer");
        let scrape = Scrape::parse(&text).expect("metrics");
        let known = scrape.samples("irsa_operator_orphans", &[]).len();
        let sum = scrape.sum("irsa_operator_orphans", &[]);
        if known == 2 && sum == count { Ok(()) } else { Err(format!("{known} {sum}")) }
    })
    .await;
}

/// Somebody takes the binding away with its finalizer while the operator does not look.
async fn lose(space: &Space, name: &str) {
    space.delete(name).await;
    space.patch_binding(name, json!({"metadata": {"finalizers": []}})).await;
    space.gone(name).await;
}

#[tokio::test]
async fn a_role_without_a_binding_is_told_and_left_alone_and_taken_again() {
    let env = Env::own("orphans");
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("orphans", &operator).await;
    for (name, policy) in [("kept", "Delete"), ("released", "Retain"), ("lost", "Delete")] {
        space.make_account(name).await;
        space.make_binding(name, spec(name, policy)).await;
        space.ready(name).await;
    }
    space.delete("released").await;
    space.gone("released").await;
    counted(&operator, 0.0).await;
    let id = space.binding("lost").await["status"]["roleId"].clone();
    operator.terminate();
    eventually("the operator ends", async || operator.ended().ok_or_else(String::new)).await;
    lose(&space, "lost").await;

    let since = space.mark().await;
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    counted(&operator, 1.0).await;
    let told = json!({"count": 1, "roles": [space.role_arn("lost")]});
    space.class_until("default", "names the role", |class| class["status"]["orphans"] == told).await;
    said(&space, 1).await;
    space.sweeps(3).await;
    said(&space, 1).await;
    assert!(space.changes("lost", since).await.is_empty(), "an orphan is not written");
    assert!(!space.role("lost").await.is_null());

    // Another start says it no second time.
    operator.terminate();
    eventually("the operator ends", async || operator.ended().ok_or_else(String::new)).await;
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    counted(&operator, 1.0).await;
    said(&space, 1).await;

    space.make_binding("lost", spec("lost", "Delete")).await;
    assert_eq!(space.ready("lost").await["status"]["roleId"], id, "it is the same role");
    counted(&operator, 0.0).await;
    space.class_until("default", "names none", |class| class["status"]["orphans"].is_null()).await;
    space.delete("lost").await;
    space.gone("lost").await;
    space.sweeps(3).await;
    counted(&operator, 0.0).await;
}

/// Events of what is in no namespace are in `default`.
async fn said(space: &Space, count: usize) {
    let part = format!("1 role has the tags of this cluster and no IrsaBinding: {};", space.role_arn("lost"));
    eventually("the class says it", async || {
        let mut events = space.kube.list("/apis/events.k8s.io/v1/namespaces/default/events").await;
        events.retain(|event| event["reason"] == "RolesOrphaned" && event["regarding"]["name"] == "default");
        let right = events.len() == count && events[0]["note"].as_str().is_some_and(|note| note.starts_with(&part));
        if right { Ok(()) } else { Err(format!("{events:?}")) }
    })
    .await;
}
