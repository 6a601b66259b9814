//! Roles that are under one class and are to have what another gives.

use super::super::Tenant;
use super::super::classes::{STRICT, any_deletion, class, gets, reads};
use crate::harness::{message, paths};
use serde_json::{Value, json};

/// Under this one the tenant may have less, and no boundary holds it.
async fn loose(tenant: &Tenant, name: &str) {
    let over = json!({"role": {"permissionsBoundaryArn": "arn:aws:iam::111122223333:policy/attack-loose"},
        "allow": {"managedPolicies": [], "deletionPolicies": ["Delete", "Retain"]}});
    tenant.space.make_class(name, class(over)).await;
}

/// What one class allows never meets the boundary of another.
pub async fn boundary(tenant: &Tenant) {
    loose(tenant, "looser").await;
    tenant.ready("app-bound", "shop", reads()).await;
    let said = "does not allow arn:aws:iam::111122223333:policy/shop/reads (spec.allow.managedPolicies)";
    let guarded = if tenant.guarded { "(spec.allow.managedPolicies)" } else { said };
    if tenant.tries("app-bound", json!({"spec": {"className": "looser"}}), guarded).await {
        let told = tenant.told("app-bound", "Forbidden", said).await;
        let stays = "until all of it fits, its role stays as IrsaClass shop has it";
        assert!(message(&told, "Ready").contains(stays), "{told}");
    }
    let role = tenant.space.role("app-bound").await;
    assert_eq!(role["boundary"], STRICT, "{role}");
    tenant.patch("app-bound", json!({"spec": {"className": "shop"}})).await.unwrap();
    tenant.space.ready("app-bound").await;
}

pub async fn tags(tenant: &Tenant) {
    tenant.ready("app-tags", "shop", reads()).await;
    let said = "does not allow bindings in namespace shop (spec.allow.namespaces)";
    if tenant.tries("app-tags", json!({"spec": {"className": "platform"}}), said).await {
        tenant.told("app-tags", "Forbidden", said).await;
    }
    let role = tenant.space.role("app-tags").await;
    assert_eq!((&role["tags"]["team"], &role["boundary"]), (&json!("shop"), &json!(STRICT)), "{role}");
}

/// A policy that is on its way when the class changes, and one that goes when the boundary does.
pub async fn mid_apply(tenant: &Tenant) {
    loose(tenant, "looser-later").await;
    let emulator = &tenant.space.emulator;
    let role = tenant.space.role_name("app-mid");
    let hold =
        json!({"action": "hold", "count": 1, "match": {"operation": "AttachRolePolicy", "params": {"RoleName": role}}});
    let rule = emulator.rule(hold).await;
    tenant.make("app-mid", "shop", reads()).await.unwrap();
    let held = emulator.held("AttachRolePolicy", &role).await;
    // All of it fits its new class, but not what is on the role by the old one.
    tenant.patch("app-mid", json!({"spec": {"className": "looser-later", "policies": null}})).await.unwrap();
    drop(rule);
    // Where the boundary goes first, this keeps what it held.
    let refused = json!({"action": "fail", "status": 403, "code": "AccessDenied", "message": "no",
        "match": {"operation": "DetachRolePolicy", "params": {"RoleName": role}}});
    let rule = emulator.rule(refused).await;
    emulator.release(&held).await;
    let detach = format!("operation=DetachRolePolicy&param.RoleName={role}");
    emulator.journal_wait(1, &detach).await;
    tenant.space.sweeps(1).await;
    let now = tenant.space.role("app-mid").await;
    assert_eq!(now["boundary"], STRICT, "{now}");
    assert!(tenant.can_too_much(&["app-mid"]).await.is_empty());
    drop(rule);
    tenant.space.nudge("app-mid").await;
    let looser = |role: &Value| role["boundary"] != STRICT;
    let role = tenant.space.role_until("app-mid", "is the other class's", looser).await;
    assert_eq!(role["attached"], json!([]));
    tenant.delete("app-mid").await;
    tenant.space.gone("app-mid").await;
}

/// What is left on a released role fits the class that let it go, and not the next.
pub async fn come_back(tenant: &Tenant) {
    loose(tenant, "looser-back").await;
    tenant.space.make_class("releases", class(any_deletion())).await;
    let mut retained = reads();
    retained["deletionPolicy"] = json!("Retain");
    tenant.ready("app-back", "releases", retained.clone()).await;
    tenant.delete("app-back").await;
    tenant.space.gone("app-back").await;
    let said = "(spec.allow.managedPolicies)";
    let made = tenant.make("app-back", "looser-back", reads()).await;
    assert_eq!(made.as_ref().is_err_and(|error| error.contains(said)), tenant.guarded, "{made:?}");
    if made.is_ok() {
        tenant.told("app-back", "Forbidden", said).await;
    }
    let role = tenant.space.role("app-back").await;
    assert_eq!(role["boundary"], STRICT, "{role}");
}

/// What was allowed when it was begun is not gone on with.
pub async fn tightened_mid_apply(tenant: &Tenant) {
    tenant.space.make_class("tightens", class(json!({}))).await;
    let emulator = &tenant.space.emulator;
    let role = tenant.space.role_name("app-tight");
    let hold =
        json!({"action": "hold", "count": 1, "match": {"operation": "CreateRole", "params": {"RoleName": role}}});
    let _rule = emulator.rule(hold).await;
    tenant.make("app-tight", "tightens", reads()).await.unwrap();
    let held = emulator.held("CreateRole", &role).await;
    let path = format!("{}/tightens", paths::CLASSES);
    tenant.space.kube.patch(&path, &json!({"spec": {"allow": {"managedPolicies": null}}})).await;
    tenant
        .space
        .class_until("tightens", "is looked at", |c| c["status"]["observedGeneration"] == c["metadata"]["generation"])
        .await;
    emulator.release(&held).await;
    tenant.told("app-tight", "Forbidden", "(spec.allow.managedPolicies)").await;
    assert_eq!(tenant.policies("app-tight").await.0, [""; 0]);
    tenant.gives_nothing(&["app-tight"]).await;
}

/// What is checked is what is sent, however quick the spec changes in between.
pub async fn race(tenant: &Tenant) {
    tenant.ready("app-race", "shop", gets()).await;
    let statement = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"});
    let mut bad = gets();
    bad["policies"]["inline"][0]["document"]["Statement"] = json!([statement]);
    for _ in 0..15 {
        tenant.patch("app-race", json!({"spec": bad})).await.unwrap();
        tenant.patch("app-race", json!({"spec": gets()})).await.unwrap();
    }
    tenant.space.ready("app-race").await;
    let query = format!("operation=PutRolePolicy&param.RoleName={}", tenant.space.role_name("app-race"));
    let sent = tenant.space.emulator.journal(&query).await;
    assert!(sent.iter().all(|call| !call.params.to_string().contains("PassRole")), "{sent:?}");
}
