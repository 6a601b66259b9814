//! The grammar that all policies share: the outer object, statements, Sid, Effect, conditions.
//! Source: IAM user guide, "Grammar of the IAM JSON policy language".

use serde_json::{Map, Value};

pub type Statement = Map<String, Value>;

pub const SYNTAX: &str = "Syntax errors in policy.";

const OPERATORS: [&str; 26] = [
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
];

/// The statements of a document, or what is wrong with it from the outside.
pub fn statements(document: &Value) -> Result<Vec<&Statement>, String> {
    let outer = document.as_object().ok_or(SYNTAX)?;
    if outer.keys().any(|key| !["Version", "Id", "Statement"].contains(&key.as_str())) {
        return Err(SYNTAX.to_owned());
    }
    match outer.get("Version") {
        None => {}
        Some(version) if version == "2012-10-17" || version == "2008-10-17" => {}
        Some(_) => return Err(SYNTAX.to_owned()),
    }
    let all: Vec<&Value> = match outer.get("Statement") {
        Some(Value::Array(all)) if !all.is_empty() => all.iter().collect(),
        Some(one @ Value::Object(_)) => vec![one],
        _ => return Err(SYNTAX.to_owned()),
    };
    all.into_iter().map(|one| one.as_object().ok_or_else(|| SYNTAX.to_owned())).collect()
}

/// One string or a list of them that is not empty.
pub fn words(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(many) if !many.is_empty() => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

pub fn unique_sids(statements: &[&Statement]) -> Result<(), String> {
    let mut seen: Vec<&str> = Vec::new();
    for sid in statements.iter().filter_map(|one| one.get("Sid")) {
        let sid = sid.as_str().ok_or(SYNTAX)?;
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*".to_owned());
        }
        if !sid.is_empty() && seen.contains(&sid) {
            return Err("Statement IDs (SID) in a single policy must be unique.".to_owned());
        }
        seen.push(sid);
    }
    Ok(())
}

pub fn condition(value: &Value) -> Result<(), String> {
    let operators = value.as_object().ok_or(SYNTAX)?;
    for (operator, keys) in operators {
        let bare = operator.strip_prefix("ForAnyValue:").or_else(|| operator.strip_prefix("ForAllValues:"));
        let bare = bare.unwrap_or(operator);
        let bare = bare.strip_suffix("IfExists").unwrap_or(bare);
        if bare != "Null" && !OPERATORS.contains(&bare) {
            return Err(format!("Invalid Condition type : {operator}."));
        }
        for (key, values) in keys.as_object().ok_or(SYNTAX)? {
            let scalar = |value: &Value| value.is_string() || value.is_boolean() || value.is_number();
            let fits = match values {
                Value::Array(many) => many.iter().all(scalar),
                one => scalar(one),
            };
            if !fits || key.is_empty() {
                return Err(SYNTAX.to_owned());
            }
        }
    }
    Ok(())
}
