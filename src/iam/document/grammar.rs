//! What a user may write: an identity policy by the "Grammar of the IAM JSON policy language" (IAM user guide). Strict
//! where AWS would refuse the policy later, or take it and do something else than its author believes.

use super::condition;
use super::{DocumentError, VERSION};
use crate::iam::json_path::{excerpt, item, member};
use serde_json::{Map, Value};
use std::collections::HashMap;

type Checked = Result<(), DocumentError>;
type Object = Map<String, Value>;

const DOCUMENT: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT: [&str; 7] = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Checks a whole document; the first fault ends it.
pub(super) fn check(value: &Value) -> Checked {
    let Value::Object(document) = value else {
        return wrong("", "a policy is an object with Version and Statement");
    };
    characters("", value)?;
    elements("", document, &DOCUMENT)?;
    match document.get("Version") {
        Some(Value::String(version)) if version == VERSION => {}
        None => return wrong("Version", format!("is missing; write Version: \"{VERSION}\"")),
        Some(other) => {
            return wrong("Version", format!("is {}; write \"{VERSION}\", in quotes", excerpt(&other.to_string())));
        }
    }
    if let Some(id) = document.get("Id")
        && !id.is_string()
    {
        return wrong("Id", "must be a string");
    }
    let mut sids = HashMap::new();
    let mut check_statement = |path: &str, value: &Value| {
        let Value::Object(found) = value else { return wrong(path, "a statement is an object with Effect and Action") };
        statement(path, found)?;
        let sid = found.get("Sid").and_then(Value::as_str).unwrap_or_default();
        match sids.insert(sid.to_owned(), path.to_owned()) {
            Some(first) if !sid.is_empty() => wrong(
                member(path, "Sid"),
                format!("{sid:?} is the Sid of {first} too; each must be another, or leave it out"),
            ),
            _ => Ok(()),
        }
    };
    match document.get("Statement") {
        None => wrong("Statement", "is missing; write a list of statements"),
        Some(Value::Array(list)) if list.is_empty() => wrong("Statement", "is empty; write a list of statements"),
        Some(Value::Array(list)) => {
            list.iter().enumerate().try_for_each(|(index, value)| check_statement(&item("Statement", index), value))
        }
        Some(value @ Value::Object(_)) => check_statement("Statement", value),
        Some(_) => wrong("Statement", "must be a list of statements, or one statement"),
    }
}

fn statement(path: &str, found: &Object) -> Checked {
    elements(path, found, &STATEMENT)?;
    match found.get("Sid") {
        None => {}
        Some(Value::String(sid)) if sid.bytes().all(|b| b.is_ascii_alphanumeric()) => {}
        Some(_) => return wrong(member(path, "Sid"), "must be a string of letters and digits only"),
    }
    match found.get("Effect") {
        Some(Value::String(effect)) if effect == "Allow" || effect == "Deny" => {}
        None => return wrong(member(path, "Effect"), "is missing; write \"Allow\" or \"Deny\""),
        Some(_) => return wrong(member(path, "Effect"), "must be \"Allow\" or \"Deny\", in this case of letters"),
    }
    one_of(path, found, "Action", "NotAction", action)?;
    one_of(path, found, "Resource", "NotResource", resource)?;
    found.get("Condition").map_or(Ok(()), |value| condition::check(&member(path, "Condition"), value))
}

/// Refuses every key that is not `known`, with a hint where it is near to one that is.
fn elements(path: &str, found: &Object, known: &[&str]) -> Checked {
    let plain = |key: &str| key.to_ascii_lowercase().replace(['_', '-', ' '], "").trim_end_matches('s').to_owned();
    let Some(key) = found.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let message = match known.iter().find(|element| plain(element) == plain(key)) {
        _ if ["principal", "notprincipal"].contains(&plain(key).as_str()) => {
            "does not belong into a role's permissions, whose principal is the role; who may assume the role follows \
             from serviceAccount and trust"
                .to_owned()
        }
        Some(near) if found.contains_key(*near) => format!("is no element of a policy; {near} is there already"),
        Some(near) => format!("is no element of a policy; did you mean {near}?"),
        None => format!("is no element that can stand here; those are {}", known.join(", ")),
    };
    wrong(member(path, key), message)
}

/// Exactly one of two elements, and in it one string or a list of them.
fn one_of(path: &str, found: &Object, plain: &str, negated: &str, check: impl Fn(&str) -> Option<String>) -> Checked {
    let (name, value) = match (found.get(plain), found.get(negated)) {
        (Some(_), Some(_)) => {
            return wrong(member(path, negated), format!("can't stand beside {plain}; keep one of the two"));
        }
        (None, None) => return wrong(member(path, plain), format!("is missing; write {plain} (or {negated})")),
        (Some(value), None) => (plain, value),
        (None, Some(value)) => (negated, value),
    };
    let path = member(path, name);
    let check_text = |path: &str, value: &Value| match value {
        Value::String(text) => check(text).map_or(Ok(()), |problem| wrong(path, problem)),
        _ => wrong(path, "must be a string"),
    };
    match value {
        Value::Array(list) if list.is_empty() => wrong(&path, "is an empty list, so the statement would do nothing"),
        Value::Array(list) => {
            list.iter().enumerate().try_for_each(|(index, value)| check_text(&item(&path, index), value))
        }
        value => check_text(&path, value),
    }
}

fn action(text: &str) -> Option<String> {
    let part = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"*?-_".contains(&b));
    let valid = text == "*" || text.split_once(':').is_some_and(|(service, name)| part(service) && part(name));
    (!valid)
        .then(|| format!("{:?} is no action; write service:Name, as s3:GetObject or s3:Get*, or \"*\"", excerpt(text)))
}

fn resource(text: &str) -> Option<String> {
    let valid = text == "*" || text.starts_with("arn:");
    (!valid).then(|| {
        format!("{:?} is no ARN; write arn:$(partition):SERVICE:REGION:ACCOUNT:RESOURCE, or \"*\"", excerpt(text))
    })
}

/// The characters that IAM takes in a document (IAM API reference, `policyDocumentType`).
fn characters(path: &str, value: &Value) -> Checked {
    let text = |path: &str, text: &str| match text.chars().find(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')) {
        Some(c) => wrong(path, format!("holds the character {c:?}, which IAM refuses; it takes Latin-1 only")),
        None => Ok(()),
    };
    match value {
        Value::String(found) => text(path, found),
        Value::Array(list) => list.iter().enumerate().try_for_each(|(i, value)| characters(&item(path, i), value)),
        Value::Object(members) => members.iter().try_for_each(|(key, value)| {
            let path = member(path, key);
            text(&path, key)?;
            characters(&path, value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn wrong(path: impl Into<String>, message: impl Into<String>) -> Checked {
    Err(DocumentError::new(path, message))
}
