//! Many roles that bindings have left behind.

use crate::harness::allow::everything;
use crate::harness::{Env, Operator, paths, reason};
use futures::future::join_all;
use serde_json::json;

/// What is held waits for a word as long as there is something to lose, and no longer.
#[tokio::test]
async fn what_is_held_of_them_is_forgotten_with_them() {
    let env = Env::own("left-held");
    let mut operator = Operator::start(&env, &["--resync", "2s", "--fuse", "on"]);
    operator.ready().await;
    let space = env.space("left", &operator).await;
    space.make_class("left", json!({"allow": everything(), "onViolation": "Revoke"})).await;
    let names: Vec<String> = (0..22).map(|number| format!("app-{number}")).collect();
    join_all(names.iter().map(async |name| {
        space.make_account(name).await;
        let spec = json!({"className": "left", "serviceAccount": {"name": name}, "deletionPolicy": "Retain",
            "policies": {"managed": ["aws:ReadOnlyAccess"]}});
        space.make_binding(name, spec).await;
        space.ready(name).await;
        space.delete(name).await;
        space.gone(name).await;
    }))
    .await;
    let none = json!({"spec": {"allow": {"managedPolicies": []}}});
    space.kube.patch(&format!("{}/left", paths::CLASSES), &none).await;
    space.class_until("left", "holds them", |c| reason(c, "Stalled") == "MassChangeHeld").await;
    let attached = space.role(&names[0]).await["attached"].take();
    assert_eq!(attached, json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]), "nothing begins");
    join_all(names.iter().map(async |name| space.emulator.delete_role(&space.role_name(name)).await)).await;
    space.class_until("left", "has nothing to tell", |c| reason(c, "Stalled").is_empty()).await;
    drop(operator);
}
