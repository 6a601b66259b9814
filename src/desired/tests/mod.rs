//! What is wanted, from the least that a spec can say to all of it.

mod adoption;
mod faults;
mod trusted;

use super::*;
use crate::api::names::{annotation, tag};
use crate::api::{InlinePolicy, RoleSpec, TrustSpec};
use crate::iam::tags::DECLARED;
use crate::iam::trust::{Trusted, trust_policy, wide_trust_policy};
use serde_json::{Value, json};

fn place() -> Place {
    Place {
        cluster_id: "prod".into(),
        issuer: "oidc.example/id/A".into(),
        account: "111122223333".into(),
        partition: "aws-cn".into(),
        region: "cn-north-1".into(),
    }
}

const WHO: Who<'static> = Who { namespace: "billing", name: "invoices", class: "default" };

fn spec() -> IrsaBindingSpec {
    let mut spec = IrsaBindingSpec::default();
    spec.service_account.name = "robot".into();
    spec
}

fn try_with(
    binding: impl FnOnce(&mut IrsaBindingSpec),
    class: impl FnOnce(&mut IrsaClassSpec),
) -> Result<Desired, Error> {
    let (mut spec, mut of_class) = (spec(), IrsaClassSpec::default());
    binding(&mut spec);
    class(&mut of_class);
    desired(WHO, &spec, &of_class, &place())
}

fn with(binding: impl FnOnce(&mut IrsaBindingSpec), class: impl FnOnce(&mut IrsaClassSpec)) -> Desired {
    try_with(binding, class).unwrap()
}

fn role(spec: &mut IrsaBindingSpec) -> &mut RoleSpec {
    spec.role.get_or_insert_default()
}

fn policy(name: &str, document: Value) -> InlinePolicy {
    InlinePolicy { name: name.into(), document: serde_json::from_value(document).unwrap() }
}

fn reads(resource: &str) -> Value {
    json!({"Version": "2012-10-17",
           "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}]})
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// The tags that a spec asked for, without the operator's own.
fn declared(desired: &Desired) -> BTreeMap<String, String> {
    desired.tags.clone().into_iter().filter(|(key, _)| !crate::iam::tags::is_reserved(key)).collect()
}

#[test]
fn the_least_that_a_spec_can_say() {
    let least = with(|_| {}, |_| {});
    assert_eq!(least.arn, "arn:aws-cn:iam::111122223333:role/irsa/prod_billing_invoices");
    assert_eq!((least.name.as_str(), least.path.as_str()), ("prod_billing_invoices", "/irsa/"));
    assert_eq!((least.description.as_str(), least.max_session), ("", 3600));
    assert_eq!((least.boundary.as_ref(), least.retain), (None, false));
    assert!(least.managed.is_empty() && least.inline.is_empty());
    assert_eq!(least.tags, least.owner.tags(), "no tags of a spec, so none to remember");
    assert_eq!(least.owner.class, "default");
    assert_eq!(least.provider_arn, "arn:aws-cn:iam::111122223333:oidc-provider/oidc.example/id/A");
    let subject = Subject { namespace: "billing".into(), service_account: "robot".into() };
    assert_eq!(least.trust, trust_policy(&least.provider_arn, "oidc.example/id/A", "sts.amazonaws.com", &[subject]));
    assert_eq!(least.service_account.annotations, map(&[(annotation::ROLE_ARN, &least.arn)]));
    assert!(!least.service_account.create);
}

#[test]
fn variables_stand_wherever_they_may() {
    let all = "$(namespace)/$(name)/$(serviceAccount)/$(clusterId)/$(account)/$(partition)/$(region)";
    let said = "billing/invoices/robot/prod/111122223333/aws-cn/cn-north-1";
    let got = with(
        |spec| {
            role(spec).description = Some(all.into());
            role(spec).tags = map(&[("all", all)]);
            spec.policies.managed = vec![
                "aws:A".into(),
                "account:$(namespace)/B".into(),
                "arn:$(partition):iam::$(account):policy/C".into(),
            ];
            spec.policies.inline = vec![policy("x", reads("arn:$(partition):s3:::$(namespace)-$(account)/*"))];
        },
        |class| {
            class.role.name_template = "$(namespace)_$(serviceAccount)".into();
            class.role.permissions_boundary_arn = Some("account:$(clusterId)/edge".into());
            class.role.tags = map(&[("by-class", "$(name)")]);
        },
    );
    assert_eq!(got.name, "billing_robot");
    assert_eq!(got.description, said);
    assert_eq!(declared(&got), map(&[("all", said), ("by-class", "invoices")]));
    let managed: Vec<&str> = got.managed.iter().map(String::as_str).collect();
    assert_eq!(
        managed,
        [
            "arn:aws-cn:iam::111122223333:policy/C",
            "arn:aws-cn:iam::111122223333:policy/billing/B",
            "arn:aws-cn:iam::aws:policy/A"
        ]
    );
    assert_eq!(got.boundary.as_deref(), Some("arn:aws-cn:iam::111122223333:policy/prod/edge"));
    assert_eq!(got.inline["x"], Document::lenient(&reads("arn:aws-cn:s3:::billing-111122223333/*")));
}

#[test]
fn the_class_wins_over_the_binding_where_tags_meet() {
    let got = with(
        |spec| role(spec).tags = map(&[("Team", "mine"), ("cost", "1")]),
        |class| class.role.tags = map(&[("team", "theirs")]),
    );
    assert_eq!(declared(&got), map(&[("team", "theirs"), ("cost", "1")]));
    let keys = ["cost".to_owned(), "team".to_owned()];
    assert_eq!(got.tags.get(DECLARED).cloned(), crate::iam::tags::declared(keys.iter()));
    for (key, value) in got.owner.tags() {
        assert_eq!(got.tags.get(&key), Some(&value), "the owner's own, whatever a spec says");
    }
}

#[test]
fn the_audience_is_one_of_the_classs() {
    let audience = |wanted: Option<&str>, allowed: &[&str]| {
        try_with(
            |spec| spec.trust = Some(TrustSpec { audience: wanted.map(str::to_owned), ..TrustSpec::default() }),
            |class| class.oidc_provider.audiences = allowed.iter().map(|a| (*a).to_owned()).collect(),
        )
    };
    let says = |desired: &Desired| {
        (desired.trust.to_json(), desired.service_account.annotations.get(annotation::AUDIENCE).cloned())
    };
    let (trust, annotated) = says(&audience(None, &["sts.amazonaws.com", "vault"]).unwrap());
    assert!(trust.contains(r#":aud":"sts.amazonaws.com""#) && annotated.is_none(), "the default needs no annotation");
    let (trust, annotated) = says(&audience(None, &["vault", "sts.amazonaws.com"]).unwrap());
    assert!(trust.contains(r#":aud":"vault""#), "the first is that of bindings that name none");
    assert_eq!(annotated.as_deref(), Some("vault"), "or the webhook would project a token that the role refuses");
    let (trust, _) = says(&audience(Some("vault"), &["sts.amazonaws.com", "vault"]).unwrap());
    assert!(trust.contains(r#":aud":"vault""#));
    let error = audience(Some("x"), &["sts.amazonaws.com", "vault"]).unwrap_err();
    assert_eq!(
        error.message,
        "spec.trust.audience: x is not one of the class's audiences (sts.amazonaws.com, vault); use one of them, or have \
         it added to the class"
    );
}

#[test]
fn annotations_are_exactly_what_was_asked_for() {
    let got = with(
        |spec| {
            spec.service_account.token_expiration_seconds = Some(900);
            spec.service_account.sts_regional_endpoints = Some(false);
            spec.service_account.create = true;
        },
        |_| {},
    );
    let expected = map(&[
        (annotation::ROLE_ARN, &got.arn),
        (annotation::TOKEN_EXPIRATION, "900"),
        (annotation::STS_REGIONAL, "false"),
    ]);
    assert_eq!(got.service_account.annotations, expected);
    assert!(got.service_account.create);
}

#[test]
fn the_binding_decides_where_it_says_something_and_else_the_class() {
    let session = |binding: Option<i32>, class: Option<i32>| {
        with(
            |spec| role(spec).max_session_duration_seconds = binding,
            |of| of.role.max_session_duration_seconds = class,
        )
        .max_session
    };
    assert_eq!([session(None, None), session(None, Some(7200)), session(Some(9000), Some(7200))], [3600, 7200, 9000]);
    use DeletionPolicy::{Delete, Retain};
    let retain = |binding: Option<DeletionPolicy>, class: DeletionPolicy| {
        with(|spec| spec.deletion_policy = binding, |of| of.role.deletion_policy = class).retain
    };
    let said = [(None, Delete), (None, Retain), (Some(Delete), Retain), (Some(Retain), Delete)];
    assert_eq!(said.map(|(binding, class)| retain(binding, class)), [false, true, false, true]);
}

#[test]
fn the_identity_follows_from_names_and_class_alone() {
    let vars = vars(WHO, "robot", &place());
    let (arn, name) = identity(&IrsaClassSpec::default(), None, &vars).unwrap();
    let full = with(
        |spec| {
            spec.policies.managed = vec!["aws:A".into()];
            role(spec).description = Some("d".into());
        },
        |class| class.role.tags = map(&[("a", "b")]),
    );
    assert_eq!((arn, name), (full.arn, full.name));
}

#[test]
fn the_fingerprint_knows_all_that_aws_knows_and_nothing_else() {
    let base = with(|_| {}, |_| {}).fingerprint();
    let other = |change: fn(&mut Desired)| {
        let mut desired = with(|_| {}, |_| {});
        change(&mut desired);
        desired.fingerprint() != base
    };
    assert_eq!(with(|_| {}, |_| {}).fingerprint(), base, "the same for the same");
    type Change = fn(&mut Desired);
    let seen: [(&str, Change); 12] = [
        ("accepted removals", |d| d.adoption.accepts_removals = true),
        ("mode", |d| d.mode = Mode::Observe),
        ("owner", |d| d.owner.class.push('x')),
        ("arn", |d| d.arn.push('x')),
        ("description", |d| d.description.push('x')),
        ("session", |d| d.max_session += 1),
        ("boundary", |d| d.boundary = Some(String::new())),
        ("tags", |d| drop(d.tags.insert("a".into(), String::new()))),
        ("tag value", |d| drop(d.tags.insert(tag::CLUSTER.into(), "x".into()))),
        ("trust", |d| d.trust = Document::lenient(&json!({}))),
        ("managed", |d| d.managed.extend(["x".to_owned()])),
        ("inline", |d| drop(d.inline.insert("x".into(), Document::lenient(&json!({}))))),
    ];
    for (what, change) in seen {
        assert!(other(change), "{what}");
    }
    let unseen: [(&str, Change); 4] = [
        ("what was asked for", |d| (d.adoption.asked, d.adoption.allowed) = (true, true)),
        ("annotations", |d| d.service_account.annotations.clear()),
        ("create", |d| d.service_account.create = true),
        ("deletion policy", |d| d.retain = true),
    ];
    for (what, change) in unseen {
        assert!(!other(change), "{what}");
    }
    let spelled = |text: Value| with(|spec| spec.policies.inline = vec![policy("x", text)], |_| {}).fingerprint();
    let mut list = reads("*");
    list["Statement"][0]["Action"] = json!(["s3:GetObject"]);
    assert_eq!(spelled(reads("*")), spelled(list), "two spellings of one policy are one wish");
}
