//! Two replicas: one works, and the other one takes over. What takes longer, as a Lease has to run out, is in tests/soak.

use crate::harness::{Env, Replica, Space, eventually, is, lease, lease_holder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// From the release of the Lease until the other has called AWS.
const TAKEOVER: Duration = Duration::from_secs(2);

#[tokio::test]
async fn one_works_and_the_other_takes_over_at_once() {
    let env = Env::own("replicas");
    let emulator = &env.emulator;
    let mut a = refused_at_first(&env).await;
    a.operator.ready().await;
    a.leads(&env).await;
    env.default_class().await;
    let space = env.space("replicas", &a.operator).await;
    told_late(&space, &a).await;
    let mut b = Replica::start(&env, "second", &["--resync", "1h"]).await;
    b.operator.ready().await;
    let policies = json!({"managed": ["aws:ReadOnlyAccess"]});
    space.make_ready("app", policies.clone()).await;

    // What is in flight ends first, and nobody else begins before that.
    let hold = json!({"action": "hold", "match": {"operation": "AttachRolePolicy"}, "count": 1});
    let _rule = emulator.rule(hold).await;
    space.make_account("last").await;
    let spec = json!({"serviceAccount": {"name": "last"}, "policies": policies});
    space.make_binding("last", spec).await;
    let held = emulator.held("AttachRolePolicy", &space.role_name("last")).await;
    a.operator.terminate();
    space.make_account("next").await;
    space.make_binding("next", json!({"serviceAccount": {"name": "next"}})).await;
    // Renewals go on while work is in flight.
    let renewed = lease(&env).await["spec"]["renewTime"].clone();
    eventually("the Lease is renewed", async || {
        let lease = lease(&env).await;
        if lease["spec"]["renewTime"] == renewed { Err(lease.to_string()) } else { Ok(()) }
    })
    .await;
    assert_eq!(lease_holder(&env).await.as_deref(), Some("first"));
    assert_eq!(b.operator.health("/readyz").map(|(status, _)| status), Some(200));
    let standby = (emulator.journal(&b.query()).await.len(), b.writes());
    assert_eq!(standby, (0, 0), "AWS calls and writes of a standby");
    assert!(a.writes() > 0 && !emulator.journal(&a.query()).await.is_empty(), "both logs know who is who");

    emulator.release(&held).await;
    assert_eq!(a.ended().await, Some(0));
    let released = Instant::now();
    emulator.journal_wait(1, &b.query()).await;
    let took = released.elapsed();
    assert!(took < TAKEOVER, "it took {took:?}");
    println!("b calls AWS {took:?} after a has ended");
    b.leads(&env).await;
    space.ready("next").await;
    space.ready("last").await;
    for app in ["app", "last", "next"] {
        let made = emulator.journal(&format!("operation=CreateRole&param.RoleName={}", space.role_name(app))).await;
        assert_eq!(made.len(), 1, "{app}: {made:?}");
    }

    // Alone, it need not wait for its former self.
    b.operator.terminate();
    assert_eq!(b.ended().await, Some(0));
    assert_eq!(lease_holder(&env).await, None);
    let started = Instant::now();
    let c = Replica::start(&env, "third", &["--resync", "1h"]).await;
    c.leads(&env).await;
    assert!(started.elapsed() < Duration::from_secs(10), "it took {:?}", started.elapsed());
    space.make_ready("later", json!({})).await;
}

/// A replica that may not have the Lease: whoever looks at its health reads it, and nothing is done without.
async fn refused_at_first(env: &Env) -> Replica {
    let kube = env.kube().await;
    let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/irsa-operator/rolebindings";
    let mut binding = kube.get(&format!("{path}/irsa-operator")).await;
    kube.delete(&format!("{path}/irsa-operator")).await;
    let replica = Replica::start(env, "first", &["--resync", "1h"]).await;
    eventually("it says that the Lease is refused", async || {
        let health = replica.operator.health("/readyz").unwrap_or_default();
        let said = health.1.lines().count() == 1 && health.1.contains("Lease") && health.1.contains("forbidden");
        if health.0 == 503 && said { Ok(()) } else { Err(format!("{health:?}")) }
    })
    .await;
    assert_eq!(env.emulator.journal(&replica.query()).await.len(), 0);
    binding["metadata"] = json!({"name": "irsa-operator"});
    kube.create(path, &binding).await;
    replica
}

/// The watch of ServiceAccounts is another than that of bindings, and may be behind it. Who has applied both is not told
/// that one is missing.
async fn told_late(space: &Space, replica: &Replica) {
    replica.hold_next_news().await;
    space.make_account("late").await;
    eventually("the news of it are held", async || replica.holds_news().then_some(()).ok_or_else(String::new)).await;
    space.make_binding("late", json!({"serviceAccount": {"name": "late"}})).await;
    let binding = space.ready("late").await;
    assert!(is(&binding, "ServiceAccountReady", "True"), "{binding}");
    assert_eq!(space.events("late", "ServiceAccountNotFound").await, [Value::Null; 0]);
}
