//! The rules of what a class allows.

use super::{Case, no, yes};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    [namespaces(), accounts(), managed(), inline(), names(), tags(), limits(), largest()]
        .into_iter()
        .flatten()
        .collect()
}

const DOLLAR: &str = "$( begins a variable: write one of $(namespace) $(name) $(serviceAccount)";

fn allow(allow: Value) -> Value {
    json!({"spec": {"allow": allow}})
}

fn namespaces() -> Vec<Case> {
    let names = |names: Value| allow(json!({"namespaces": {"names": names}}));
    let needs = |operator: &str, values: Value| {
        let one = json!({"key": "team", "operator": operator, "values": values});
        allow(json!({"namespaces": {"selector": {"matchExpressions": [one]}}}))
    };
    let (at, form) = ("spec.allow.namespaces.names[0]", "write the name of a namespace, in which * stands for");
    let operator = "spec.allow.namespaces.selector.matchExpressions[0].operator";
    let expression = "spec.allow.namespaces.selector.matchExpressions[0]";
    let values = "In and NotIn compare with values; Exists and DoesNotExist take none";
    vec![
        yes("all namespaces", allow(json!({"namespaces": {"selector": {}}}))),
        yes("namespaces by label", allow(json!({"namespaces": {"selector": {"matchLabels": {"a/b": "c"}}}}))),
        yes("namespaces by name", names(json!(["kube-system", "team-*"]))),
        no("a namespace by question mark", names(json!(["team-?"])), at, form),
        no("a namespace by variable", names(json!(["$(namespace)"])), at, form),
        no("a namespace without a name", names(json!([""])), at, "at least 1 chars long"),
        yes("a label with values", needs("In", json!(["a"]))),
        yes("a label without", needs("Exists", json!([]))),
        no("In without values", needs("In", json!([])), expression, values),
        no("Exists with values", needs("Exists", json!(["a"])), expression, values),
        no("an unknown operator", needs("Gt", json!([])), operator, "supported values"),
    ]
}

fn accounts() -> Vec<Case> {
    let names = |name: &str| allow(json!({"serviceAccounts": {"names": [name]}}));
    let (at, form) =
        ("spec.allow.serviceAccounts.names[0]", "write the name of a ServiceAccount, in which * stands for");
    vec![
        yes("ServiceAccounts", names("$(namespace)-*.x")),
        no("a ServiceAccount in capitals", names("App"), at, form),
        no("a ServiceAccount by an unknown variable", names("$(team)"), at, DOLLAR),
    ]
}

fn names() -> Vec<Case> {
    let name = |glob: &str| allow(json!({"roleName": glob}));
    let at = "spec.allow.roleName";
    let fixed = "begin with three characters or more that are fixed, or write $(namespace)";
    let kept = "names that begin with aws, cdk- or stacksets- are kept for AWS and its tools";
    vec![
        yes("names of a namespace", name("$(clusterId)_$(namespace)_*")),
        yes("names with a beginning", name("app*")),
        no("any name", name("*"), at, fixed),
        no("names of two letters", name("ap*"), at, fixed),
        no("names by another variable", name("$(name)*"), at, fixed),
        no("names of AWS", name("AWS-$(namespace)"), at, kept),
        no("names of its CDK", name("Cdk-*"), at, kept),
        no("names as if cut", name("app-*=x"), at, "names of roles hold letters, digits and _+,.@-"),
        no("a path", name("app/*"), at, "names of roles hold letters, digits and _+,.@-"),
        no("names by an unknown variable", name("app-$(team)"), at, DOLLAR),
    ]
}

fn managed() -> Vec<Case> {
    let managed = |glob: &str| allow(json!({"managedPolicies": [glob]}));
    let (at, form) = (
        "spec.allow.managedPolicies[0]",
        "write aws:GLOB, account:GLOB or arn:$(partition):iam::$(account):policy/GLOB",
    );
    vec![
        yes("policies of AWS", managed("aws:*")),
        yes("policies of a path", managed("account:$(namespace)/*")),
        yes("policies by ARN", managed("arn:$(partition):iam::$(account):policy/team/*")),
        no("all policies", managed("*"), at, form),
        no("a bare name", managed("ReadOnlyAccess"), at, form),
        no("a wildcard for the account", managed("arn:aws:iam::*:policy/x"), at, form),
        no("a question mark", managed("aws:Amazon?"), at, form),
        no("letters beyond ASCII", managed("aws:\u{212A}*"), at, form),
        no("nothing after the prefix", managed("aws:"), at, form),
        no("policies by an unknown variable", managed("aws:$(x)*"), at, DOLLAR),
    ]
}

fn inline() -> Vec<Case> {
    let rule = |actions: Value, resources: Value| {
        allow(json!({"inlinePolicies": {"rules": [{"actions": actions, "resources": resources}]}}))
    };
    let action = "write an action as SERVICE:ACTION, in which * stands for any characters, or * for all";
    vec![
        yes("a rule", rule(json!(["s3:Get*", "iam:PassRole"]), json!(["arn:$(partition):s3:::$(namespace)/*"]))),
        yes("a rule for all", rule(json!(["*"]), json!(["*"]))),
        yes("denied actions", allow(json!({"inlinePolicies": {"deny": ["iam:*"]}}))),
        no(
            "a rule without actions",
            rule(json!([]), json!(["*"])),
            "spec.allow.inlinePolicies.rules[0].actions",
            "at least 1 items",
        ),
        no(
            "a rule without resources",
            rule(json!(["*"]), json!([])),
            "spec.allow.inlinePolicies.rules[0].resources",
            "at least 1 items",
        ),
        no(
            "an action without a service",
            rule(json!(["Get*"]), json!(["*"])),
            "spec.allow.inlinePolicies.rules[0].actions[0]",
            action,
        ),
        no(
            "an action beyond ASCII",
            rule(json!(["\u{212A}ms:*"]), json!(["*"])),
            "spec.allow.inlinePolicies.rules[0].actions[0]",
            action,
        ),
        no(
            "a resource by name",
            rule(json!(["*"]), json!(["bucket"])),
            "spec.allow.inlinePolicies.rules[0].resources[0]",
            "write an ARN of ASCII characters",
        ),
        no(
            "a resource by an unknown variable",
            rule(json!(["*"]), json!(["arn:$(x)"])),
            "spec.allow.inlinePolicies.rules[0].resources[0]",
            DOLLAR,
        ),
    ]
}

fn tags() -> Vec<Case> {
    let tags = |tags: Value| allow(json!({"tags": tags}));
    vec![
        yes(
            "tags",
            tags(
                json!({"keys": ["team", "cost-*"], "values": {"team": ["$(namespace)", "a b*"]}, "required": ["team"]}),
            ),
        ),
        no(
            "a key with a variable",
            tags(json!({"keys": ["$(name)"]})),
            "spec.allow.tags.keys[0]",
            "a tag's key holds letters",
        ),
        no(
            "a required key with a wildcard",
            tags(json!({"required": ["a*"]})),
            "spec.allow.tags.required[0]",
            "and no wildcards",
        ),
        no("no value at all", tags(json!({"values": {"a": []}})), "spec.allow.tags.values.a", "at least 1 items"),
        no(
            "one key twice",
            tags(json!({"values": {"a": ["x"], "A": ["y"]}})),
            "spec.allow.tags.values",
            "two keys are the same but for",
        ),
        no(
            "a value that no tag has",
            tags(json!({"values": {"a": ["a;b"]}})),
            "spec.allow.tags.values[a][0]",
            "a tag's value holds letters",
        ),
    ]
}

fn limits() -> Vec<Case> {
    let at = "spec.allow.maxBindingsPerNamespace";
    let session = "spec.allow.maxSessionDurationSeconds";
    let role = |role: Value, allow: Value| json!({"spec": {"role": role, "allow": allow}});
    vec![
        yes("a number of bindings", allow(json!({"maxBindingsPerNamespace": 1}))),
        no("no binding at all", allow(json!({"maxBindingsPerNamespace": 0})), at, "greater than or equal to 1"),
        no("too many bindings", allow(json!({"maxBindingsPerNamespace": 100_001})), at, "less than or equal to 100000"),
        no(
            "a limit of sessions below IAM's least",
            allow(json!({"maxSessionDurationSeconds": 3599})),
            session,
            "greater than or equal to 3600",
        ),
        yes("only deletion", allow(json!({"deletionPolicies": ["Delete"]}))),
        no(
            "no deletion policy",
            allow(json!({"deletionPolicies": []})),
            "spec.allow.deletionPolicies",
            "at least 1 items",
        ),
        no(
            "a class against its own deletion policy",
            role(json!({"deletionPolicy": "Retain"}), json!({"deletionPolicies": ["Delete"]})),
            "spec",
            "role.deletionPolicy is what holds for bindings that say nothing",
        ),
        no(
            "a class against its own session",
            role(json!({"maxSessionDurationSeconds": 7200}), json!({"maxSessionDurationSeconds": 3600})),
            "spec",
            "lower it, or raise the limit",
        ),
        no("another thing to do", json!({"spec": {"onViolation": "Delete"}}), "spec.onViolation", "supported values"),
    ]
}

/// All at their limits at once: CEL has a budget for each object, too.
fn largest() -> Vec<Case> {
    let many = |count: usize, length: usize| -> Vec<String> {
        (0..count).map(|i| format!("{}{i:03}", "a".repeat(length - 3))).collect()
    };
    let managed: Vec<String> = many(100, 508).into_iter().map(|name| format!("aws:{name}")).collect();
    let actions: Vec<String> = many(50, 125).into_iter().map(|name| format!("s3:{name}")).collect();
    let resources: Vec<String> = many(50, 508).into_iter().map(|name| format!("arn:{name}")).collect();
    let values: serde_json::Map<String, Value> =
        many(40, 128).into_iter().map(|key| (key, json!(many(50, 256)))).collect();
    let labels: serde_json::Map<String, Value> =
        many(20, 63).into_iter().map(|key| (key, json!("v".repeat(63)))).collect();
    let needs: Vec<Value> =
        many(20, 317).into_iter().map(|key| json!({"key": key, "operator": "In", "values": many(50, 63)})).collect();
    vec![yes(
        "a class that allows as much as it may",
        allow(json!({
            "namespaces": {"selector": {"matchLabels": labels, "matchExpressions": needs}, "names": many(200, 63)},
            "serviceAccounts": {"names": many(100, 253), "create": true, "additional": true},
            "managedPolicies": managed,
            "inlinePolicies": {"rules": vec![json!({"actions": actions, "resources": resources}); 20], "deny": actions},
            "tags": {"keys": many(50, 128), "values": values, "required": many(40, 128)},
            "maxBindingsPerNamespace": 100_000,
            "maxSessionDurationSeconds": 43200,
        })),
    )]
}
