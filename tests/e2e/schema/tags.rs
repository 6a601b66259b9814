//! The rules of tags, which are the same on both kinds.

use super::{Case, no, yes};
use serde_json::{Map, Value, json};

pub fn tag_cases() -> Vec<Case> {
    let (at, value_at) = ("spec.role.tags", "spec.role.tags[k]");
    let tags = |tags: Value| json!({"spec": {"role": {"tags": tags}}});
    let one = |key: &str, value: &str| tags(Value::Object(Map::from_iter([(key.to_owned(), json!(value))])));
    let many = |count: usize| tags((0..count).map(|i| (format!("key-{i}"), json!("v"))).collect::<Map<_, _>>().into());
    vec![
        yes("tags", tags(json!({"team": "billing", "Cost Centre": "", "a_.:/=+-@\u{e9}": "b_.:/=+-@ \u{e9}\u{4e16}"}))),
        yes("variables in a tag's value", one("team", "$(namespace)/$(name) $(serviceAccount)")),
        no("an empty key", one("", "v"), at, "a tag's key has 1 to 128 characters"),
        yes("a key of 128 characters", one(&"\u{e9}".repeat(128), "v")),
        no("a key of 129", one(&"k".repeat(129), "v"), at, "a tag's key has 1 to 128 characters"),
        no(
            "a key with other characters",
            one("a;b", "v"),
            at,
            "a tag's key holds letters, digits, spaces and _.:/=+-@",
        ),
        no("a key with a variable", one("$(name)", "v"), at, "a tag's key holds letters, digits, spaces and _.:/=+-@"),
        yes("a value of 256 characters", one("k", &"\u{e9}".repeat(256))),
        no("a value of 257", one("k", &"v".repeat(257)), "spec.role.tags.k", "may not be more than 256"),
        no("a value with other characters", one("k", "a*"), value_at, "a tag's value holds letters, digits, spaces"),
        no("a value with a line break", one("k", "a\n"), value_at, "a tag's value holds letters, digits, spaces"),
        no(
            "a value with an unknown variable",
            one("k", "$(team)"),
            value_at,
            "$( begins a variable: write one of $(namespace)",
        ),
        no("a key of AWS", one("AWS:team", "v"), at, "keys of tags that begin with aws: are kept for AWS"),
        no("a key of ours", one("IRSA-operator.IO/hold", "v"), at, "begin with irsa-operator.io/ say whose a role is"),
        no(
            "keys in two cases",
            tags(json!({"Team": "a", "team": "b"})),
            at,
            "two tags have the same key but for upper and lower case",
        ),
        yes("40 tags", many(40)),
        no("41 tags", many(41), at, "must have at most 40 items"),
    ]
}
