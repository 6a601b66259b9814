//! The grammar of trust policies.
//! Source: sentences from reports of CreateRole and UpdateAssumeRolePolicy (`Has prohibited field Resource`,
//! `Missing required field Principal`, `AssumeRole policy may only specify STS AssumeRole actions.`, `Federated
//! principals must be valid domain names or SAML metadata ARNs`); for the rest the general one stands.

use serde_json::Value;

use super::grammar::{self, Statement, words};
use super::malformed;
use crate::answer::Refusal;

const ACTIONS: [&str; 8] = [
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
    "sts:*",
    "*",
];

const FIELDS: [&str; 7] = ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"];

pub fn check(text: &str) -> Result<(), Refusal> {
    if text.starts_with(char::is_whitespace) {
        return Err(malformed("JSON strings must not have leading spaces"));
    }
    let document: Value = serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json"))?;
    let statements = grammar::statements(&document).map_err(malformed)?;
    for one in &statements {
        statement(one).map_err(malformed)?;
    }
    grammar::unique_sids(&statements).map_err(malformed)
}

fn statement(one: &Statement) -> Result<(), String> {
    for key in one.keys() {
        if key == "Resource" || key == "NotResource" {
            return Err(format!("Has prohibited field {key}"));
        }
        if !FIELDS.contains(&key.as_str()) {
            return Err(grammar::SYNTAX.to_owned());
        }
    }
    match one.get("Effect").map(Value::as_str) {
        Some(Some("Allow" | "Deny")) => {}
        None => return Err("Missing required field Effect".to_owned()),
        Some(_) => return Err(grammar::SYNTAX.to_owned()),
    }
    let principal = match (one.get("Principal"), one.get("NotPrincipal")) {
        (Some(principal), None) | (None, Some(principal)) => principal,
        (None, None) => return Err("Missing required field Principal".to_owned()),
        _ => return Err(grammar::SYNTAX.to_owned()),
    };
    principals(principal)?;
    let actions = match (one.get("Action"), one.get("NotAction")) {
        (Some(actions), None) | (None, Some(actions)) => actions,
        (None, None) => return Err("Missing required field Action".to_owned()),
        _ => return Err(grammar::SYNTAX.to_owned()),
    };
    for action in words(actions).ok_or(grammar::SYNTAX)? {
        let lower = action.to_lowercase();
        let is_pattern = lower.starts_with("sts:") && lower.contains('*');
        if !is_pattern && !ACTIONS.contains(&lower.as_str()) {
            return Err("AssumeRole policy may only specify STS AssumeRole actions.".to_owned());
        }
    }
    one.get("Condition").map_or(Ok(()), grammar::condition)
}

fn principals(value: &Value) -> Result<(), String> {
    let kinds = match value {
        Value::String(star) if star == "*" => return Ok(()),
        Value::Object(kinds) if !kinds.is_empty() => kinds,
        _ => return Err(grammar::SYNTAX.to_owned()),
    };
    for (kind, named) in kinds {
        if !["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind.as_str()) {
            return Err(grammar::SYNTAX.to_owned());
        }
        for name in words(named).ok_or(grammar::SYNTAX)? {
            let fits = match kind.as_str() {
                "Federated" => federated(name),
                "Service" => name.contains('.') && !name.contains([':', '/', '*']),
                _ => !name.is_empty(),
            };
            if !fits && kind == "Federated" {
                return Err("Federated principals must be valid domain names or SAML metadata ARNs".to_owned());
            }
            if !fits {
                return Err(format!("Invalid principal in policy: \"{}\":\"{name}\"", kind.to_uppercase()));
            }
        }
    }
    Ok(())
}

/// A domain name, or the ARN of a SAML or OIDC provider.
fn federated(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("arn:") else {
        return name.contains('.') && !name.contains([':', '*', ' ']) && !name.starts_with('.');
    };
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    let [partition, "iam", "", account, resource] = parts.as_slice() else { return false };
    partition.starts_with("aws")
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && ["oidc-provider/", "saml-provider/"]
            .iter()
            .any(|kind| resource.strip_prefix(kind).is_some_and(|name| !name.is_empty()))
}
