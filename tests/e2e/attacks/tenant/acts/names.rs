//! Roles that are somebody else's, and have or are to have the tenant's names.

use super::super::Tenant;
use super::super::classes::{class, reads};
use crate::harness::adoption::{seed, trust};
use crate::harness::{condition, is};
use serde_json::{Value, json};

/// The binding whose role's name is taken waits, and says so.
async fn taken(tenant: &Tenant, name: &str, said: &str) {
    tenant.make(name, "shop", reads()).await.unwrap();
    let binding = tenant.told(name, "Conflict", said).await;
    assert!(is(&binding, "Stalled", "True"), "{binding}");
    assert_eq!(binding["status"]["roleArn"], Value::Null);
    tenant.gives_nothing(&[name]).await;
}

pub async fn case(tenant: &Tenant) {
    taken(tenant, "app-case", "but for upper and lower case: rename this binding, or delete that role").await;
}

pub async fn path(tenant: &Tenant) {
    taken(tenant, "app-path", "not made by irsa-operator").await;
}

pub async fn look_alike(tenant: &Tenant) {
    taken(tenant, "app-look-alike", "not made by irsa-operator").await;
}

pub async fn of_others(tenant: &Tenant) {
    taken(tenant, "app-of-others", "e2e/shop-b/app-of-others").await;
}

/// A name that may be chosen, and is another's: of another class, and with more on it.
pub async fn taken_name(tenant: &Tenant) {
    let chosen = json!({"role": {"name": "shop_chosen"}, "policies": reads()["policies"]});
    tenant.ready("app-chose", "names", chosen).await;
    tenant.make("app-chose-too", "names-more", json!({"role": {"name": "shop_chosen"}})).await.unwrap();
    tenant.told("app-chose-too", "Conflict", "belongs to the binding e2e/shop/app-chose").await;
    tenant.gives_nothing(&["app-chose-too"]).await;
    assert_eq!(tenant.space.roles_of(&["app-chose"]).await.into_iter().collect::<Vec<_>>(), ["shop_chosen"]);
}

/// Two names that are the same as far as IAM has room: the roles are two.
pub async fn cut(tenant: &Tenant) {
    let names = ["a", "b"].map(|end| format!("app-{}{end}", "x".repeat(58)));
    let mut roles = Vec::new();
    for name in &names {
        let binding = tenant.ready(name, "shop", reads()).await;
        roles.push(binding["status"]["roleArn"].as_str().expect("an ARN").to_owned());
    }
    assert_ne!(roles[0], roles[1]);
    for (name, arn) in names.iter().zip(&roles) {
        let got = tenant.space.roles_of(&[name]).await;
        assert!(got.len() == 1 && got.iter().all(|role| arn.ends_with(role)), "{name}: {got:?}");
    }
}

/// Who offers a role gives it, and not what it can do: that is the class's to say.
pub async fn strong(tenant: &Tenant) {
    let (space, name) = (&tenant.space, "offered-strong");
    let allow = json!({"allow": {"adopt": {"enabled": true, "delete": true}}});
    space.make_class("adopts", class(allow)).await;
    let role = json!({"name": name, "path": "/", "tags": {"irsa-operator.io/adoptable-by": "e2e/shop/app-strong"},
        "trust": trust(&space.env, "StringLike", "system:serviceaccount:other:*"),
        "attached": ["arn:aws:iam::aws:policy/AdministratorAccess"]});
    seed(&space.emulator, vec![role]).await;
    let mut spec = reads();
    spec["role"] = json!({ "name": name });
    spec["adoption"] = json!({"policy": "IfTagged"});
    tenant.make("app-strong", "adopts", spec).await.unwrap();
    tenant.told("app-strong", "AwaitingAcceptRemovals", "spec.adoption.acceptRemovals").await;
    tenant.gives_nothing(&["app-strong"]).await;

    // What it was comes off before anybody of the tenant's gets in.
    let refused = json!({"action": "fail", "status": 403, "code": "AccessDenied", "message": "no",
        "match": {"operation": "DetachRolePolicy", "params": {"RoleName": name}}});
    let rule = space.emulator.rule(refused).await;
    let since = space.mark().await;
    tenant.patch("app-strong", json!({"spec": {"adoption": {"acceptRemovals": true}}})).await.unwrap();
    space.emulator.journal_wait(1, &format!("operation=DetachRolePolicy&param.RoleName={name}&since={since}")).await;
    space.sweeps(1).await;
    assert!(tenant.can_too_much(&["app-strong"]).await.is_empty());
    drop(rule);
    space.nudge("app-strong").await;
    space.ready("app-strong").await;
    let role = space.emulator.role(name).await;
    assert_eq!(role["attached"], json!(["arn:aws:iam::111122223333:policy/shop/reads"]), "{role}");
}

pub async fn rival(tenant: &Tenant) {
    tenant.space.make_class("second", class(json!({}))).await;
    tenant.ready("app-rival", "shop", reads()).await;
    let mut second = reads();
    second["serviceAccount"] = json!({"name": "app-rival"});
    tenant.make("app-rival-2", "second", second).await.unwrap();
    let said = "ServiceAccount app-rival already gets its role from IrsaBinding app-rival; delete one of the two";
    let binding = tenant.told("app-rival-2", "Conflict", said).await;
    assert!(!condition(&binding, "Stalled").is_null() && tenant.space.role("app-rival-2").await.is_null());
    assert_eq!(tenant.space.roles_of(&["app-rival"]).await.len(), 1);
}
