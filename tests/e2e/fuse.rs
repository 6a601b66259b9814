//! What one namespace deletes holds up nobody else. What takes longer is in `tests/soak/fuse.rs`.

use crate::harness::openmetrics::Scrape;
use crate::harness::{Env, Operator, Space, eventually, is, message, paths, reason};
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FINALIZER: &str = "irsa-operator.io/finalizer";
const ALLOW: &str = "irsa-operator.io/allow-removals";

fn names() -> Vec<String> {
    (0..25).map(|number| format!("app-{number:02}")).collect()
}

fn held(operator: &Operator, namespace: &str) -> f64 {
    let (_, text) = operator.health("/metrics").expect("an answer");
    let scrape = Scrape::parse(&text).expect("metrics");
    scrape.sum("irsa_operator_removals_held", &[("class", "default"), ("held_namespace", namespace)])
}

async fn delete(space: &Space, names: &[String]) {
    join_all(names.iter().map(|name| space.delete(name))).await;
}

#[tokio::test]
async fn what_one_namespace_deletes_holds_no_other() {
    let env = Env::own("fuse-shares");
    let mut operator = Operator::start(&env, &["--resync", "10m", "--fuse", "on"]);
    operator.ready().await;
    env.default_class().await;
    let (loud, other) = (env.space("loud", &operator).await, env.space("other", &operator).await);
    let names = names();
    join_all(names.iter().map(|name| loud.make_ready(name, json!({})))).await;
    join_all(["one", "two"].map(|name| other.make_ready(name, json!({})))).await;
    what_has_no_role_does_not_count(&env, &operator, &other).await;

    let since = loud.mark().await;
    delete(&loud, &names).await;
    let words = "can't be deleted yet: 25 deletions are held that take their roles along, all in namespace loud, in a class \
                 that had 27 bindings; to let them go: kubectl annotate irsaclass default \
                 irsa-operator.io/allow-removals=loud:25; to keep this one's role: ";
    join_all(names.iter().map(async |name| {
        let so = |b: &Value| reason(b, "Stalled") == "MassChangeHeld" && message(b, "Stalled").starts_with(words);
        loud.until(name, words, so).await;
    }))
    .await;
    let class = loud.class_until("default", "tells of it", |c| reason(c, "Stalled") == "MassChangeHeld").await;
    let text = "25 deletions are held that take their roles along, all in namespace loud, in a class that had 27 bindings; \
                none of them begins before somebody allows it: kubectl annotate irsaclass default \
                irsa-operator.io/allow-removals=loud:25";
    assert_eq!((message(&class, "Stalled"), is(&class, "Ready", "True")), (text, true));
    let events = loud.kube.list("/apis/events.k8s.io/v1/namespaces/default/events").await;
    let said = events.iter().filter(|e| e["reason"] == "MassChangeHeld" && e["regarding"]["name"] == "default");
    assert_eq!(said.map(|e| &e["note"]).collect::<Vec<_>>(), [&json!(text)]);
    assert_eq!((held(&operator, "loud"), held(&operator, "")), (25.0, 0.0));

    // Its neighbour deletes as ever.
    let start = Instant::now();
    other.delete("two").await;
    other.gone("two").await;
    assert!(start.elapsed() >= Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(other.role("two").await.is_null());
    assert_eq!(other.events("two", "MassChangeHeld").await, [Value::Null; 0]);

    // A word for another namespace, or one that can't be read, is none for this one.
    let allow = async |said: &str| {
        let path = format!("{}/default", paths::CLASSES);
        loud.kube.patch(&path, &json!({"metadata": {"annotations": {ALLOW: said}}})).await;
        let heard = |class: &Value| class["metadata"]["annotations"][ALLOW].is_null();
        loud.class_until("default", "has heard it", heard).await;
    };
    allow("other:25").await;
    allow("loud:all").await;
    eventually("it is said what to write", async || {
        let events = loud.kube.list("/apis/events.k8s.io/v1/namespaces/default/events").await;
        let so = |note: &Value| note.as_str().is_some_and(|note| note.contains("as \"team-a:30,team-b:20\""));
        if events.iter().any(|event| so(&event["note"])) { Ok(()) } else { Err(format!("{events:?}")) }
    })
    .await;
    let changes = join_all(names.iter().map(|name| loud.changes(name, since))).await;
    assert!(changes.iter().all(Vec::is_empty), "{changes:?}");
    allow("loud:30").await;
    for told in [
        "nothing of namespace other is held; 25 may go in the next 10 minutes",
        "25 of namespace loud that were held go now, and 5 more may in the next 10 minutes",
    ] {
        eventually(told, async || {
            let events = loud.kube.list("/apis/events.k8s.io/v1/namespaces/default/events").await;
            let so = |event: &&Value| event["reason"] == "RemovalsAllowed" && event["note"] == told;
            events.iter().find(so).map(drop).ok_or_else(|| format!("{events:?}"))
        })
        .await;
    }
    join_all(names.iter().map(|name| loud.gone(name))).await;
    for name in &names {
        assert!(loud.role(name).await.is_null(), "{name}");
    }
    loud.class_until("default", "has nothing to tell", |c| reason(c, "Stalled").is_empty()).await;
    assert_eq!((held(&operator, "loud"), held(&operator, "")), (0.0, 0.0));
    operator.terminate();
    eventually("the operator ends", async || operator.ended().ok_or_else(String::new)).await;
}

/// Anybody may give a binding the finalizer as it is made: its deletion takes no role along, and holds up none.
async fn what_has_no_role_does_not_count(env: &std::sync::Arc<Env>, operator: &Operator, other: &Space) {
    let space = env.space("phantoms", operator).await;
    let names = names();
    join_all(names.iter().map(async |name| {
        space.make_account(name).await;
        let spec =
            json!({"serviceAccount": {"name": name}, "role": {"name": "nowhere"}, "adoption": {"policy": "IfTagged"}});
        let mut binding = space.binding_object(name, spec);
        binding["metadata"]["finalizers"] = json!([FINALIZER]);
        space.kube.create(&paths::bindings("phantoms"), &binding).await;
        space.until(name, "is told of", |b| !reason(b, "Ready").is_empty()).await;
    }))
    .await;
    delete(&space, &names).await;
    other.delete("one").await;
    other.gone("one").await;
    join_all(names.iter().map(|name| space.gone(name))).await;
    let said = join_all(names.iter().map(|name| space.events(name, "MassChangeHeld"))).await;
    assert!(said.iter().all(Vec::is_empty), "{said:?}");
    assert!(reason(&space.class("default").await, "Stalled").is_empty());
}
