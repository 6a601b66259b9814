//! What classes of tests allow.

use serde_json::{Value, json};

/// All that a class can allow: for tests that are about something else.
pub fn everything() -> Value {
    json!({
        "namespaces": {"selector": {}},
        "serviceAccounts": {"names": ["*", "default"], "create": true, "additional": true},
        "managedPolicies": ["aws:*", "account:*", "arn:aws:iam::aws:policy/AdministratorAccess"],
        "inlinePolicies": {"rules": [{"actions": ["*"], "resources": ["*"]}]},
        "tags": {"keys": ["*"]},
        "maxBindingsPerNamespace": 100_000,
        "maxSessionDurationSeconds": 43200,
    })
}

/// A class's spec that allows everything where it says nothing of it, or only of roles that are there already.
pub fn open(mut spec: Value) -> Value {
    let said = spec["allow"].take();
    let only_adopts = said.as_object().is_none_or(|allow| allow.keys().all(|key| key == "adopt"));
    spec["allow"] = if only_adopts { everything() } else { json!({}) };
    for (key, value) in said.as_object().into_iter().flatten() {
        spec["allow"][key] = value.clone();
    }
    spec
}
