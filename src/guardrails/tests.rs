//! What is allowed, and what is said where it is not.

mod names;
mod stays;

use super::*;
use crate::api::{IrsaBindingSpec, IrsaClassSpec};
use crate::desired::{Desired, Place, Who, desired, vars};
use serde_json::{Value, json};

const WHO: Who<'static> = Who { namespace: "team-a", name: "app", class: "teams" };

fn place() -> Place {
    Place {
        cluster_id: "prod".into(),
        issuer: "oidc.example/id/A".into(),
        account: "111122223333".into(),
        partition: "aws".into(),
        region: "eu-west-1".into(),
    }
}

fn merge(into: &mut Value, over: &Value) {
    match (into, over) {
        (Value::Object(into), Value::Object(over)) => {
            over.iter().for_each(|(key, value)| merge(into.entry(key.clone()).or_insert(Value::Null), value));
        }
        (into, over) => *into = over.clone(),
    }
}

/// A class that allows some of everything, with changes.
fn class(over: Value) -> IrsaClassSpec {
    let mut class = json!({"allow": {
        "namespaces": {"selector": {"matchLabels": {"tier": "apps"}}},
        "serviceAccounts": {"names": ["app*", "$(namespace)"], "create": true, "additional": true},
        "managedPolicies": ["aws:AmazonSQS*", "account:$(namespace)/*", "arn:$(partition):iam::aws:policy/IAMFullAccess"],
        "inlinePolicies": {"rules": [{"actions": ["*"], "resources": ["*"]}]},
        "tags": {"keys": ["team", "cost-*"], "values": {"Team": ["$(namespace)", "shared-*"]}},
    }});
    merge(&mut class, &over);
    serde_json::from_value(class).unwrap()
}

fn spec(over: Value) -> IrsaBindingSpec {
    let mut spec = json!({"serviceAccount": {"name": "app"}});
    merge(&mut spec, &over);
    serde_json::from_value(spec).unwrap()
}

struct Setting {
    who: Who<'static>,
    labels: Labels,
    own_role: Option<&'static str>,
    older: usize,
    released: usize,
}

fn usual() -> Setting {
    Setting {
        who: WHO,
        labels: Labels::from([("tier".into(), "apps".into())]),
        own_role: Some("operator"),
        older: 0,
        released: 0,
    }
}

fn full(who: Who<'_>, spec: &IrsaBindingSpec, class: &IrsaClassSpec) -> Desired {
    desired(who, spec, class, &place()).unwrap()
}

fn violations(setting: &Setting, spec: &IrsaBindingSpec, class: &IrsaClassSpec) -> Vec<Violation> {
    let vars = vars(setting.who, &spec.service_account.name, &place());
    let facts = Facts {
        labels: &setting.labels,
        own_namespace: "irsa-operator",
        own_role: setting.own_role,
        older: setting.older,
        released: setting.released,
    };
    check(setting.who, spec, class, &full(setting.who, spec, class), &vars, &facts).unwrap()
}

/// Of a binding with these changes in a class with these: what is said, each begun with what goes without.
fn said(binding: Value, of_class: Value) -> Vec<String> {
    let found = violations(&usual(), &spec(binding), &class(of_class));
    found.into_iter().map(|v| v.text).collect()
}

fn one(binding: Value, of_class: Value) -> String {
    let mut all = said(binding, of_class);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn what_fits_is_allowed() {
    let document =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]});
    let all = json!({
        "serviceAccount": {"name": "app-1", "create": true},
        "policies": {
            "managed": ["aws:AmazonSQSFullAccess", "account:$(namespace)/a/b", "account:team-a/x", "aws:IAMFullAccess"],
            "inline": [{"name": "p", "document": document}],
        },
        "role": {"tags": {"TEAM": "team-a", "cost-x": "anything"}, "maxSessionDurationSeconds": 3600},
        "trust": {"serviceAccounts": ["app-2", "team-a"]},
        "deletionPolicy": "Retain",
    });
    assert_eq!(said(all, json!({})), [""; 0]);
}

/// A class that says nothing makes no role for anybody.
#[test]
fn closed_by_default() {
    let nothing = IrsaClassSpec::default();
    let all = violations(
        &usual(),
        &spec(json!({"policies": {"managed": ["aws:X"]}, "role": {"tags": {"a": "b"}}})),
        &nothing,
    );
    let parts: Vec<&Part> = all.iter().map(|v| &v.part).collect();
    assert_eq!(parts, [&Part::Whole, &Part::Whole, &Part::Managed(0), &Part::Tag("a".into())]);
}

#[test]
fn namespaces_and_numbers() {
    let mut setting = usual();
    setting.labels.clear();
    let found = violations(&setting, &spec(json!({})), &class(json!({})));
    assert_eq!(
        found[0].text,
        "metadata.namespace: IrsaClass teams does not allow bindings in namespace team-a (spec.allow.namespaces); name \
         another class in spec.className, or ask who owns the class to let it in"
    );
    let setting = Setting { older: 20, ..usual() };
    let found = violations(&setting, &spec(json!({})), &class(json!({})));
    assert!(
        found[0].text.contains("allows 20 bindings in a namespace (spec.allow.maxBindingsPerNamespace)"),
        "{found:?}"
    );
    assert_eq!(violations(&Setting { older: 19, ..usual() }, &spec(json!({})), &class(json!({}))), []);
    let more = class(json!({"allow": {"maxBindingsPerNamespace": 21}}));
    assert_eq!(violations(&setting, &spec(json!({})), &more), []);
}

#[test]
fn names_of_roles_that_others_look_for() {
    let named = |namespace: &'static str, name: &'static str| {
        let setting = Setting { who: Who { namespace, name, ..WHO }, ..usual() };
        let of_class = class(json!({"role": {"nameTemplate": "$(namespace)_$(name)"}}));
        violations(&setting, &spec(json!({})), &of_class).iter().any(|v| v.text.starts_with("the role's name would be"))
    };
    assert!(!named("team-a", "app") && !named("a-aws", "app") && !named("operator", "x"));
    for namespace in ["aws", "aws-x", "awsreserved", "cdk-hnb", "stacksets-exec"] {
        assert!(named(namespace, "app"), "{namespace}");
    }
    let setting = Setting { own_role: Some("PROD_team-a_app"), ..usual() };
    assert!(
        violations(&setting, &spec(json!({})), &class(json!({})))[0].text.contains("prod_team-a_app"),
        "without case"
    );
}

#[test]
fn service_accounts() {
    let account = |name: &str| json!({"serviceAccount": {"name": name}});
    assert_eq!(
        one(account("web"), json!({})),
        "spec.serviceAccount.name: IrsaClass teams does not allow ServiceAccount web (spec.allow.serviceAccounts.names); \
         it allows app*, team-a: take one of these, or ask who owns the class"
    );
    let all = json!({"allow": {"serviceAccounts": {"names": ["*", "d*", "$(name)"]}}});
    assert!(one(account("default"), all).contains("every Pod that names no ServiceAccount has default"));
    assert_eq!(said(account("default"), json!({"allow": {"serviceAccounts": {"names": ["default"]}}})), [""; 0]);
    let create =
        one(json!({"serviceAccount": {"create": true}}), json!({"allow": {"serviceAccounts": {"create": false}}}));
    assert!(create.starts_with("spec.serviceAccount.create: IrsaClass teams does not allow"), "{create}");
    let more = json!({"trust": {"serviceAccounts": ["app-2", "web"]}});
    assert!(one(more.clone(), json!({})).starts_with("spec.trust.serviceAccounts[1]: IrsaClass teams does not allow"));
    assert_eq!(said(more, json!({"allow": {"serviceAccounts": {"additional": false}}})).len(), 2);
}

#[test]
fn managed_policies() {
    let managed = |text: &str| json!({"policies": {"managed": [text]}});
    assert_eq!(
        one(managed("aws:AmazonS3FullAccess"), json!({})),
        "spec.policies.managed[0]: IrsaClass teams does not allow arn:aws:iam::aws:policy/AmazonS3FullAccess \
         (spec.allow.managedPolicies); it allows aws:AmazonSQS*, account:$(namespace)/*, \
         arn:$(partition):iam::aws:policy/IAMFullAccess: take one of these, or ask who owns the class"
    );
    for text in
        ["account:team-a", "account:team-ab/x", "account:other/x", "aws:amazonsqsfullaccess", "aws:x/AmazonSQSx"]
    {
        assert_eq!(said(managed(text), json!({})).len(), 1, "{text}");
    }
    let everything = json!({"allow": {"managedPolicies": ["aws:*", "account:*", "aws:AdministratorAccess",
        "arn:aws:iam::aws:policy/*", "arn:aws:iam::aws:policy/Admin*Access", "arn:aws:iam::aws:policy/PowerUserAccess"]}});
    let none = one(managed("aws:AdministratorAccess"), everything.clone());
    assert!(none.contains("gives all power in the account") && none.contains("by its full ARN"), "{none}");
    assert_eq!(said(managed("aws:administratoraccess"), everything.clone()).len(), 1, "however it is written");
    assert_eq!(said(managed("aws:IAMFullAccess"), everything.clone()).len(), 1);
    assert_eq!(said(managed("aws:PowerUserAccess"), everything.clone()), [""; 0], "it is named");
    assert_eq!(said(managed("account:AdministratorAccess"), everything), [""; 0], "the account's own of that name");
}

#[test]
fn tags() {
    let tags = |tags: Value| json!({"role": {"tags": tags}});
    let key = one(tags(json!({"owner": "me"})), json!({}));
    assert!(
        key.starts_with(
            "spec.role.tags[owner]: IrsaClass teams does not allow a tag of this key (spec.allow.tags.keys)"
        ),
        "{key}"
    );
    let value = one(tags(json!({"tEAM": "team-b"})), json!({}));
    assert!(
        value.contains("does not allow the value \"team-b\" (spec.allow.tags.values); it allows team-a, shared-*"),
        "{value}"
    );
    assert_eq!(said(tags(json!({"Team": "$(namespace)"})), json!({})), [""; 0], "variables are filled in first");
    // What IAM might fold to a key that is limited is limited, and what it might not is not allowed by it.
    let any = json!({"allow": {"tags": {"keys": ["*"], "values": {"key": ["x"]}}}});
    assert_eq!(said(tags(json!({"\u{212A}ey": "y"})), any).len(), 1);
    assert_eq!(said(tags(json!({"\u{212A}ey": "y"})), json!({"allow": {"tags": {"keys": ["key"]}}})).len(), 1);
    // The class's own tag wins, so there is nothing to be said of the binding's.
    assert_eq!(said(tags(json!({"OWNER": "me"})), json!({"role": {"tags": {"owner": "platform"}}})), [""; 0]);
    let required = json!({"allow": {"tags": {"required": ["cost-center"]}}});
    assert!(one(json!({}), required.clone()).contains("requires the tag cost-center (spec.allow.tags.required)"));
    assert_eq!(said(tags(json!({"Cost-Center": "1"})), required.clone()), [""; 0]);
    assert_eq!(said(tags(json!({"cost-center": ""})), required).len(), 1, "a tag without a value says nothing");
}

#[test]
fn limits() {
    let session = |seconds: i32| json!({"role": {"maxSessionDurationSeconds": seconds}});
    let cap = |of_class: Value| one(session(43200), of_class);
    assert!(cap(json!({})).contains("is 43200, and IrsaClass teams allows 3600"));
    assert!(cap(json!({"role": {"maxSessionDurationSeconds": 7200}})).contains("allows 7200"));
    assert!(
        cap(json!({"role": {"maxSessionDurationSeconds": 7200}, "allow": {"maxSessionDurationSeconds": 3600}}))
            .contains("allows 3600")
    );
    assert_eq!(said(session(43200), json!({"allow": {"maxSessionDurationSeconds": 43200}})), [""; 0]);
    let retain = one(json!({"deletionPolicy": "Retain"}), json!({"allow": {"deletionPolicies": ["Delete"]}}));
    assert_eq!(
        retain,
        "spec.deletionPolicy: IrsaClass teams does not allow Retain (spec.allow.deletionPolicies); it allows Delete: take \
         one of these, or ask who owns the class"
    );
}

#[test]
fn several_are_told_together() {
    let all = json!({"policies": {"managed": ["aws:A", "aws:B", "aws:C", "aws:D", "aws:E", "aws:F", "aws:G"]}});
    let error = forbidden(&violations(&usual(), &spec(all), &class(json!({})))).unwrap();
    assert_eq!((error.category, error.reason), (Category::Forbidden, "Forbidden"));
    assert!(error.message.starts_with("7 things are not allowed: (1) spec.policies.managed[0]: "), "{error}");
    assert!(error.message.ends_with("; and 2 more"), "{error}");
    assert_eq!(forbidden(&[]), None);
}
