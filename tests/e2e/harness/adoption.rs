//! What it takes to take over roles, and roles as others make them.

use super::{Emulator, Env, Operator, operator_policy};
use serde_json::{Value, json};
use std::sync::Arc;

/// The operator's role may take over roles.
pub async fn allow_adoption(env: &Env) {
    let mut policy = operator_policy(&["--account", &env.emulator.account, "--adoption"]);
    let ours = |statement: &Value| ["Offered", "Adopted"].iter().any(|of| statement["Sid"].to_string().contains(of));
    policy["Statement"].as_array_mut().expect("statements").retain(ours);
    let put = env.aws().iam.put_role_policy().role_name("irsa-operator").policy_name("adoption");
    put.policy_document(policy.to_string()).send().await.expect("the policy");
}

/// An environment whose operator may take over roles, and whose default class lets it.
pub async fn adopting(name: &str, flags: &[&str]) -> (Arc<Env>, Operator) {
    let env = Env::own(name);
    allow_adoption(&env).await;
    let mut operator = Operator::start(&env, flags);
    operator.ready().await;
    env.default_class().await;
    allow(&env, json!({"enabled": true})).await;
    (env, operator)
}

/// What the default class allows.
pub async fn allow(env: &Env, adopt: Value) {
    let path = format!("{}/default", super::paths::CLASSES);
    env.kube().await.patch(&path, &json!({"spec": {"allow": {"adopt": adopt}}})).await;
}

/// Puts roles there as others made them.
pub async fn seed(emulator: &Emulator, roles: Vec<Value>) {
    let body = json!({"account": emulator.account, "roles": roles});
    emulator.ask("POST", "/_admin/state/roles".to_owned(), Some(body)).await;
}

/// A trust policy as tools write it.
pub fn trust(env: &Env, operator: &str, subject: &str) -> Value {
    let issuer = env.issuer.trim_start_matches("https://");
    let mut claims = json!({});
    claims[format!("{issuer}:sub")] = json!(subject);
    claims[format!("{issuer}:aud")] = json!("sts.amazonaws.com");
    let mut condition = json!({});
    condition[operator] = claims;
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": env.provider_arn()},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}]})
}
