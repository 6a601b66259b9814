//! One table for admission and the operator. The namespace has the label `tier: apps`.

use serde_json::{Value, json};

/// Who can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Admission and the operator.
    Both,
    /// Only the operator: it takes more than the object and its class.
    Operator,
}

/// A binding in a class.
pub struct Case {
    title: &'static str,
    pub by: By,
    /// Over [`class`].
    allow: Value,
    /// Over the smallest binding.
    spec: Value,
    /// What a refusal says beside the class's name; empty where there is none.
    pub said: Vec<&'static str>,
    /// The reason that the operator gives for it.
    pub why: &'static str,
}

impl Case {
    /// As a name of a binding.
    pub fn name(&self) -> String {
        self.title.replace(' ', "-")
    }

    /// Spec of the class.
    pub fn class(&self) -> Value {
        let mut class = json!({"allow": {
            "namespaces": {"selector": {"matchLabels": {"tier": "apps"}}},
            "serviceAccounts": {"names": ["app*", "$(name)"], "create": true, "additional": true},
            "managedPolicies": ["aws:AmazonSQS*", "account:$(namespace)/*"],
            "inlinePolicies": {"rules": [{"actions": ["s3:Get*"], "resources": ["arn:$(partition):s3:::$(namespace)/*"]}]},
            "tags": {"keys": ["team", "cost-*"], "values": {"team": ["$(namespace)", "shared-*"]}},
        }});
        let (allow, rest): (Value, Value) = match self.allow.get("spec") {
            Some(spec) => (json!({}), spec.clone()),
            None => (self.allow.clone(), json!({})),
        };
        merge(&mut class["allow"], &allow);
        merge(&mut class, &rest);
        class
    }
}

/// The name of a case's class.
pub fn class_of(prefix: &str, case: &Case) -> String {
    format!("{prefix}-{}", case.name())
}

/// The spec of a case's binding.
pub fn spec_of(prefix: &str, case: &Case) -> Value {
    let mut spec =
        json!({"className": class_of(prefix, case), "serviceAccount": {"name": format!("app-{}", case.name())}});
    merge(&mut spec, &case.spec);
    spec
}

/// JSON merge patch: null takes away.
fn merge(into: &mut Value, over: &Value) {
    match (into, over) {
        (Value::Object(into), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (into, over) => *into = over.clone(),
    }
}

fn yes(title: &'static str, allow: Value, spec: Value) -> Case {
    Case { title, by: By::Both, allow, spec, said: vec![], why: "" }
}

fn no(title: &'static str, allow: Value, spec: Value, said: &[&'static str]) -> Case {
    Case { title, by: By::Both, allow, spec, said: said.to_vec(), why: "Forbidden" }
}

fn only_operator(case: Case) -> Case {
    Case { by: By::Operator, ..case }
}

pub fn cases() -> Vec<Case> {
    [namespaces(), accounts(), audiences(), managed(), names(), tags(), limits(), inline()]
        .into_iter()
        .flatten()
        .collect()
}

fn namespaces() -> Vec<Case> {
    let rule = "spec.allow.namespaces";
    let of = |namespaces: Value| json!({"namespaces": namespaces});
    let expression = |operator: &str, values: &[&str]| {
        of(
            json!({"selector": {"matchLabels": null, "matchExpressions": [{"key": "tier", "operator": operator, "values": values}]}}),
        )
    };
    let none = json!({});
    vec![
        yes("ns label", json!({}), none.clone()),
        yes("ns all", of(json!({"selector": {"matchLabels": null}})), none.clone()),
        yes("ns name", of(json!({"selector": null, "names": ["*-cases"]})), none.clone()),
        yes("ns in", expression("In", &["apps", "x"]), none.clone()),
        yes("ns not in", expression("NotIn", &["x"]), none.clone()),
        yes("ns exists", expression("Exists", &[]), none.clone()),
        no("ns nothing said", of(Value::Null), none.clone(), &[rule, "does not allow bindings in namespace"]),
        no("ns other label", of(json!({"selector": {"matchLabels": {"tier": "db"}}})), none.clone(), &[rule]),
        no("ns second label", of(json!({"selector": {"matchLabels": {"x": "y"}}})), none.clone(), &[rule]),
        no(
            "ns other name",
            of(json!({"selector": null, "names": ["allow", "cases", "*-case"]})),
            none.clone(),
            &[rule],
        ),
        no("ns in others", expression("In", &["x"]), none.clone(), &[rule]),
        no("ns not in it", expression("NotIn", &["apps"]), none.clone(), &[rule]),
        no("ns does not exist", expression("DoesNotExist", &[]), none, &[rule]),
    ]
}

fn accounts() -> Vec<Case> {
    let rule = "spec.allow.serviceAccounts.names";
    let account = |name: &str| json!({"serviceAccount": {"name": name}});
    let names = |names: &[&str]| json!({"serviceAccounts": {"names": names}});
    let more = |names: &[&str]| json!({"trust": {"serviceAccounts": names}});
    vec![
        yes("sa by variable", names(&["$(name)"]), account("sa-by-variable")),
        yes("sa default named", names(&["default"]), account("default")),
        yes("sa created", json!({}), json!({"serviceAccount": {"create": true}})),
        yes("sa further", json!({}), more(&["app-x", "app-y"])),
        no("sa other", json!({}), account("web"), &[rule, "does not allow ServiceAccount web"]),
        no("sa none", json!({"serviceAccounts": null}), json!({}), &[rule]),
        no(
            "sa default by glob",
            names(&["*", "def*"]),
            account("default"),
            &[rule, "every Pod that names no ServiceAccount"],
        ),
        no(
            "sa not created",
            json!({"serviceAccounts": {"create": false}}),
            json!({"serviceAccount": {"create": true}}),
            &["spec.allow.serviceAccounts.create", "make the ServiceAccount yourself"],
        ),
        no("sa further other", json!({}), more(&["app-x", "web"]), &[rule, "does not allow ServiceAccount web"]),
        no(
            "sa no further",
            json!({"serviceAccounts": {"additional": false}}),
            more(&["app-x"]),
            &["spec.allow.serviceAccounts.additional", "app-x"],
        ),
    ]
}

fn audiences() -> Vec<Case> {
    let of = |audience: &str| json!({"trust": {"audience": audience}});
    let two = json!({"spec": {"oidcProvider": {"audiences": ["sts.amazonaws.com", "vault"]}}});
    vec![
        yes("audience of the class", two.clone(), of("vault")),
        // It is wrong whatever is allowed.
        Case {
            why: "Invalid",
            ..no("audience of nobody", two, of("other"), &["spec.trust.audience", "sts.amazonaws.com, vault"])
        },
    ]
}

fn managed() -> Vec<Case> {
    let rule = "spec.allow.managedPolicies";
    let managed = |policies: &[&str]| json!({"policies": {"managed": policies}});
    let allow = |globs: &[&str]| json!({"managedPolicies": globs});
    vec![
        yes("mp glob", json!({}), managed(&["aws:AmazonSQSReadOnlyAccess", "aws:AmazonSQSFullAccess"])),
        yes(
            "mp mighty named",
            allow(&["arn:$(partition):iam::aws:policy/IAMFullAccess"]),
            managed(&["aws:IAMFullAccess"]),
        ),
        yes("mp whole arn", json!({}), managed(&["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"])),
        no("mp other", json!({}), managed(&["aws:AmazonS3FullAccess"]), &[rule, "AmazonS3FullAccess"]),
        no(
            "mp second",
            json!({}),
            managed(&["aws:AmazonSQSFullAccess", "aws:AmazonS3FullAccess"]),
            &[rule, "AmazonS3FullAccess"],
        ),
        no("mp none", json!({"managedPolicies": []}), managed(&["aws:AmazonSQSFullAccess"]), &[rule]),
        no("mp case", json!({}), managed(&["aws:amazonsqsfullaccess"]), &[rule]),
        no("mp other path", json!({}), managed(&["account:other/x"]), &[rule, "policy/other/x"]),
        no("mp path that begins so", json!({}), managed(&["account:$(namespace)x/y"]), &[rule]),
        no(
            "mp mighty",
            allow(&["aws:*", "account:*"]),
            managed(&["aws:AdministratorAccess"]),
            &[rule, "by its full ARN"],
        ),
        no(
            "mp mighty short",
            allow(&["aws:PowerUserAccess"]),
            managed(&["aws:PowerUserAccess"]),
            &[rule, "by its full ARN"],
        ),
        no(
            "mp mighty almost",
            allow(&["arn:aws:iam::aws:policy/IAM*Access"]),
            managed(&["arn:$(partition):iam::aws:policy/IAMFullAccess"]),
            &[rule, "by its full ARN"],
        ),
        no("mp dots", allow(&["aws:Amazon.QS*"]), managed(&["aws:AmazonSQSFullAccess"]), &[rule]),
    ]
}

fn names() -> Vec<Case> {
    let rule = "spec.allow.roleName";
    let allow = |glob: &str| json!({"roleName": glob});
    let named = |name: &str| json!({"role": {"name": name}});
    let kept = |title: &'static str, glob: &str, name: &str| {
        no(title, allow(glob), named(name), &["spec.role.name", "are never taken"])
    };
    vec![
        yes("name of the namespace", allow("$(namespace)_*"), named("allow-cases_own")),
        yes("name with a beginning", allow("shop-*"), named("shop-x.y+z")),
        no("name other", allow("$(namespace)_*"), named("other_own"), &[rule, "other_own"]),
        no("name of a neighbour", allow("$(namespace)_*"), named("allow-cases-b_own"), &[rule]),
        no("name in other letters", allow("$(namespace)_*"), named("ALLOW-cases_own"), &[rule]),
        no("name with its dot", allow("shop.*"), named("shopx1"), &[rule]),
        no(
            "name that looks cut",
            allow("$(namespace)_*"),
            named("allow-cases_x=abcdefghijklmnop"),
            &[rule, "without ="],
        ),
        kept("name of aws", "*-$(namespace)", "AWS-allow-cases"),
        kept("name of cdk", "*_$(namespace)", "cdk-x_allow-cases"),
        kept("name of the organization", "organization*", "organizationaccountaccessrole"),
    ]
}

fn tags() -> Vec<Case> {
    let tags = |tags: Value| json!({"role": {"tags": tags}});
    let class_tags = json!({"spec": {"role": {"tags": {"team": "platform"}}}});
    let keys = "spec.allow.tags.keys";
    let required = json!({"tags": {"required": ["cost-center"]}});
    vec![
        yes("tag", json!({}), tags(json!({"Team": "$(namespace)", "cost-x": "1"}))),
        yes("tag shared", json!({}), tags(json!({"team": "shared-x"}))),
        yes("tag of the class wins", class_tags, tags(json!({"TEAM": "other"}))),
        yes("tag required", required.clone(), tags(json!({"Cost-Center": "1"}))),
        no("tag other key", json!({}), tags(json!({"owner": "x"})), &[keys, "owner"]),
        no("tag none", json!({"tags": null}), tags(json!({"team": "x"})), &[keys]),
        no("tag other value", json!({}), tags(json!({"TEAM": "other"})), &["spec.allow.tags.values", "\"other\""]),
        no("tag missing", required.clone(), json!({}), &["spec.allow.tags.required", "cost-center"]),
        no("tag empty", required, tags(json!({"cost-center": ""})), &["spec.allow.tags.required"]),
    ]
}

fn limits() -> Vec<Case> {
    let session = |seconds: i32| json!({"role": {"maxSessionDurationSeconds": seconds}});
    let rule = "spec.allow.maxSessionDurationSeconds";
    let own = json!({"spec": {"role": {"maxSessionDurationSeconds": 7200}}});
    let delete = json!({"deletionPolicies": ["Delete"]});
    let template = json!({"spec": {"role": {"nameTemplate": "aws_$(namespace)_$(name)"}}});
    vec![
        yes("session least", json!({}), session(3600)),
        yes("session of the class", own.clone(), session(7200)),
        yes("session allowed", json!({"maxSessionDurationSeconds": 43200}), session(43200)),
        yes("deletion", json!({}), json!({"deletionPolicy": "Retain"})),
        no("session", json!({}), session(3601), &[rule, "allows 3600"]),
        no("session of the class more", own, session(7201), &[rule, "allows 7200"]),
        no("deletion other", delete, json!({"deletionPolicy": "Retain"}), &["spec.allow.deletionPolicies", "Retain"]),
        only_operator(no("kept name", template, json!({}), &["names that begin with aws"])),
    ]
}

fn inline() -> Vec<Case> {
    let rule = "spec.allow.inlinePolicies";
    let of = |action: &str, resource: &str| {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        json!({"policies": {"inline": [{"name": "p", "document": {"Version": "2012-10-17", "Statement": [statement]}}]}})
    };
    let none = json!({"inlinePolicies": null});
    let inside = of("s3:GetObject", "arn:aws:s3:::$(namespace)/x");
    vec![
        yes("inline inside", json!({}), inside.clone()),
        no("inline none", none, inside, &[rule, "no inline policies"]),
        only_operator(no("inline action", json!({}), of("s3:PutObject", "arn:aws:s3:::$(namespace)/x"), &[rule])),
        only_operator(no("inline resource", json!({}), of("s3:GetObject", "*"), &[rule])),
    ]
}
