//! The two promises of the normal form, for random policies: it is blind to all that AWS may do to a document, and
//! sees every single change of meaning.

use super::{Document, normal};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Decides at each place where AWS has a choice; by numbers that repeat.
struct Choices {
    bits: Vec<u8>,
    at: usize,
}

impl Choices {
    fn next(&mut self, below: usize) -> usize {
        self.at += 1;
        usize::from(self.bits[self.at % self.bits.len()]) % below
    }

    /// The items in another order, some of them twice where `twice`, without the list where it holds but one.
    fn list(&mut self, mut items: Vec<Value>, twice: bool) -> Value {
        if twice && !items.is_empty() && self.next(3) == 0 {
            let again = items[self.next(items.len())].clone();
            items.push(again);
        }
        for end in (1..items.len()).rev() {
            let other = self.next(end + 1);
            items.swap(end, other);
        }
        match items.len() {
            1 if self.next(2) == 0 => items.remove(0),
            _ => Value::Array(items),
        }
    }

    fn case(&mut self, text: &str) -> String {
        let change = |c: char| if self.next(4) == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        text.chars().map(change).collect()
    }
}

fn items(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

/// The document as AWS might give it back.
fn stored_by_aws(value: &Value, choices: &mut Choices) -> Value {
    let mut document = value.clone();
    let statements = items(&value["Statement"]).iter().map(|statement| restate(statement, choices)).collect();
    document["Statement"] = choices.list(statements, false);
    document
}

fn restate(statement: &Value, choices: &mut Choices) -> Value {
    let mut result = Map::new();
    for (element, value) in statement.as_object().unwrap() {
        let value = match element.as_str() {
            "Action" | "NotAction" => {
                let actions = items(value).iter().map(|action| json!(choices.case(action.as_str().unwrap()))).collect();
                choices.list(actions, true)
            }
            "Resource" | "NotResource" => choices.list(items(value), true),
            "Principal" => Value::Object(
                value
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(kind, names)| (kind.clone(), principals(names, choices)))
                    .collect(),
            ),
            "Condition" => {
                let mut operators = Map::new();
                for (operator, keys) in value.as_object().unwrap() {
                    let mut new = Map::new();
                    for (key, values) in keys.as_object().unwrap() {
                        let values = items(values).iter().map(|value| requote(value, choices)).collect();
                        new.insert(choices.case(key), choices.list(values, true));
                    }
                    operators.insert(choices.case(operator), Value::Object(new));
                }
                Value::Object(operators)
            }
            _ => value.clone(),
        };
        result.insert(element.clone(), value);
    }
    Value::Object(result)
}

fn principals(names: &Value, choices: &mut Choices) -> Value {
    let name = |name: &Value, choices: &mut Choices| match name.as_str() {
        Some("111122223333") if choices.next(2) == 0 => json!("arn:aws:iam::111122223333:root"),
        _ => name.clone(),
    };
    let names = items(names).iter().map(|one| name(one, choices)).collect();
    choices.list(names, true)
}

fn requote(value: &Value, choices: &mut Choices) -> Value {
    match value {
        Value::Number(_) | Value::Bool(_) if choices.next(2) == 0 => Value::String(value.to_string()),
        _ => value.clone(),
    }
}

/// One value, or a list of values that are different to AWS.
fn one_or_list(value: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = Value> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_ascii_lowercase);
    let list = prop::collection::vec(value.clone(), 1..4).prop_map(move |mut list| {
        list.sort_by_key(text);
        list.dedup_by_key(|value| text(value));
        Value::Array(list)
    });
    prop_oneof![value, list]
}

fn condition() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        "[A-Za-z0-9*/$ é:+%\"\\\\-]{0,6}".prop_map(Value::String),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    // Each name once, whatever the case of letters.
    let key = prop::sample::subsequence(vec!["aws:SourceIp", "aws:PrincipalTag/Team", "s3:prefix"], 1..3);
    let operator =
        prop::sample::subsequence(vec!["StringEquals", "ForAnyValue:StringLike", "Bool", "NumericEquals"], 1..3);
    let values = prop::collection::vec(one_or_list(scalar), 9);
    (operator, key, values).prop_map(|(operators, keys, values)| {
        let mut values = values.into_iter().cycle();
        let mut keys_of = || keys.iter().map(|key| ((*key).to_owned(), values.next().unwrap())).collect::<Map<_, _>>();
        Value::Object(operators.iter().map(|operator| ((*operator).to_owned(), Value::Object(keys_of()))).collect())
    })
}

fn statement(trust: bool) -> impl Strategy<Value = Value> {
    let effect = prop::sample::select(vec!["Allow", "Deny"]);
    let action = one_or_list("[a-z0-9-]{1,4}:[A-Za-z*?]{1,4}".prop_map(Value::String));
    let resource = one_or_list("arn:[A-Za-z0-9:*/${}é-]{1,8}".prop_map(Value::String));
    let name = prop::sample::select(vec!["111122223333", "444455556666", "AROAX", "arn:aws:iam::111122223333:role/x"]);
    let principal = one_or_list(name.prop_map(Value::from));
    let flags = (any::<bool>(), any::<bool>());
    (effect, action, resource, principal, prop::option::of(condition()), flags).prop_map(
        move |(effect, action, resource, principal, condition, (not_action, not_resource))| {
            let mut statement = Map::new();
            statement.insert("Effect".into(), effect.into());
            statement.insert(if not_action { "NotAction" } else { "Action" }.into(), action);
            if trust {
                statement.insert("Principal".into(), json!({"AWS": principal}));
            } else {
                statement.insert(if not_resource { "NotResource" } else { "Resource" }.into(), resource);
            }
            statement.extend(condition.map(|condition| ("Condition".to_owned(), condition)));
            Value::Object(statement)
        },
    )
}

fn policy(trust: bool) -> impl Strategy<Value = Value> {
    let statements = prop::collection::vec(statement(trust), 1..4);
    statements.prop_map(|mut statements| {
        for (index, statement) in statements.iter_mut().enumerate().filter(|(index, _)| index % 2 == 0) {
            statement["Sid"] = format!("Sid{index}").into();
        }
        json!({"Version": "2012-10-17", "Statement": statements})
    })
}

/// Every leaf and key of the document changed, one at a time, and each statement and element left out.
fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => vec![json!(format!("{text}x")), json!(format!("x{text}"))],
        Value::Number(_) => vec![json!(format!("{value}0")), json!([])],
        Value::Bool(b) => vec![json!(!b)],
        Value::Null => vec![json!("")],
        Value::Array(list) => {
            let mut found = Vec::new();
            for (index, item) in list.iter().enumerate() {
                let with = |new: Option<Value>| {
                    let mut list = list.clone();
                    list.splice(index..=index, new);
                    Value::Array(list)
                };
                found.extend(changes(item).into_iter().map(|changed| with(Some(changed))));
                found.push(with(None));
            }
            found
        }
        Value::Object(members) => {
            let mut found = Vec::new();
            for (key, value) in members {
                let with = |new: Option<(String, Value)>| {
                    let mut members = members.clone();
                    members.remove(key);
                    members.extend(new);
                    Value::Object(members)
                };
                found.extend(changes(value).into_iter().map(|changed| with(Some((key.clone(), changed)))));
                found.push(with(Some((format!("{key}x"), value.clone()))));
                found.push(with(None));
            }
            found
        }
    }
}

/// JSON of any shape, which nobody would call a policy.
fn anything() -> impl Strategy<Value = Value> {
    let word = || {
        prop::sample::select(vec![
            "Statement",
            "Version",
            "Effect",
            "Action",
            "Principal",
            "AWS",
            "Condition",
            "Sid",
            "Bool",
            "bool",
            "",
            "*",
            "allow",
            "111122223333",
            "arn:aws:iam::111122223333:root",
        ])
    };
    let leaf = prop_oneof![
        word().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!(5))
    ];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        let members = prop::collection::vec((word().prop_map(str::to_owned), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_normal_form_of_a_normal_form_is_itself(value in prop_oneof![policy(false), policy(true), anything()]) {
        let once = normal::document(&value);
        prop_assert_eq!(normal::document(&once), once);
    }

    #[test]
    fn blind_to_what_aws_does(
        value in prop_oneof![policy(false), policy(true)], bits in prop::collection::vec(any::<u8>(), 1..40), encode: bool,
    ) {
        let sent = Document::lenient(&value);
        let changed = stored_by_aws(&value, &mut Choices { bits, at: 0 });
        let mut text = serde_json::to_string_pretty(&changed).unwrap();
        if encode {
            text = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
        }
        let stored = Document::stored(&text).unwrap();
        prop_assert_eq!(&stored, &sent, "{}", changed);
        prop_assert_eq!(stored.only_denies(), sent.only_denies());
    }

    #[test]
    fn sees_every_change(value in prop_oneof![policy(false), policy(true)]) {
        let before = Document::lenient(&value);
        for changed in changes(&value) {
            prop_assert_ne!(&Document::lenient(&changed), &before, "{}", changed);
        }
    }

    #[test]
    fn good_policies_are_taken_and_sent_as_they_were_written(value in policy(false)) {
        let document = Document::identity(&value);
        prop_assert!(document.is_ok(), "{:?}", document);
        let text = document.unwrap().to_json();
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &value);
        prop_assert_eq!(Document::stored(&text).unwrap(), Document::lenient(&value));
    }

    #[test]
    fn nothing_makes_it_panic(value in anything(), text in ".*") {
        let _ = Document::identity(&value);
        prop_assert_eq!(Document::stored(&value.to_string()), Ok(Document::lenient(&value)));
        let _ = Document::stored(&text);
    }
}
