//! Shapes, grammar, sizes, existence, and what comes back: each layer on in an account of its own.

mod existence;
mod shapes;

use serde_json::{Value, json};

use super::client::{Account, Answer, EC2, account, admin, get, trusts};

pub fn with(switches: Value) -> Account {
    let account = account();
    admin("POST", &format!("accounts/{}/switches", account.id), switches);
    account
}

pub fn create(account: &Account, name: &str, more: &[(&str, &str)]) -> Answer {
    let mut params = vec![("RoleName", name), ("AssumeRolePolicyDocument", EC2)];
    params.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    params.extend(more);
    account.admin.iam("CreateRole", &params)
}
