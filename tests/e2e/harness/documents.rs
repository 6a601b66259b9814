//! Policy documents.

use serde_json::{Value, json};

/// A policy with this effect on one action.
pub fn document(effect: &str, action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}]})
}

/// A policy that allows one action.
pub fn allow(action: &str) -> Value {
    document("Allow", action)
}

/// A policy that denies one action.
pub fn deny(action: &str) -> Value {
    document("Deny", action)
}

/// An inline policy as a spec has it.
pub fn inline(name: &str, document: Value) -> Value {
    json!({"name": name, "document": document})
}

/// The ARN of a policy of AWS.
pub fn aws(name: &str) -> String {
    format!("arn:aws:iam::aws:policy/{name}")
}
