//! The normal form of documents. It must be blind to what AWS changes on storing, or every reconcile would write; and
//! to nothing that has a meaning, or drift would stay. Where a document is stranger than the grammar allows, the
//! strange part is kept as it stands.
//!
//! Blind to: the order of statements, lists and keys; one value or a list of it; repeated values in a list; the case of
//! actions, condition operators and condition keys; `5` or `"5"`, `true` or `"true"` in conditions; an account's
//! number or the ARN of its root; `"*"` or `{"AWS": "*"}` as principal; empty Sid, Condition and Principal; a missing
//! Version and the one that IAM takes then (IAM user guide, "JSON element reference: Version").

use super::text;
use crate::iam::arn::is_account;
use serde_json::{Map, Value};

const VERSION_IF_ABSENT: &str = "2008-10-17";

/// The normal form. That of a normal form is itself.
pub(super) fn document(value: &Value) -> Value {
    let elements = match value {
        Value::Object(elements) => elements,
        Value::Array(items) => match &items[..] {
            [] => &Map::new(),
            [only] => return document(only),
            _ => return value.clone(),
        },
        _ => return value.clone(),
    };
    let mut normal = elements.clone();
    normal.entry("Version").or_insert_with(|| VERSION_IF_ABSENT.into());
    let statements = elements.get("Statement").map(items).unwrap_or_default();
    normal.insert("Statement".to_owned(), sorted(statements.iter().map(statement).collect()));
    Value::Object(normal)
}

/// Whether a normal form has statements and each of them denies.
pub(super) fn only_denies(normal: &Value) -> bool {
    let statements = normal.get("Statement").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    !statements.is_empty() && statements.iter().all(|statement| statement["Effect"] == "Deny")
}

fn statement(value: &Value) -> Value {
    let Value::Object(elements) = value else { return value.clone() };
    let normal = elements.iter().filter_map(|(name, value)| {
        let value = match name.as_str() {
            "Sid" if value == "" => None,
            "Effect" => Some(effect(value)),
            "Action" | "NotAction" => Some(set(value, |action| map_text(action, |text| text.to_ascii_lowercase()))),
            "Resource" | "NotResource" => Some(set(value, Value::clone)),
            "Principal" | "NotPrincipal" => principal(value),
            "Condition" => condition(value),
            _ => Some(value.clone()),
        };
        Some((name.clone(), value?))
    });
    Value::Object(normal.collect())
}

fn effect(value: &Value) -> Value {
    map_text(value, |text| match text {
        _ if text.eq_ignore_ascii_case("Allow") => "Allow".to_owned(),
        _ if text.eq_ignore_ascii_case("Deny") => "Deny".to_owned(),
        _ => text.to_owned(),
    })
}

fn principal(value: &Value) -> Option<Value> {
    if value == "*" {
        return Some(serde_json::json!({"AWS": ["*"]}));
    }
    let Value::Object(types) = value else { return Some(value.clone()) };
    let normal: Map<String, Value> = types
        .iter()
        .filter(|(_, names)| names.as_array().is_none_or(|names| !names.is_empty()))
        .map(|(kind, names)| {
            let names =
                if kind == "AWS" { set(names, |name| map_text(name, account)) } else { set(names, Value::clone) };
            (kind.clone(), names)
        })
        .collect();
    (!normal.is_empty()).then_some(Value::Object(normal))
}

/// The account's number for the ARN of its root; everything else, a unique id of a deleted role too, is a value.
fn account(name: &str) -> String {
    let root = || {
        let parts: Vec<&str> = name.split(':').collect();
        match parts[..] {
            ["arn", _, "iam", "", account, "root"] if is_account(account) => Some(account.to_owned()),
            _ => None,
        }
    };
    root().unwrap_or_else(|| name.to_owned())
}

fn condition(value: &Value) -> Option<Value> {
    let Value::Object(operators) = value else { return Some(value.clone()) };
    let operators = operators.iter().filter_map(|(operator, keys)| match keys {
        Value::Object(keys) if keys.is_empty() => None,
        Value::Object(keys) => {
            let keys = keys.iter().map(|(key, values)| (key.clone(), set(values, condition_value)));
            Some((operator.clone(), fold_keys(keys.collect())))
        }
        _ => Some((operator.clone(), keys.clone())),
    });
    let operators: Map<String, Value> = operators.collect();
    (!operators.is_empty()).then(|| fold_keys(operators))
}

fn condition_value(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::String(value.to_string()),
        _ => value.clone(),
    }
}

/// Keys without regard to case. Keys that differ in case only stay as they are: to merge their values would make one
/// condition of two.
fn fold_keys(members: Map<String, Value>) -> Value {
    let twins = |key: &str| members.keys().filter(|other| other.eq_ignore_ascii_case(key)).count() > 1;
    let folded = members.iter().map(|(key, value)| {
        let key = if twins(key) { key.clone() } else { key.to_ascii_lowercase() };
        (key, value.clone())
    });
    Value::Object(folded.collect())
}

fn set(value: &Value, each: impl Fn(&Value) -> Value) -> Value {
    let mut values: Vec<Value> = Vec::new();
    for value in items(value).iter().map(each) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    sorted(values)
}

fn sorted(mut values: Vec<Value>) -> Value {
    values.sort_by_cached_key(text::write);
    Value::Array(values)
}

/// A list, or one value as a list of it.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

fn map_text(value: &Value, change: impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        other => other.clone(),
    }
}
