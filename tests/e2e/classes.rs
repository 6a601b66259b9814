//! Classes, as far as several of them can be in one cluster: see `alone` for the rest.

use crate::harness::{Space, eventually, is, message, paths, reason};
use serde_json::{Value, json};

#[tokio::test]
async fn a_binding_waits_for_its_class() {
    let space = Space::quiet("class-later").await;
    space.make_account("app").await;
    space.make_binding("app", json!({"className": "class-later", "serviceAccount": {"name": "app"}})).await;
    let binding = space.until("app", "says it", |b| reason(b, "Reconciling") == "ClassNotReady").await;
    assert!(message(&binding, "Reconciling").contains("IrsaClass class-later does not exist"), "{binding}");
    assert!(!is(&binding, "Ready", "True") && space.role("app").await.is_null());
    space.make_class("class-later", json!({})).await;
    let binding = space.ready("app").await;
    assert_eq!(binding["status"]["className"], "class-later");
    assert_eq!(space.role("app").await["tags"]["irsa-operator.io/class"], "class-later");
}

#[tokio::test]
async fn a_binding_without_a_class_gets_the_default_written_into_it() {
    let space = Space::quiet("class-default").await;
    let binding = space.make_ready("app", json!({})).await;
    assert_eq!(binding["spec"]["className"], "default");
}

/// However often it is looked at meanwhile, it holds up nothing else.
#[tokio::test]
async fn a_class_that_waits_for_its_deletion_stops_nothing() {
    let space = Space::new("class-waits").await;
    space.make_class("class-waits", json!({})).await;
    space.make_account("user").await;
    space.make_binding("user", json!({"className": "class-waits", "serviceAccount": {"name": "user"}})).await;
    space.ready("user").await;
    space.kube.delete(&format!("{}/class-waits", paths::CLASSES)).await;
    space.class_until("class-waits", "waits", |c| reason(c, "Stalled") == "InUse").await;
    // Beyond the time at which its provider would have been looked at.
    space.sweeps(3).await;
    space.make_ready("other", json!({})).await;
    space.delete("user").await;
    space.gone("user").await;
    space.class_until("class-waits", "is gone", Value::is_null).await;
}

/// It waits, names who uses it, and goes when they have gone.
#[tokio::test]
async fn a_class_in_use_can_not_be_deleted() {
    let space = Space::quiet("class-used").await;
    space.make_class("class-used", json!({})).await;
    for name in ["one", "two"] {
        space.make_account(name).await;
        space.make_binding(name, json!({"className": "class-used", "serviceAccount": {"name": name}})).await;
        space.ready(name).await;
    }
    space.kube.delete(&format!("{}/class-used", paths::CLASSES)).await;
    let class = space.class_until("class-used", "says who uses it", |c| reason(c, "Stalled") == "InUse").await;
    let said = message(&class, "Stalled");
    assert!(said.contains("class-used/one") && said.contains("class-used/two"), "{said}");
    space.delete("one").await;
    space.gone("one").await;
    space.class_until("class-used", "names the other", |c| !message(c, "Stalled").contains("class-used/one")).await;
    assert!(is(&space.binding("two").await, "Ready", "True"), "who uses it works on");
    space.delete("two").await;
    space.class_until("class-used", "is gone", Value::is_null).await;
    assert!(space.role("two").await.is_null());
}

#[tokio::test]
async fn a_class_counts_its_bindings() {
    let space = Space::quiet("class-counts").await;
    space.make_class("class-counts", json!({})).await;
    for name in ["good", "bad"] {
        space.make_account(name).await;
        let document = if name == "good" { crate::harness::documents::allow("s3:Get*") } else { json!({}) };
        let policies = json!({"inline": [{"name": "p", "document": document}]});
        let spec = json!({"className": "class-counts", "serviceAccount": {"name": name}, "policies": policies});
        space.make_binding(name, spec).await;
    }
    let expected = json!({"total": 2, "ready": 1, "stalled": 1, "deleting": 0});
    space.class_until("class-counts", "counts them", |c| c["status"]["bindings"] == expected).await;
}

/// Audiences are added to the provider, which others use too, and none is ever taken away.
#[tokio::test]
async fn audiences_are_added_and_never_removed() {
    let space = Space::quiet("class-audience").await;
    let audiences = async || {
        let providers = space.emulator.providers().await;
        let ours = providers.into_iter().find(|p| p["arn"] == space.env.provider_arn()).unwrap_or_default();
        ours["clientIds"].as_array().cloned().unwrap_or_default()
    };
    space.make_class("class-audience", json!({"oidcProvider": {"audiences": ["sts.amazonaws.com", "first"]}})).await;
    eventually("the provider has the audience", async || {
        let all = audiences().await;
        if all.contains(&json!("first")) { Ok(()) } else { Err(format!("{all:?}")) }
    })
    .await;
    let patch = json!({"spec": {"oidcProvider": {"audiences": ["sts.amazonaws.com", "second"]}}});
    space.kube.patch(&format!("{}/class-audience", paths::CLASSES), &patch).await;
    eventually("the provider has both audiences", async || {
        let all = audiences().await;
        let both = ["sts.amazonaws.com", "first", "second"].iter().all(|one| all.contains(&json!(one)));
        if both { Ok(()) } else { Err(format!("{all:?}")) }
    })
    .await;
}
