//! Roles that are to stay when their bindings go, or when their class takes what they have.

use super::super::Tenant;
use super::super::classes::{any_deletion, class, gets, reads};
use crate::harness::paths;
use serde_json::{Value, json};

const RETAIN: &str = "does not allow Retain (spec.allow.deletionPolicies); it allows Delete";

/// The binding goes, and its role with it.
async fn goes(tenant: &Tenant, name: &str) {
    tenant.delete(name).await;
    tenant.space.gone(name).await;
    assert!(tenant.space.role(name).await.is_null(), "{name} has outlived its binding");
    tenant.gives_nothing(&[name]).await;
}

pub async fn retain(tenant: &Tenant) {
    tenant.ready("app-retain", "shop", reads()).await;
    if tenant.tries("app-retain", json!({"spec": {"deletionPolicy": "Retain"}}), RETAIN).await {
        tenant.told("app-retain", "Forbidden", RETAIN).await;
        tenant.patch("app-retain", json!({"spec": {"deletionPolicy": null}})).await.unwrap();
        tenant.space.ready("app-retain").await;
        tenant.patch("app-retain", json!({"spec": {"deletionPolicy": "Retain"}})).await.unwrap();
    }
    goes(tenant, "app-retain").await;
}

pub async fn observe(tenant: &Tenant) {
    tenant.ready("app-observe", "shop", reads()).await;
    tenant.patch("app-observe", json!({"spec": {"mode": "Observe"}})).await.unwrap();
    tenant.space.until("app-observe", "only looks", |b| b["status"]["mode"] == "Observe").await;
    goes(tenant, "app-observe").await;
}

pub async fn annotate(tenant: &Tenant) {
    let template = json!({"role": {"nameTemplate": "e2e_$(namespace)_$(name)"}});
    tenant.space.make_class("annotates", class(template)).await;
    tenant.ready("app-annotate", "annotates", reads()).await;
    tenant.patch("app-annotate", json!({"spec": {"mode": "Annotate"}})).await.unwrap();
    tenant.space.until("app-annotate", "only annotates", |b| b["status"]["mode"] == "Annotate").await;
    goes(tenant, "app-annotate").await;
}

pub async fn no_class(tenant: &Tenant) {
    tenant.ready("app-no-class", "shop", reads()).await;
    let gone = json!({"spec": {"className": "nobody-made-it", "deletionPolicy": "Retain"}});
    tenant.patch("app-no-class", gone).await.unwrap();
    let said = "IrsaClass nobody-made-it does not exist; create it, or name another in spec.className";
    tenant.waits("app-no-class", "ClassNotReady", said).await;
    goes(tenant, "app-no-class").await;
}

pub async fn class_that_retains(tenant: &Tenant) {
    tenant.ready("app-retains", "shop", reads()).await;
    let swap = json!({"spec": {"className": "platform", "deletionPolicy": "Retain"}});
    let said = "does not allow bindings in namespace shop (spec.allow.namespaces)";
    if tenant.tries("app-retains", swap, said).await {
        tenant.told("app-retains", "Forbidden", said).await;
    }
    goes(tenant, "app-retains").await;
}

pub async fn blank_status(tenant: &Tenant) {
    tenant.ready("app-blank", "shop", reads()).await;
    let blank = json!({"status": {"roleArn": null, "roleId": null, "className": null, "accountId": null, "mode": "Observe",
        "conditions": null}});
    tenant.delete_with(&blank, "app-blank").await;
    tenant.space.gone("app-blank").await;
    assert!(tenant.space.role("app-blank").await.is_null());
}

/// Alone the operator can't see what nobody told it of, but it sees a role without a binding.
pub async fn finalizer(tenant: &Tenant) {
    let (space, emulator, name) = (&tenant.space, &tenant.space.emulator, "app-finalizer");
    let mut quarantines = class(json!({}));
    quarantines["orphans"] = json!("Quarantine");
    space.make_class("quarantines", quarantines).await;
    tenant.ready(name, "quarantines", reads()).await;
    // One of its own keeps the object where it is meanwhile.
    let only = |finalizers: &[&str]| json!({"metadata": {"finalizers": finalizers}});
    tenant.patch(name, only(&["irsa-operator.io/finalizer", "example.com/x"])).await.unwrap();
    let said = "irsa-operator.io/finalizer is taken off by the operator once the role is gone";
    if !tenant.tries(name, only(&["example.com/x"]), said).await {
        tenant.patch(name, only(&["irsa-operator.io/finalizer"])).await.unwrap();
        return goes(tenant, name).await;
    }
    // It comes back while the binding lives.
    let back = |b: &Value| b["metadata"]["finalizers"].to_string().contains("irsa-operator.io/finalizer");
    space.until(name, "has it again", back).await;
    let role = space.role_name(name);
    let rule =
        emulator.rule(json!({"action": "hold", "match": {"operation": "GetRole", "params": {"RoleName": role}}})).await;
    tenant.delete(name).await;
    tenant.patch(name, only(&[])).await.unwrap();
    space.gone(name).await;
    drop(rule);
    let held = emulator.ask("GET", "/_admin/held".into(), None).await;
    for call in held["held"].as_array().into_iter().flatten().filter(|call| call["params"]["RoleName"] == *role) {
        let path = format!("/_admin/held/{}", call["id"]);
        emulator.ask("POST", path, Some(json!({"action": "drop"}))).await;
    }
    let off = |role: &Value| role.is_null() || role["inline"].to_string().contains("irsa-operator-quarantine");
    space.role_until(name, "is cut off", off).await;
    tenant.gives_nothing(&[name]).await;
}

/// A class that takes off what it allows no more.
async fn revoking(tenant: &Tenant, name: &str) {
    let mut spec = class(any_deletion());
    spec["onViolation"] = json!("Revoke");
    tenant.space.make_class(name, spec).await;
    let mut both = reads();
    both["policies"]["inline"] = gets()["policies"]["inline"].clone();
    tenant.ready(name, name, both).await;
    assert!(!tenant.can(&[name]).await.is_empty());
}

async fn revoke(tenant: &Tenant, name: &str) {
    let path = format!("{}/{name}", paths::CLASSES);
    let less = json!({"spec": {"allow": {"managedPolicies": null, "inlinePolicies": null}}});
    tenant.space.kube.patch(&path, &less).await;
    let bare = |role: &Value| role["attached"] == json!([]) && role["inline"] == json!({});
    tenant.space.role_until(name, "has nothing left", bare).await;
    tenant.gives_nothing(&[name]).await;
}

pub async fn observe_before_revoke(tenant: &Tenant) {
    revoking(tenant, "app-looks").await;
    tenant.patch("app-looks", json!({"spec": {"mode": "Observe"}})).await.unwrap();
    tenant.space.until("app-looks", "only looks", |b| b["status"]["mode"] == "Observe").await;
    revoke(tenant, "app-looks").await;
}

pub async fn no_class_before_revoke(tenant: &Tenant) {
    revoking(tenant, "app-leaves").await;
    tenant.patch("app-leaves", json!({"spec": {"className": "nobody-made-it"}})).await.unwrap();
    tenant.waits("app-leaves", "ClassNotReady", "nobody-made-it").await;
    revoke(tenant, "app-leaves").await;
}

pub async fn others_class_before_revoke(tenant: &Tenant) {
    revoking(tenant, "app-moves").await;
    let said = "does not allow bindings in namespace shop (spec.allow.namespaces)";
    if tenant.tries("app-moves", json!({"spec": {"className": "platform"}}), said).await {
        tenant.told("app-moves", "Forbidden", said).await;
    }
    revoke(tenant, "app-moves").await;
}

/// A spec that nothing can be made of holds nothing.
pub async fn invalid_before_revoke(tenant: &Tenant) {
    revoking(tenant, "app-broken").await;
    let statement = json!({"Effect": "allow", "Action": "s3:GetObject", "Resource": "*"});
    let mut broken = gets();
    broken["policies"]["inline"][0]["document"]["Statement"] = json!([statement]);
    tenant.patch("app-broken", json!({ "spec": broken })).await.unwrap();
    tenant.told("app-broken", "Invalid", "must be \"Allow\" or \"Deny\"").await;
    revoke(tenant, "app-broken").await;
}

/// Nor does another binding that gets the ServiceAccount first.
pub async fn rival_before_revoke(tenant: &Tenant) {
    revoking(tenant, "app-yields").await;
    tenant.ready("app-first", "shop", json!({})).await;
    tenant.patch("app-yields", json!({"spec": {"serviceAccount": {"name": "app-first"}}})).await.unwrap();
    tenant.told("app-yields", "Conflict", "already gets its role from IrsaBinding app-first").await;
    revoke(tenant, "app-yields").await;
}

/// Nor a class that lets it only look.
pub async fn observe_elsewhere_before_revoke(tenant: &Tenant) {
    revoking(tenant, "app-watches").await;
    tenant.patch("app-watches", json!({"spec": {"className": "shop", "mode": "Observe"}})).await.unwrap();
    let so = |b: &Value| b["status"]["mode"] == "Observe" && b["status"]["className"] == "shop";
    tenant.space.until("app-watches", "only looks", so).await;
    revoke(tenant, "app-watches").await;
}

impl Tenant {
    /// Deletes a binding, and writes its status over and over meanwhile.
    async fn delete_with(&self, status: &Value, name: &str) {
        let path = format!("{}/status", self.space.binding_path(name));
        self.own.patch(&path, status).await;
        self.delete(name).await;
        while self.own.try_patch(&path, status).await.is_ok() {}
    }
}
