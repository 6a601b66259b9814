//! What tenants try, with the admission policies, which say most of it at once. That the operator holds them alone is tried
//! end to end.

#[allow(dead_code)]
#[path = "../e2e/attacks/tenant/mod.rs"]
mod tenant;

#[tokio::test]
async fn admission_and_operator_hold_a_tenant() {
    tenant::attack(true).await;
}
