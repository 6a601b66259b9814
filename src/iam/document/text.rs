//! JSON text of a document: compact, and the same for the same value.

use serde_json::Value;

/// The elements of a policy, in the order in which AWS's own documents have them. All other keys follow, sorted.
const ORDER: [&str; 12] = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// `value` as compact JSON.
pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    write_to(&mut out, value);
    out
}

/// The characters of a JSON text that are not white space. This counts as `GetAccountSummary` words it ("in
/// non-whitespace characters"), white space within strings included: where that is too little, AWS still refuses.
pub(super) fn size(json: &str) -> usize {
    json.chars().filter(|c| !c.is_whitespace()).count()
}

fn write_to(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => list(out, '[', ']', items, write_to),
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(key, _)| (rank(key), *key));
            list(out, '{', '}', members, |out, (key, value)| {
                write_to(out, &Value::String(key.clone()));
                out.push(':');
                write_to(out, value);
            });
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn list<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

fn rank(key: &str) -> usize {
    ORDER.iter().position(|element| *element == key).unwrap_or(ORDER.len())
}
