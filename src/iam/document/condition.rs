//! The `Condition` of a statement: operator, then key, then values.

use super::DocumentError;
use crate::iam::json_path::{excerpt, item, member};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// All operators (IAM user guide, "JSON policy elements: Condition operators"). IAM takes them in any case of letters.
const OPERATORS: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

type Checked = Result<(), DocumentError>;

/// Checks the value of `Condition`, which stands at `path`.
pub(super) fn check(path: &str, value: &Value) -> Checked {
    let operators = object(path, value, "operators, as {\"StringEquals\": {\"aws:SourceAccount\": \"…\"}}")?;
    for (name, keys) in operators {
        let path = member(path, name);
        if !is_operator(name) {
            return wrong(path, format!("{:?} is no condition operator", excerpt(name)));
        }
        let keys = object(&path, keys, "condition keys and their values")?;
        for (key, values) in keys {
            let path = member(&path, key);
            // Among others one that JSON libraries take for their own.
            if !key.starts_with(|c: char| c.is_ascii_alphabetic()) {
                return wrong(path, "a condition key begins with a letter, as aws:SourceAccount");
            }
            check_values(&path, values)?;
        }
        twins(&path, keys)?;
    }
    twins(path, operators)
}

fn is_operator(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = ["forallvalues:", "foranyvalue:"].iter().find_map(|set| name.strip_prefix(set)).unwrap_or(&name);
    let name = name.strip_suffix("ifexists").filter(|base| *base != "null").unwrap_or(name);
    OPERATORS.iter().any(|operator| operator.eq_ignore_ascii_case(name))
}

fn check_values(path: &str, values: &Value) -> Checked {
    let check_one = |path: &str, value: &Value| match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Ok(()),
        _ => wrong(path, "must be a string, number or boolean, or a list of those"),
    };
    match values {
        Value::Array(list) if list.is_empty() => {
            wrong(path, "is an empty list, and so no condition at all; list values or leave the key out")
        }
        Value::Array(list) => {
            list.iter().enumerate().try_for_each(|(index, value)| check_one(&item(path, index), value))
        }
        value => check_one(path, value),
    }
}

/// An object that holds something: AWS takes an empty one, and it does not restrict anything.
fn object<'a>(path: &str, value: &'a Value, of: &str) -> Result<&'a Map<String, Value>, DocumentError> {
    match value {
        Value::Object(members) if members.is_empty() => {
            Err(DocumentError::new(path, "is empty, and so no condition at all; fill it or leave it out"))
        }
        Value::Object(members) => Ok(members),
        _ => Err(DocumentError::new(path, format!("must be an object of {of}"))),
    }
}

/// Refuses keys that differ in case only, which IAM takes for the same.
fn twins(path: &str, members: &Map<String, Value>) -> Checked {
    let mut seen = HashSet::new();
    match members.keys().find(|key| !seen.insert(key.to_ascii_lowercase())) {
        Some(twin) => wrong(member(path, twin), "stands here twice, in two cases of letters; merge the two"),
        None => Ok(()),
    }
}

fn wrong(path: impl Into<String>, message: impl Into<String>) -> Checked {
    Err(DocumentError::new(path, message))
}
