//! Random classes and documents against an evaluator that knows nothing but single actions and resources.

use super::*;
use crate::iam::vars::Vars;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::json;

/// By the book, and without regard to case for actions.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        ([b'*', rest @ ..], text) => matches(rest, text) || matches!(text, [_, more @ ..] if matches(pattern, more)),
        ([b'?', rest @ ..], [_, more @ ..]) => matches(rest, more),
        ([c, rest @ ..], [d, more @ ..]) => c == d && matches(rest, more),
        (_, []) => false,
    }
}

fn is_action(pattern: &str, action: &str) -> bool {
    matches(pattern.to_lowercase().as_bytes(), action.to_lowercase().as_bytes())
}

/// What a tenant's resource may turn out as: a variable as nothing, as a colon, as a name, as an ARN's rest.
fn is_resource(pattern: &str, resource: &str) -> bool {
    ["", "a", ":", "ab", "b:a"].iter().any(|value| {
        let text = pattern.replace("${aws:x}", value).replace("${*}", "*");
        matches(text.as_bytes(), resource.as_bytes())
    })
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn allows(statement: &Value, action: &str, resource: &str) -> bool {
    statement["Effect"] == "Allow"
        && list(&statement["Action"]).iter().any(|text| is_action(text, action))
        && list(&statement["Resource"]).iter().any(|text| is_resource(text, resource))
}

type Spec = Vec<(Vec<String>, Vec<String>)>;

/// The class's word, with the words of the guide: a sensitive action needs its own name.
fn in_class(rules: &Spec, deny: &[String], action: &str, resource: &str) -> bool {
    let sensitive = SENSITIVE.iter().any(|entry| is_action(entry.action, action));
    let names = |text: &String| match sensitive {
        true => text.eq_ignore_ascii_case(action),
        false => is_action(text, action),
    };
    !deny.iter().any(|text| is_action(text, action))
        && rules.iter().any(|(actions, resources)| {
            actions.iter().any(names) && resources.iter().any(|text| matches(text.as_bytes(), resource.as_bytes()))
        })
}

fn words(letters: &str, longest: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last.iter().flat_map(|word| letters.chars().map(move |letter| format!("{word}{letter}"))).collect();
        all.extend(last.iter().cloned());
    }
    all
}

fn action() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "x:[xX][ab*?]{0,4}",
        1 => prop::sample::select(vec!["x:PutaPolicy", "x:Put*", "X:putAPolicy", "*", "x:*", "iam:PassRole"])
            .prop_map(str::to_owned),
    ]
}

fn resource() -> impl Strategy<Value = String> {
    prop_oneof![8 => "arn:p:s:::[ab:*?]{0,4}", 1 => Just("*".to_owned())]
}

/// Often one of the class's, or one with a wildcard filled in.
fn near(all: Vec<String>, other: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let one = prop::sample::select(all);
    let fill = prop::sample::select(vec!["*", "?", "a", "", "b*", "${aws:x}", "${*}"]);
    prop_oneof![
        3 => (one.clone(), fill).prop_map(|(text, with)| match text.strip_prefix("arn") {
            Some(_) => text.replacen('*', with, 1),
            None => text.replacen('*', if with.starts_with('$') { "b" } else { with }, 1),
        }),
        1 => one,
        2 => other,
    ]
}

fn class() -> impl Strategy<Value = Spec> {
    let rule = (prop::collection::vec(action(), 1..3), prop::collection::vec(resource(), 1..3));
    prop::collection::vec(rule, 1..3)
}

fn case() -> impl Strategy<Value = (Spec, Vec<String>, Value)> {
    (class(), prop::collection::vec("x:x[ab*?]{1,3}", 0..2)).prop_flat_map(|(rules, deny)| {
        let actions: Vec<String> = rules.iter().flat_map(|(actions, _)| actions.clone()).collect();
        let resources: Vec<String> = rules.iter().flat_map(|(_, resources)| resources.clone()).collect();
        let statement = (
            prop::bool::weighted(0.9),
            prop::collection::vec(near(actions, action()), 1..3),
            prop::collection::vec(near(resources, resource()), 1..3),
        )
            .prop_map(|(allow, actions, resources)| {
                json!({"Effect": if allow { "Allow" } else { "Deny" }, "Action": actions, "Resource": resources})
            });
        let document = prop::collection::vec(statement, 1..3);
        (Just(rules), Just(deny), document)
            .prop_map(|(rules, deny, list)| (rules, deny, json!({"Version": "2012-10-17", "Statement": list})))
    })
}

fn vars() -> Vars {
    let text = |text: &str| text.to_owned();
    Vars {
        namespace: text("n"),
        name: text("b"),
        service_account: text("s"),
        cluster_id: text("c"),
        account: text("111122223333"),
        partition: text("aws"),
        region: text("r"),
    }
}

fn expanded(rules: &Spec, deny: &[String]) -> Rules {
    Rules::expand(rules.iter().map(|(a, r)| (&a[..], &r[..])), deny, &vars()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_let_pass_allows_nothing_but_what_the_class_does((rules, deny, value) in case()) {
        let document = Document::lenient(&value);
        if violations(&document, &expanded(&rules, &deny)).is_empty() {
            let mut actions: Vec<String> = words("ab", 4).into_iter().map(|word| format!("x:x{word}")).collect();
            actions.extend(["x:PutaPolicy", "x:Put", "iam:PassRole", "s3:GetObject"].map(str::to_owned));
            let mut resources: Vec<String> = words("ab:", 4).into_iter().map(|word| format!("arn:p:s:::{word}")).collect();
            resources.push("arn:aws:iam::1:role/x".to_owned());
            for statement in value["Statement"].as_array().unwrap() {
                for action in actions.iter().filter(|action| list(&statement["Action"]).iter().any(|text| is_action(text, action))) {
                    for resource in resources.iter().filter(|resource| allows(statement, action, resource)) {
                        prop_assert!(in_class(&rules, &deny, action, resource), "{action} on {resource} by {value}");
                    }
                }
            }
        }
    }

    /// What is not let pass for good: a class that says the same allows it, but for what is sensitive or denied.
    #[test]
    fn a_rule_that_says_the_same_lets_it_pass(
        actions in prop::collection::vec("x:x[ab*]{0,4}", 1..4), resources in prop::collection::vec("arn:p:s:::[ab:*]{0,6}", 1..4),
        more in class(),
    ) {
        let value = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": resources}});
        let mut rules = more;
        rules.push((actions, resources));
        prop_assert_eq!(violations(&Document::lenient(&value), &expanded(&rules, &[])), []);
    }
}

/// The first property says nothing where hardly anything passes.
#[test]
fn enough_of_the_cases_pass_and_fail() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut passed, mut failed) = (0, 0);
    for _ in 0..300 {
        let (rules, deny, value) = case().new_tree(&mut runner).unwrap().current();
        match violations(&Document::lenient(&value), &expanded(&rules, &deny)).is_empty() {
            true => passed += 1,
            false => failed += 1,
        }
    }
    assert!(passed > 20 && failed > 20, "{passed} passed, {failed} failed");
}
