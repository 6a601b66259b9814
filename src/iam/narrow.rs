//! Trust policies that let in less.

use super::document::Document;
use super::trust::{NOBODY, Subject, accounts, literal, names, several};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A policy of the form of [`super::trust::trust_policy`] that lets in those ServiceAccounts of a namespace no more; `None` where it does
/// not let them in.
#[must_use]
pub fn without(document: &Document, namespace: &str, out: &BTreeSet<String>) -> Option<Document> {
    if accounts(document, namespace).is_disjoint(out) {
        return None;
    }
    let out: BTreeSet<String> = out.iter().map(|name| claim(namespace, name)).collect();
    let stays = |one: &&Value| !one.as_str().is_some_and(|claim| out.contains(claim));
    with(document, ":sub", |subjects| several(subjects).iter().filter(stays).cloned().collect())
}

/// The same for these ServiceAccounts of a namespace and no other, with tokens for this audience.
#[must_use]
pub fn letting_in(document: &Document, namespace: &str, names: &BTreeSet<String>, audience: &str) -> Document {
    let claims: BTreeSet<String> = names.iter().map(|name| claim(namespace, name)).collect();
    let claims: Vec<Value> = claims.into_iter().map(Value::from).collect();
    let audience = [json!(literal(audience))];
    let changed =
        with(document, ":sub", |_| claims.clone()).and_then(|other| with(&other, ":aud", |_| audience.to_vec()));
    changed.unwrap_or_else(|| document.clone())
}

/// Whether it is of that form and lets in no ServiceAccount.
#[must_use]
pub fn lets_in_nobody(document: &Document) -> bool {
    names(document, NOBODY)
}

fn claim(namespace: &str, name: &str) -> String {
    literal(&Subject { namespace: namespace.to_owned(), service_account: name.to_owned() }.claim())
}

/// The policy with other values of a claim in each of its statements.
fn with(document: &Document, claim: &str, of: impl Fn(&Value) -> Vec<Value>) -> Option<Document> {
    let mut value: Value = serde_json::from_str(&document.to_json()).ok()?;
    let statements = match value.get_mut("Statement")? {
        Value::Array(all) => all.iter_mut().collect(),
        one => vec![one],
    };
    for statement in statements {
        let Some(equals) = statement.pointer_mut("/Condition/StringEquals").and_then(Value::as_object_mut) else {
            continue;
        };
        for (_, subjects) in equals.iter_mut().filter(|(key, _)| key.ends_with(claim)) {
            let left = of(subjects);
            *subjects = match &left[..] {
                [] => json!(NOBODY),
                [one] => one.clone(),
                _ => json!(left),
            };
        }
    }
    Some(Document::lenient(&value))
}

#[cfg(test)]
mod tests {
    use super::super::trust::{Trusted, wide_trust_policy};
    use super::*;

    #[test]
    fn some_are_let_in_no_more() {
        let all: Vec<Subject> =
            ["x", "y", "z"].map(|name| Subject { namespace: "a".into(), service_account: name.into() }).into();
        let own = || Trusted { issuer: "a.example".into(), provider_arn: "arn:aws:iam::1:oidc-provider/a".into() };
        let other = || Trusted { issuer: "b.example".into(), provider_arn: "arn:aws:iam::1:oidc-provider/b".into() };
        let policy = |subjects: &[Subject]| {
            wide_trust_policy(own(), &[other()], "aud", subjects, &["arn:aws:iam::1:role/ci".into()].into())
        };
        let out = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(without(&policy(&all), "a", &out(&["y", "other"])), Some(policy(&[all[0].clone(), all[2].clone()])));
        assert_eq!(without(&policy(&all), "a", &out(&["x", "y"])), Some(policy(&all[2..])));
        assert_eq!(without(&policy(&all), "a", &out(&["x", "y", "z"])), Some(policy(&[])), "the others stay");
        assert_eq!(without(&policy(&all), "a", &out(&["w"])), None);
        assert_eq!(without(&policy(&all), "b", &out(&["x"])), None, "of another namespace");
        assert_eq!(without(&Document::lenient(&json!({"Statement": []})), "a", &out(&["x"])), None);
        assert_eq!(letting_in(&policy(&all[..1]), "a", &out(&["z", "y"]), "aud"), policy(&all[1..]));
        assert_eq!(letting_in(&policy(&all), "a", &out(&["y"]), "aud"), policy(&all[1..2]));
        assert_eq!(letting_in(&policy(&all), "a", &out(&[]), "aud"), policy(&[]));
        assert_eq!([&all[..], &[]].map(|subjects| lets_in_nobody(&policy(subjects))), [false, true]);
    }
}
