//! A role that is offered to another cluster: killed at the one call that does so.

use super::subject::*;
use super::{FATES, Trap, kill_at};
use crate::harness::{Env, Operator, paths};
use futures::future::join_all;
use serde_json::json;
use std::sync::Arc;

pub async fn at_the_call(env: &Arc<Env>, operator: Operator) -> Operator {
    let space = env.space("kill-handed", &operator).await;
    let class = json!({"role": {"nameTemplate": "$(namespace)_$(name)"}, "handOverTo": "green"});
    space.make_class("kill-handed", class).await;
    let names = ["a", "b", "c", "d"];
    let of = |name: &str| format!("kill-handed_{name}");
    for name in names {
        space.make_account(name).await;
        let mut spec = spec(name, false);
        spec["className"] = json!("kill-handed");
        space.make_binding(name, spec).await;
        space.ready(name).await;
    }
    let before = join_all(names.map(async |name| space.emulator.role(&of(name)).await)).await;
    let mut traps = Vec::new();
    for (name, fate) in names.iter().zip(FATES) {
        traps.push(Trap::set(&space.emulator, "TagRole", json!({"RoleName": of(name)}), fate).await);
        space.patch_binding(name, json!({"spec": {"mode": "Annotate"}})).await;
    }
    let offered = async |name: &str| {
        let value = format!("green/kill-handed/{name}");
        crate::harness::eventually(&format!("{name} is offered"), async || {
            let role = space.emulator.role(&of(name)).await;
            let said = role["tags"]["irsa-operator.io/adoptable-by"] == value;
            if said { Ok(()) } else { Err(role.to_string()) }
        })
        .await;
        space.until(name, "is annotated only", |binding| binding["status"]["mode"] == "Annotate").await;
    };
    let operator = kill_at(env, operator, &traps, async || {
        join_all(names.iter().map(|name| offered(name))).await;
    })
    .await;
    drop(traps);
    for (name, mut before) in names.iter().zip(before) {
        before["tags"]["irsa-operator.io/adoptable-by"] = json!(format!("green/kill-handed/{name}"));
        assert_eq!(space.emulator.role(&of(name)).await, before, "nothing else was written");
        space.patch_binding(name, json!({"spec": {"mode": "Manage"}})).await;
        space.ready(name).await;
        space.delete(name).await;
        space.gone(name).await;
        assert!(space.emulator.role(&of(name)).await.is_null(), "{name}");
    }
    space.kube.delete(&format!("{}/kill-handed", paths::CLASSES)).await;
    operator
}
