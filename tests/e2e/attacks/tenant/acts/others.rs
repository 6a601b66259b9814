//! Attacks on everybody else: their room, their place in the queue, their deletions, their class.

use super::super::classes::{class, reads};
use super::super::{Tenant, text};
use crate::harness::{eventually, paths};
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub async fn count(tenant: &Tenant) {
    tenant.space.make_class("counts", class(json!({"allow": {"maxBindingsPerNamespace": 2}}))).await;
    for name in ["app-one", "app-two"] {
        tenant.ready(name, "counts", json!({})).await;
    }
    tenant.make("app-zero", "counts", reads()).await.unwrap();
    tenant.told("app-zero", "Forbidden", "(spec.allow.maxBindingsPerNamespace), and shop has 2 older ones").await;
    assert!(tenant.space.role("app-zero").await.is_null());
}

/// Whoever owns the namespace next door with a longer name is somebody else.
pub async fn from_next_door(tenant: &Tenant) {
    let space = &tenant.neighbour;
    space.make_account("app-shop").await;
    let spec = json!({"className": "shop", "serviceAccount": {"name": "app-shop"}});
    let path = paths::bindings("shop-b");
    let made = space.kube.try_create(&path, &space.binding_object("app-shop", spec)).await.map_err(text);
    let said = "IrsaClass shop does not allow bindings in namespace shop-b (spec.allow.namespaces)";
    if tenant.guarded {
        assert!(made.as_ref().is_err_and(|error| error.contains(said)), "{made:?}");
    } else {
        space.not_ready("app-shop", "Forbidden").await;
        let told = space.binding("app-shop").await;
        assert!(crate::harness::message(&told, "Ready").contains(said), "{told}");
    }
    assert!(space.role("app-shop").await.is_null());
}

/// A label of one's own namespace opens no class, where admission keeps the labels that classes select on. Without it,
/// that is whoever may write the namespace.
pub async fn label(tenant: &Tenant) {
    let selector = json!({"selector": {"matchLabels": {"tier": "platform"}}, "names": null});
    tenant.space.make_class("labelled", class(json!({"allow": {"namespaces": selector}}))).await;
    let said = "IrsaClass labelled lets namespaces in by the label tier (spec.allow.namespaces.selector)";
    if tenant.guarded {
        let label = json!({"metadata": {"labels": {"tier": "platform"}}});
        // The policies learn of the class by a watch of their own, and what is set by then is not changed any more.
        let path = format!("{}/shop?dryRun=All", paths::NAMESPACES);
        let refused = async || match tenant.own.try_patch(&path, &label).await.map_err(text) {
            Err(error) if error.contains(said) => Ok(()),
            other => Err(format!("{other:?}")),
        };
        eventually("the label is kept", refused).await;
    }
}

/// Bindings that say that the neighbour's role is theirs look for it when they go, and are in nobody's way.
pub async fn deletion(tenant: &Tenant) {
    let space = &tenant.neighbour;
    space.make_account("app-going").await;
    let spec = json!({"className": "platform", "serviceAccount": {"name": "app-going"}});
    space.make_binding("app-going", spec).await;
    space.ready("app-going").await;
    let names: Vec<String> = (0..8).map(|number| format!("app-way-{number}")).collect();
    join_all(names.iter().map(|name| tenant.ready(name, "shop", json!({})))).await;
    let lie = json!({"status": {"roleArn": space.role_arn("app-going")}});
    join_all(names.iter().map(async |name| {
        tenant.own.patch(&format!("{}/status", tenant.space.binding_path(name)), &lie).await;
        tenant.delete(name).await;
    }))
    .await;
    space.delete("app-going").await;
    space.gone("app-going").await;
    assert!(space.role("app-going").await.is_null());
    join_all(names.iter().map(|name| tenant.space.gone(name))).await;
}

/// A tenant's nonsense waits behind what others ask for.
pub async fn queue(tenant: &Tenant) {
    let bad = json!({"role": {"name": "nowhere"}, "adoption": {"policy": "IfTagged"}});
    let names: Vec<String> = (0..30).map(|number| format!("app-flood-{number}")).collect();
    join_all(names.iter().map(async |name| tenant.make(name, "shop", bad.clone()).await.unwrap())).await;
    let (space, began) = (&tenant.neighbour, Instant::now());
    space.make_account("app-urgent").await;
    let spec = json!({"className": "platform", "serviceAccount": {"name": "app-urgent"}});
    space.make_binding("app-urgent", spec).await;
    let churn = async {
        for round in 0..2 {
            for name in &names {
                let change = json!({"spec": {"role": {"description": round.to_string()}}});
                let _: Result<(), String> = tenant.patch(name, change).await;
            }
        }
    };
    let urgent = async {
        space.ready("app-urgent").await;
        began.elapsed()
    };
    let ((), took) = futures::join!(churn, urgent);
    assert!(took < Duration::from_secs(20), "{took:?}");
    let gone: Vec<Value> = join_all(names.iter().map(async |name| {
        tenant.delete(name).await;
        tenant.space.binding(name).await
    }))
    .await;
    assert_eq!(gone.len(), names.len());
}
