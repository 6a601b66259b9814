//! What the tenant writes where the operator tells, and tokens that are for somebody else.

use super::super::Tenant;
use super::super::classes::reads;
use serde_json::{Value, json};

fn theirs(tenant: &Tenant) -> String {
    tenant.neighbour.role_arn("app-x")
}

/// The neighbour's role stays as it is, and the tenant's goes.
async fn goes(tenant: &Tenant, name: &str) {
    let before = tenant.neighbour.role("app-x").await;
    tenant.delete(name).await;
    tenant.space.gone(name).await;
    assert!(tenant.space.role(name).await.is_null());
    assert_eq!(tenant.neighbour.role("app-x").await, before);
}

pub async fn status(tenant: &Tenant) {
    tenant.ready("app-status", "shop", reads()).await;
    let lie = json!({"status": {"roleArn": theirs(tenant), "roleId": "AROAEXAMPLE", "className": "platform"}});
    let path = format!("{}/status", tenant.space.binding_path("app-status"));
    tenant.own.patch(&path, &lie).await;
    let own = tenant.space.role_arn("app-status");
    tenant.space.until("app-status", "tells its own role", |b| b["status"]["roleArn"] == own.as_str()).await;
    tenant.own.patch(&path, &lie).await;
    goes(tenant, "app-status").await;
}

pub async fn annotation(tenant: &Tenant) {
    tenant.ready("app-annotation", "shop", reads()).await;
    let lie = json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": theirs(tenant)}}});
    tenant.own.patch(&tenant.space.account_path("app-annotation"), &lie).await;
    let got = tenant.space.roles_of(&["app-annotation"]).await;
    assert_eq!(got.into_iter().collect::<Vec<_>>(), [tenant.space.role_name("app-annotation")]);
    goes(tenant, "app-annotation").await;
}

/// The name of a field manager is whatever one says.
pub async fn spoofed_manager(tenant: &Tenant) {
    tenant.ready("app-spoof", "shop", reads()).await;
    let lie = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app-spoof", "namespace": "shop",
        "annotations": {"eks.amazonaws.com/role-arn": theirs(tenant)}}});
    tenant.own.apply(&tenant.space.account_path("app-spoof"), "irsa-operator%2Fapp-spoof", &lie).await;
    let own = tenant.space.role_arn("app-spoof");
    tenant.space.annotated("app-spoof", Some(&own)).await;
    tenant.own.apply(&tenant.space.account_path("app-spoof"), "irsa-operator%2Fapp-spoof", &lie).await;
    goes(tenant, "app-spoof").await;
}

pub async fn audiences(tenant: &Tenant) {
    tenant.ready("app-audience", "shop", reads()).await;
    let issuer = tenant.space.env.issuer.clone();
    for audience in [None, Some("https://kubernetes.default.svc"), Some(issuer.as_str()), Some("vault")] {
        let token = tenant.own.token("shop", "app-audience", audience).await;
        let body = json!({"account": tenant.space.emulator.account, "token": token});
        let answer = tenant.space.emulator.ask("POST", "/_admin/trusting".to_owned(), Some(body)).await;
        assert!(matches!(&answer["roles"], Value::Null) || answer["roles"] == json!([]), "{audience:?}: {answer}");
    }
    let arn = tenant.space.role_arn("app-audience");
    let token = tenant.own.token("shop", "app-audience", Some("sts.amazonaws.com")).await;
    tenant.space.aws.credentials(&arn, &token).await;
    let error = tenant.space.aws.web_identity(&theirs(tenant), &token).await.unwrap_err();
    assert_eq!(error, "AccessDenied");
}
