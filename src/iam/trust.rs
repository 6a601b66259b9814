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

/// The claim of nobody.
pub(super) const NOBODY: &str = "system:serviceaccount::";

/// An issuer whose tokens are trusted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trusted {
    /// Without `https://`.
    pub issuer: String,
    /// ARN of its provider.
    pub provider_arn: String,
}

/// The trust policy of a role for tokens of `issuer` (without `https://`), whose provider has the ARN `provider_arn`.
///
/// A policy that left out the subject would let in every ServiceAccount of the cluster, and one that left out the
/// audience tokens that were made for somebody else. So there is no way to one without both, each compared exactly:
/// wildcards and IAM's policy variables in a value stand for themselves. Where `subjects` is empty the condition names
/// a ServiceAccount that can't exist, because an empty list would be no condition.
#[must_use]
pub fn trust_policy(provider_arn: &str, issuer: &str, audience: &str, subjects: &[Subject]) -> Document {
    let own = Trusted { issuer: issuer.to_owned(), provider_arn: provider_arn.to_owned() };
    wide_trust_policy(own, &[], audience, subjects, &BTreeSet::new())
}

/// [`trust_policy`] with a statement more for each further issuer, whose ServiceAccounts of the same names are trusted,
/// and one for AWS principals, where there are any.
#[must_use]
pub fn wide_trust_policy(
    own: Trusted,
    others: &[Trusted],
    audience: &str,
    subjects: &[Subject],
    principals: &BTreeSet<String>,
) -> Document {
    let mut claims: Vec<String> = subjects.iter().map(|subject| literal(&subject.claim())).collect();
    claims.sort();
    claims.dedup();
    let subject = match &claims[..] {
        [] => json!(NOBODY),
        [one] => json!(one),
        several => json!(several),
    };
    let federated = |Trusted { issuer, provider_arn }: &Trusted| {
        let equals = [(format!("{issuer}:aud"), json!(literal(audience))), (format!("{issuer}:sub"), subject.clone())];
        json!({
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": equals.into_iter().collect::<Value>()},
        })
    };
    let further: BTreeSet<&Trusted> = others.iter().filter(|other| other.issuer != own.issuer).collect();
    let mut statements: Vec<Value> = [&own].into_iter().chain(further).map(federated).collect();
    let principal = json!({"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "sts:AssumeRole"});
    statements.extend((!principals.is_empty()).then_some(principal));
    Document::lenient(&json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// `text` such that IAM compares it as it stands: `${` would begin a policy variable, even in StringEquals, and `${$}`
/// is IAM's way to write a dollar sign (IAM user guide, "IAM policy elements: Variables and tags").
pub(super) fn literal(text: &str) -> String {
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
    let (Some(old), Some(new)) = (trusted(before), trusted(after)) else { return Subjects::Other };
    match (old.is_subset(&new), new.is_subset(&old)) {
        (true, false) => Subjects::Added,
        (false, true) => Subjects::Removed,
        _ => Subjects::Other,
    }
}

/// Whom a policy lets in, each with all that is asked of them: a token of this issuer with these claims, or an ARN.
fn trusted(document: &Document) -> Option<BTreeSet<String>> {
    let value: Value = serde_json::from_str(&document.to_json()).ok()?;
    let version = value.get("Version")?;
    let mut all = BTreeSet::new();
    for statement in several(value.get("Statement")?) {
        let field = |key: &str| statement.get(key);
        let fields = statement.as_object()?.len();
        let principal = field("Principal")?.as_object().filter(|kinds| kinds.len() == 1)?;
        if field("Effect")? != "Allow" {
            return None;
        }
        let conditions = match (field("Action")?.as_str()?, fields, principal.iter().next()?) {
            ("sts:AssumeRoleWithWebIdentity", 4, (kind, _)) if kind == "Federated" => {
                let conditions = field("Condition")?.as_object().filter(|operators| operators.len() == 1)?;
                conditions.get("StringEquals")?.as_object().filter(|equals| equals.len() == 2)?
            }
            ("sts:AssumeRole", 3, (kind, arns)) if kind == "AWS" => {
                let arns = several(arns).iter().map(|arn| arn.as_str().map(str::to_owned));
                all.extend(arns.collect::<Option<Vec<_>>>()?);
                continue;
            }
            _ => return None,
        };
        let of = |claim: &str| conditions.iter().find(|(key, _)| key.ends_with(claim));
        let ((audience_key, audience), (subject_key, subjects)) = of(":aud").zip(of(":sub"))?;
        for subject in several(subjects) {
            let subject = subject.as_str()?;
            let whole = json!([version, principal, audience_key, several(audience), subject_key, subject]);
            all.insert(whole.to_string());
        }
    }
    Some(all)
}

/// The one audience whose tokens a policy of the form of [`trust_policy`] takes; `None` where it is of another form.
#[must_use]
pub fn audience(document: &Document) -> Option<String> {
    let of = |one: &String| serde_json::from_str::<Vec<Value>>(one).ok()?.get(3)?.get(0)?.as_str().map(str::to_owned);
    let found: BTreeSet<String> = trusted(document)?.iter().filter_map(of).collect();
    found.first().filter(|_| found.len() == 1).map(|audience| audience.replace("${$}{", "${"))
}

/// IAM writes a list of one without its brackets.
pub(super) fn several(value: &Value) -> &[Value] {
    value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice)
}

/// Whether a policy of the form of [`trust_policy`] lets in this subject, given as its claim.
#[must_use]
pub fn names(document: &Document, claim: &str) -> bool {
    let subject = json!(literal(claim));
    let is = |one: &String| serde_json::from_str::<Vec<Value>>(one).is_ok_and(|parts| parts.last() == Some(&subject));
    trusted(document).is_some_and(|all| all.iter().any(is))
}

/// The ServiceAccounts of a namespace that a policy of the form of [`trust_policy`] lets in; none where it is of another
/// form.
#[must_use]
pub fn accounts(document: &Document, namespace: &str) -> BTreeSet<String> {
    let prefix = Subject { namespace: namespace.to_owned(), service_account: String::new() }.claim();
    let name = |one: &String| {
        let parts = serde_json::from_str::<Vec<Value>>(one).ok()?;
        Some(parts.last()?.as_str()?.strip_prefix(&prefix)?.to_owned())
    };
    trusted(document).iter().flatten().filter_map(name).collect()
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
        assert_eq!(audience(&policy("${x}", &[&a, &b])).as_deref(), Some("${x}"));
        assert_eq!(audience(&Document::stored("{}").unwrap()), None);
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
    fn others_come_and_leave_by_statements_of_their_own() {
        let own = || Trusted { issuer: ISSUER.into(), provider_arn: PROVIDER.into() };
        let issuer = |id: &str| Trusted { issuer: format!("b.example/{id}"), provider_arn: format!("arn:b/{id}") };
        let policy = |others: &[Trusted], names: &[&str], principals: &[&str]| {
            let subjects: Vec<Subject> = names.iter().map(|name| subject("billing", name)).collect();
            let principals = principals.iter().map(|arn| (*arn).to_owned()).collect();
            wide_trust_policy(own(), others, "sts.amazonaws.com", &subjects, &principals)
        };
        let plain = policy(&[], &["a"], &[]);
        assert_eq!(plain, trust_policy(PROVIDER, ISSUER, "sts.amazonaws.com", &[subject("billing", "a")]));
        let both = policy(&[issuer("1")], &["a"], &[]);
        let text = both.to_json();
        for part in
            [r#""b.example/1:aud":"sts.amazonaws.com""#, r#""b.example/1:sub":"system:serviceaccount:billing:a""#]
        {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(
            policy(&[own(), issuer("1"), issuer("1")], &["a"], &[]),
            both,
            "our own and the same again are no more"
        );
        let arns = ["arn:aws:iam::111122223333:role/ci", "arn:aws:iam::111122223333:role/other"];
        let named = policy(&[], &["a"], &arns[..1]);
        for wider in [&both, &named, &policy(&[issuer("1"), issuer("2")], &["a"], &[]), &policy(&[], &["a"], &arns)] {
            assert_eq!(subjects_change(&plain, wider), Subjects::Added, "{}", wider.to_json());
            assert_eq!(subjects_change(wider, &plain), Subjects::Removed, "{}", wider.to_json());
        }
        let other = policy(&[issuer("2")], &["a"], &[]);
        assert_eq!(subjects_change(&both, &other), Subjects::Other);
        assert_eq!(subjects_change(&named, &both), Subjects::Other);
        assert_eq!(subjects_change(&both, &policy(&[issuer("1")], &["b"], &[])), Subjects::Other);
        assert_eq!(subjects_change(&both, &policy(&[issuer("1")], &["a", "b"], &arns)), Subjects::Added);
        // A condition more or less is no matter of subjects.
        for (from, to) in [(r#""sts:AssumeRole""#, r#""sts:*""#), (r#""AWS""#, r#""Service""#)] {
            let changed = Document::stored(&named.to_json().replace(from, to)).unwrap();
            assert_eq!(subjects_change(&changed, &named), Subjects::Other, "{from}");
        }
        let mut bare: Value = serde_json::from_str(&both.to_json()).unwrap();
        bare["Statement"][1]["Condition"]["StringEquals"].as_object_mut().unwrap().remove("b.example/1:aud");
        assert_eq!(subjects_change(&Document::lenient(&bare), &both), Subjects::Other, "any audience");
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
