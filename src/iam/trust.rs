//! The trust policy: who may assume a role.

use super::document::Document;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A ServiceAccount that may assume the role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub service_account: String,
}

impl Subject {
    /// What the claim `sub` of its tokens says.
    #[must_use]
    pub fn claim(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.service_account)
    }
}

/// The trust policy of a role for tokens of `issuer` (without `https://`), whose provider has the ARN `provider_arn`.
///
/// A policy that left out the subject would let in every ServiceAccount of the cluster, and one that left out the
/// audience tokens that were made for somebody else. So there is no way to one without both, each compared exactly:
/// wildcards and IAM's policy variables in a value stand for themselves. Where `subjects` is empty the condition names
/// a ServiceAccount that can't exist, because an empty list would be no condition.
#[must_use]
pub fn trust_policy(provider_arn: &str, issuer: &str, audience: &str, subjects: &[Subject]) -> Document {
    let mut claims: Vec<String> = subjects.iter().map(|subject| literal(&subject.claim())).collect();
    claims.sort();
    claims.dedup();
    let subject = match &claims[..] {
        [] => json!("system:serviceaccount::"),
        [one] => json!(one),
        several => json!(several),
    };
    let equals: Value =
        [(format!("{issuer}:aud"), json!(literal(audience))), (format!("{issuer}:sub"), subject)].into_iter().collect();
    Document::lenient(&json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": equals},
        }],
    }))
}

/// `text` such that IAM compares it as it stands: `${` would begin a policy variable, even in StringEquals, and `${$}`
/// is IAM's way to write a dollar sign (IAM user guide, "IAM policy elements: Variables and tags").
fn literal(text: &str) -> String {
    text.replace("${", "${$}{")
}

/// How the subjects of two trust policies differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subjects {
    /// Nobody leaves, somebody comes.
    Added,
    /// Nobody comes, somebody leaves.
    Removed,
    /// Both; or something else than the subjects differs, and who comes or leaves can't be told.
    Other,
}

/// What becomes of the subjects when `before` is replaced by `after`. A policy that is not of the form of
/// [`trust_policy`] is [`Subjects::Other`]: somebody else may have written it, and it may let in anybody.
#[must_use]
pub fn subjects_change(before: &Document, after: &Document) -> Subjects {
    let (Some((frame, old)), Some((wanted, new))) = (apart(before), apart(after)) else { return Subjects::Other };
    match (frame == wanted, old.is_subset(&new), new.is_subset(&old)) {
        (true, true, false) => Subjects::Added,
        (true, false, true) => Subjects::Removed,
        _ => Subjects::Other,
    }
}

/// The policy with its subjects taken out, and the subjects.
fn apart(document: &Document) -> Option<(Document, BTreeSet<String>)> {
    let mut value: Value = serde_json::from_str(&document.to_json()).ok()?;
    let statement = match value.get_mut("Statement")? {
        Value::Array(several) => several.first_mut()?,
        one => one,
    };
    let equals = statement.get_mut("Condition")?.get_mut("StringEquals")?.as_object_mut()?;
    let claims = equals.iter_mut().find(|(key, _)| key.ends_with(":sub"))?.1.take();
    let claims = if let Value::Array(claims) = claims { claims } else { vec![claims] };
    let subjects = claims.into_iter().map(|claim| claim.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    Some((Document::lenient(&value), subjects))
}

#[cfg(test)]
mod tests {
    use super::super::document::TRUST_MAX;
    use super::*;
    use proptest::prelude::*;

    const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";
    const PROVIDER: &str =
        "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";

    fn subject(namespace: &str, service_account: &str) -> Subject {
        Subject { namespace: namespace.into(), service_account: service_account.into() }
    }

    #[test]
    fn it_is_the_policy_that_aws_recommends() {
        let policy = trust_policy(PROVIDER, ISSUER, "sts.amazonaws.com", &[subject("billing", "invoices")]);
        let expected = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"#
        ) + &format!(
            r#""Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{ISSUER}:aud":"sts.amazonaws.com","#
        ) + &format!(r#""{ISSUER}:sub":"system:serviceaccount:billing:invoices"}}}}}}]}}"#);
        assert_eq!(policy.to_json(), expected);
        assert_eq!(policy.size(), expected.len());
        assert!(policy.size() < TRUST_MAX);
    }

    #[test]
    fn the_longest_names_fit_into_the_default_quota() {
        let longest = subject(&"n".repeat(63), &"s".repeat(253));
        assert_eq!(longest.claim().len(), 339);
        assert!(trust_policy(PROVIDER, ISSUER, "sts.amazonaws.com", &[longest]).size() < TRUST_MAX);
    }

    #[test]
    fn several_subjects_are_a_set() {
        let (a, b) = (subject("a", "x"), subject("b", "x"));
        let policy = |subjects: &[Subject]| trust_policy(PROVIDER, ISSUER, "sts.amazonaws.com", subjects);
        assert_eq!(policy(&[a.clone(), b.clone()]).to_json(), policy(&[b.clone(), a.clone(), b.clone()]).to_json());
        assert_ne!(policy(std::slice::from_ref(&a)), policy(&[a.clone(), b]));
    }

    #[test]
    fn who_comes_and_who_leaves() {
        let [a, b] = [subject("a", "x"), subject("b", "x")];
        let policy = |audience: &str, subjects: &[&Subject]| {
            trust_policy(PROVIDER, ISSUER, audience, &subjects.iter().copied().cloned().collect::<Vec<_>>())
        };
        let change =
            |before: &[&Subject], after: &[&Subject]| subjects_change(&policy("x", before), &policy("x", after));
        assert_eq!(change(&[&a], &[&a, &b]), Subjects::Added);
        assert_eq!(change(&[&a, &b], &[&b]), Subjects::Removed);
        assert_eq!(change(&[&a], &[&b]), Subjects::Other);
        assert_eq!(change(&[&a], &[&a]), Subjects::Other, "no subject differs");
        assert_eq!(subjects_change(&policy("x", &[&a, &b]), &policy("y", &[&a])), Subjects::Other, "another audience");
        let live = |text: &str| Document::stored(text).unwrap();
        let wanted = policy("x", &[&a]);
        for other in
            ["{}", "[]", r#"{"Statement":[]}"#, r#"{"Statement":{"Condition":{"StringEquals":{"i:sub":[1]}}}}"#]
        {
            assert_eq!(subjects_change(&live(other), &wanted), Subjects::Other, "{other}");
        }
        let mut two: Value = serde_json::from_str(&policy("x", &[&a, &b]).to_json()).unwrap();
        let first = two["Statement"][0].clone();
        two["Statement"] = first.clone();
        assert_eq!(subjects_change(&Document::lenient(&two), &wanted), Subjects::Removed, "as IAM collapses it");
        two["Statement"] = json!([first, {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]);
        assert_eq!(subjects_change(&Document::lenient(&two), &wanted), Subjects::Other, "a statement more");
    }

    #[test]
    fn values_stand_for_themselves() {
        let text = trust_policy(PROVIDER, ISSUER, "${aws:username}", &[subject("*", "${*}")]).to_json();
        assert!(text.contains(r#":aud":"${$}{aws:username}""#), "{text}");
        assert!(text.contains(r#":sub":"system:serviceaccount:*:${$}{*}""#), "{text}");
    }

    proptest! {
        /// Whatever comes in, there is one statement and it has both conditions, neither of them empty.
        #[test]
        fn both_conditions_are_always_there(
            provider in ".*", issuer in ".*", audience in ".*",
            subjects in prop::collection::vec((".*", ".*"), 0..4),
        ) {
            let subjects: Vec<Subject> = subjects.iter().map(|(ns, name)| subject(ns, name)).collect();
            let text = trust_policy(&provider, &issuer, &audience, &subjects).to_json();
            let policy: Value = serde_json::from_str(&text).unwrap();
            let statements = policy["Statement"].as_array().unwrap();
            prop_assert_eq!(statements.len(), 1);
            let conditions = statements[0]["Condition"].as_object().unwrap();
            prop_assert_eq!(conditions.keys().collect::<Vec<_>>(), ["StringEquals"]);
            let equals = conditions["StringEquals"].as_object().unwrap();
            prop_assert_eq!(equals.len(), 2);
            let value = |claim: &str| equals[&format!("{issuer}:{claim}")].clone();
            prop_assert!(value("aud").is_string());
            let claims = match value("sub") {
                Value::Array(claims) => claims,
                one => vec![one],
            };
            prop_assert!(!claims.is_empty());
            for claim in claims {
                prop_assert!(claim.as_str().unwrap().starts_with("system:serviceaccount:"));
            }
        }
    }
}
