//! What IAM keeps of a document: the same meaning, not the same text.
//! Source: reports of what comes back: one-element arrays as single values, arrays and condition keys in another
//! order, a Version filled in, an account number as its root ARN, white space gone.

use serde_json::{Map, Value, json};

/// The document as IAM would keep it; `None` where it is no JSON object.
pub fn rewritten(text: &str, trust: bool, partition: &str) -> Option<String> {
    let Value::Object(outer) = serde_json::from_str(text).ok()? else { return None };
    let mut parts = vec![format!("\"Version\":{}", outer.get("Version").unwrap_or(&json!("2008-10-17")))];
    if let Some(id) = outer.get("Id") {
        parts.push(format!("\"Id\":{id}"));
    }
    let statements = match outer.get("Statement")? {
        Value::Array(many) => many.iter().map(|one| statement(one, trust, partition)).collect(),
        one => vec![statement(one, trust, partition)],
    };
    parts.push(format!("\"Statement\":{}", Value::Array(statements)));
    Some(format!("{{{}}}", parts.join(",")))
}

fn statement(value: &Value, trust: bool, partition: &str) -> Value {
    let Value::Object(fields) = value else { return value.clone() };
    let mut out = Map::new();
    for (name, value) in fields {
        let kept = match name.as_str() {
            "Principal" | "NotPrincipal" => principal(value, trust, partition),
            "Condition" => by_key(value, |keys| by_key(keys, list)),
            "Action" | "NotAction" | "Resource" | "NotResource" => list(value),
            _ => value.clone(),
        };
        out.insert(name.clone(), kept);
    }
    Value::Object(out)
}

fn by_key(value: &Value, change: impl Fn(&Value) -> Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), change(value))).collect()),
        other => other.clone(),
    }
}

fn principal(value: &Value, trust: bool, partition: &str) -> Value {
    let root = |value: Value| match value.as_str() {
        Some(id) if trust && id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) => {
            json!(format!("arn:{partition}:iam::{id}:root"))
        }
        _ => value,
    };
    by_key(value, |named| match named {
        Value::Array(many) => list(&Value::Array(many.iter().cloned().map(root).collect())),
        one => root(one.clone()),
    })
}

/// One element stands alone; several come in another order.
fn list(value: &Value) -> Value {
    match value {
        Value::Array(many) if many.len() == 1 => many[0].clone(),
        Value::Array(many) => Value::Array(many.iter().rev().cloned().collect()),
        one => one.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_meaning_in_another_text() {
        let sent = r#"{ "Statement": {"Effect":"Allow","Principal":{"AWS":["111122223333"]},"Action":["sts:AssumeRole","sts:TagSession"],
            "Condition":{"StringEquals":{"b":["x"],"a":["1","2"]}}} }"#;
        let kept = rewritten(sent, true, "aws-cn").expect("an object");
        let expected = concat!(
            r#"{"Version":"2008-10-17","Statement":[{"Action":["sts:TagSession","sts:AssumeRole"],"#,
            r#""Condition":{"StringEquals":{"a":["2","1"],"b":"x"}},"Effect":"Allow","#,
            r#""Principal":{"AWS":"arn:aws-cn:iam::111122223333:root"}}]}"#
        );
        assert_eq!(kept, expected);
        assert_eq!(rewritten("no", true, "aws"), None);
    }
}
