//! Where the crate's evaluator differs from AWS, the policy is rewritten for the one question before it is asked:
//! ARN conditions are decided here, tag keys get the spelling that the tag has (they compare without regard to
//! case), ForAllValues on an absent key holds, and an ARN that lacks parts is completed with `*`.
//! Source: IAM user guide, "ARN condition operators", "Multivalued context keys" ("ForAllValues also returns true if
//! there are no context keys in the request"), `aws:ResourceTag` ("tag keys are not case-sensitive"), and "IAM
//! identifiers" ("`arn:aws:sqs` is equivalent to `arn:aws:sqs:*:*:*`").

use std::collections::HashMap;

use fakecloud_core::auth::ConditionContext;
use serde_json::{Map, Value};

use super::arnlike;

pub fn specialised(document: &Value, context: &ConditionContext) -> Value {
    let mut document = document.clone();
    let statements = document.get_mut("Statement");
    if let Some(Value::Array(many)) = statements {
        many.retain_mut(|one| keep(one, context));
    } else if let Some(one) = statements
        && !keep(one, context)
    {
        *one = Value::Array(Vec::new());
    }
    document
}

/// Decides what is decided here; false where the statement cannot apply any more.
fn keep(statement: &mut Value, context: &ConditionContext) -> bool {
    for element in ["Resource", "NotResource"] {
        match statement.get_mut(element) {
            Some(Value::Array(many)) => many.iter_mut().for_each(complete),
            Some(one) => complete(one),
            None => {}
        }
    }
    let Some(Value::Object(operators)) = statement.get_mut("Condition") else { return true };
    for (operator, keys) in operators.iter_mut() {
        let Value::Object(keys) = keys else { continue };
        let spelled: Map<String, Value> =
            std::mem::take(keys).into_iter().map(|(key, value)| (spelling(&key, context), value)).collect();
        for (key, values) in spelled {
            match decided(operator, &key, &values, context) {
                Some(true) => {}
                Some(false) => return false,
                None => {
                    keys.insert(key, values);
                }
            }
        }
    }
    operators.retain(|_, keys| keys.as_object().is_none_or(|keys| !keys.is_empty()));
    true
}

/// Variables hold colons that are none of the ARN's.
fn complete(resource: &mut Value) {
    let Value::String(text) = resource else { return };
    let (mut colons, mut inside) = (0, false);
    for c in text.chars() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            ':' if !inside => colons += 1,
            _ => {}
        }
    }
    if text.starts_with("arn:") && colons < 5 {
        text.push_str(&":*".repeat(5 - colons));
    }
}

fn spelling(key: &str, context: &ConditionContext) -> String {
    let Some((kind, tag)) = key.split_once('/') else { return key.to_owned() };
    let tags: &Option<HashMap<String, String>> = match kind.to_ascii_lowercase().as_str() {
        "aws:resourcetag" => &context.resource_tags,
        "aws:requesttag" => &context.request_tags,
        "aws:principaltag" => &context.principal_tags,
        _ => return key.to_owned(),
    };
    let lower = tag.to_lowercase();
    let found = tags.iter().flatten().find(|(name, _)| name.to_lowercase() == lower);
    found.map_or_else(|| key.to_owned(), |(name, _)| format!("{kind}/{name}"))
}

fn decided(operator: &str, key: &str, values: &Value, context: &ConditionContext) -> Option<bool> {
    let (set, bare) = match operator.split_once(':') {
        Some((set, bare)) => (set, bare),
        None => ("", operator),
    };
    let there = context.lookup(key).filter(|values| !values.is_empty());
    if set == "ForAllValues" && there.is_none() {
        return Some(true);
    }
    let (bare, if_exists) = match bare.strip_suffix("IfExists") {
        Some(bare) => (bare, true),
        None => (bare, false),
    };
    let negated = match bare {
        "ArnLike" | "ArnEquals" => false,
        "ArnNotLike" | "ArnNotEquals" => true,
        _ => return None,
    };
    let patterns: Vec<&str> = match values {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    // Variables are the crate's.
    if patterns.iter().any(|pattern| pattern.contains("${")) {
        return None;
    }
    let Some(there) = there else { return Some(if_exists || (negated && set.is_empty())) };
    let fits = |value: &String| patterns.iter().any(|pattern| arnlike::matches(pattern, value)) != negated;
    Some(if set == "ForAllValues" { there.iter().all(fits) } else { there.iter().any(fits) })
}
