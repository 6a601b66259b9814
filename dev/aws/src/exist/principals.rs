//! Principals named in trust policies: they must be there, and a deleted role's ARN turns into its id in every
//! trust policy of every account.
//! Source: IAM user guide, "Principal element" (ARNs are kept as unique ids); `Invalid principal in policy` from
//! reports of CreateRole. An account that the emulator does not know may be named by its root.

use fakecloud_core::multi_account::MultiAccountState;
use fakecloud_iam::IamState;
use serde_json::Value;

use crate::answer::Refusal;
use crate::call::Call;
use crate::world::{World, lag};

/// The AWS principals that a trust policy names.
fn named(text: &str) -> Vec<String> {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let statements = match &document["Statement"] {
        Value::Array(many) => many.iter().collect(),
        one => vec![one],
    };
    let mut out = Vec::new();
    for statement in statements {
        for field in ["Principal", "NotPrincipal"] {
            match &statement[field]["AWS"] {
                Value::String(one) => out.push(one.clone()),
                Value::Array(many) => out.extend(many.iter().filter_map(Value::as_str).map(str::to_owned)),
                _ => {}
            }
        }
    }
    out
}

pub fn check(world: &World, call: &Call) -> Result<(), Refusal> {
    let text = match call.op.as_str() {
        "CreateRole" => call.get("AssumeRolePolicyDocument"),
        "UpdateAssumeRolePolicy" => call.get("PolicyDocument"),
        _ => None,
    };
    let accounts = world.iam.read();
    for principal in named(text.unwrap_or("")) {
        if !there(&accounts, &principal) || lag::unknown_principal(world, &principal) {
            return Err(invalid(&principal));
        }
    }
    Ok(())
}

pub fn invalid(principal: &str) -> Refusal {
    let message = format!("Invalid principal in policy: \"AWS\":\"{principal}\"");
    Refusal::new(400, "MalformedPolicyDocument", message)
}

fn there(accounts: &MultiAccountState<IamState>, principal: &str) -> bool {
    if principal == "*" || (principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit())) {
        return true;
    }
    if principal.starts_with("AROA") {
        return accounts.iter().any(|(_, state)| state.roles.values().any(|role| role.role_id == principal));
    }
    let parts: Vec<&str> = principal.splitn(6, ':').collect();
    let ["arn", _, service, "", account, resource] = parts.as_slice() else { return false };
    let state = accounts.get(account);
    match (*service, resource.split_once('/')) {
        ("iam", None) => *resource == "root",
        ("iam", Some(("role", path))) => {
            let name = path.rsplit('/').next().unwrap_or("");
            state.and_then(|state| state.roles.get(name)).is_some_and(|role| role.arn == principal)
        }
        ("iam", Some(("user", path))) => {
            let name = path.rsplit('/').next().unwrap_or("");
            state.and_then(|state| state.users.get(name)).is_some_and(|user| user.arn == principal)
        }
        ("sts", Some(("assumed-role", session))) => {
            let name = session.split('/').next().unwrap_or("");
            state.is_some_and(|state| state.roles.contains_key(name))
        }
        _ => false,
    }
}

/// Remembers whom trust policies name, so that a deletion that concerns nobody looks at nothing.
pub fn note(world: &World, text: &str) {
    let principals = named(text);
    if !principals.is_empty() {
        world.own.borrow_mut().named.extend(principals);
    }
}

/// A role is gone: where it was named its id stands now.
pub fn gone(world: &World, arn: &str, id: &str) {
    if !world.own.borrow_mut().named.remove(arn) {
        return;
    }
    let (from, to) = (format!("\"{arn}\""), format!("\"{id}\""));
    for (_, state) in world.iam.write().iter_mut() {
        for role in state.roles.values_mut() {
            if role.assume_role_policy_document.contains(&from) {
                role.assume_role_policy_document = role.assume_role_policy_document.replace(&from, &to);
            }
        }
    }
}
