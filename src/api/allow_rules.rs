//! The rules of the schema for `spec.allow`: see `rules`.

use super::names::tag;
use super::rules::{VARIABLE, WORD, known_variables, policy_arn_pattern, rule, set, with};
use kube::core::Rule;
use schemars::Schema;
use serde_json::json;

/// Globs of managed policies.
pub fn managed(schema: &mut Schema) {
    set(schema, json!({"maxItems": 100, "x-kubernetes-list-type": "set"}));
    with(schema, "items", |item| {
        set(item, json!({"maxLength": 512}));
        known_variables(item);
        let arn = policy_arn_pattern();
        rule(
            item,
            format!(r"self.matches(r'^(?:(?:aws|account):|{arn})(?:{WORD}|{VARIABLE}|[/*])+$')"),
            "write aws:GLOB, account:GLOB or arn:$(partition):iam::$(account):policy/GLOB, in which * stands for any \
             characters, as aws:AmazonSQS* or account:$(namespace)/*",
        );
    });
}

/// Names of namespaces.
pub fn namespaces(schema: &mut Schema) {
    set(schema, json!({"maxItems": 200, "x-kubernetes-list-type": "set"}));
    with(schema, "items", |item| {
        set(item, json!({"minLength": 1, "maxLength": 63}));
        rule(
            item,
            "self.matches(r'^[a-z0-9*-]*$')",
            "write the name of a namespace, in which * stands for any characters",
        );
    });
}

/// Labels of a namespace.
pub fn labels(schema: &mut Schema) {
    set(schema, json!({"maxProperties": 20}));
    with(schema, "additionalProperties", |value| set(value, json!({"maxLength": 63})));
}

/// On a requirement: values where they are compared.
pub fn label_values() -> Rule {
    Rule::new("(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)")
        .message("In and NotIn compare with values; Exists and DoesNotExist take none")
}

/// Names of ServiceAccounts.
pub fn service_accounts(schema: &mut Schema) {
    set(schema, json!({"maxItems": 100, "x-kubernetes-list-type": "set"}));
    with(schema, "items", |item| {
        set(item, json!({"minLength": 1, "maxLength": 253}));
        known_variables(item);
        rule(
            item,
            format!(r"self.matches(r'^(?:[a-z0-9.*-]|{VARIABLE})*$')"),
            "write the name of a ServiceAccount, in which * stands for any characters",
        );
    });
}

/// Names of roles.
pub fn role_names(schema: &mut Schema) {
    set(schema, json!({"minLength": 1, "maxLength": 256}));
    known_variables(schema);
    rule(
        schema,
        format!(r"self.matches(r'^(?:[A-Za-z0-9_+,.@*-]|{VARIABLE})*$')"),
        "names of roles hold letters, digits and _+,.@-, beside variables and * for any characters; = is kept for names that \
         had to be cut",
    );
    rule(
        schema,
        "self.contains('$(namespace)') || self.matches('^[A-Za-z0-9_+,.@-]{3}')",
        "begin with three characters or more that are fixed, or write $(namespace), as in $(namespace)_* or shop-*: names of \
         roles stand in others' rules",
    );
    rule(
        schema,
        "!self.lowerAscii().matches('^(aws|cdk-|stacksets-)')",
        "names that begin with aws, cdk- or stacksets- are kept for AWS and its tools; take another beginning",
    );
}

/// Actions that are denied.
pub fn actions(schema: &mut Schema) {
    set(schema, json!({"maxItems": 100}));
    with(schema, "items", |item| {
        set(item, json!({"minLength": 1, "maxLength": 128}));
        rule(
            item,
            "self.matches(r'^(?:[*]|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$')",
            "write an action as SERVICE:ACTION, in which * stands for any characters, or * for all",
        );
    });
}

/// Actions of a rule.
pub fn rule_actions(schema: &mut Schema) {
    actions(schema);
    set(schema, json!({"minItems": 1, "maxItems": 50}));
}

/// Resources of a rule.
pub fn resources(schema: &mut Schema) {
    set(schema, json!({"minItems": 1, "maxItems": 50}));
    with(schema, "items", |item| {
        set(item, json!({"minLength": 1, "maxLength": 512}));
        known_variables(item);
        rule(
            item,
            "self == '*' || self.matches(r'^arn:[ -~]+$')",
            "write an ARN of ASCII characters, in which * stands for any characters, as \
             arn:$(partition):s3:::$(namespace)/*, or * for all",
        );
    });
}

const KEY: &str = r"[\p{L}\p{Z}\p{N}_.:/=+@-]";

/// Keys of tags.
pub fn tag_keys(schema: &mut Schema) {
    set(schema, json!({"maxItems": 50, "x-kubernetes-list-type": "set"}));
    with(schema, "items", |item| {
        set(item, json!({"minLength": 1, "maxLength": 128}));
        rule(
            item,
            format!("self.matches(r'^(?:{KEY}|[*])*$')"),
            "a tag's key holds letters, digits, spaces and _.:/=+-@, beside * for any characters",
        );
    });
}

/// Values of tags by key.
pub fn tag_values(schema: &mut Schema) {
    set(schema, json!({"maxProperties": 40}));
    rule(
        schema,
        "self.all(a, self.exists_one(b, a.lowerAscii() == b.lowerAscii()))",
        "two keys are the same but for upper and lower case, and IAM takes them for one; remove one",
    );
    with(schema, "additionalProperties", |values| {
        set(values, json!({"minItems": 1, "maxItems": 50}));
        with(values, "items", |value| {
            set(value, json!({"maxLength": 256}));
            known_variables(value);
            rule(
                value,
                format!("self.matches(r'^(?:{KEY}|[*]|{VARIABLE})*$')"),
                "a tag's value holds letters, digits, spaces and _.:/=+-@, beside variables and * for any characters",
            );
        });
    });
}

/// Tags that have to be there.
pub fn required_tags(schema: &mut Schema) {
    set(schema, json!({"maxItems": 40, "x-kubernetes-list-type": "set"}));
    with(schema, "items", |item| {
        set(item, json!({"minLength": 1, "maxLength": 128}));
        rule(
            item,
            format!("self.matches(r'^{KEY}*$')"),
            "a tag's key holds letters, digits, spaces and _.:/=+-@, and no wildcards",
        );
    });
}

/// What deletion may do.
pub fn deletion_policies(schema: &mut Schema) {
    set(schema, json!({"minItems": 1, "maxItems": 2, "x-kubernetes-list-type": "set"}));
}

/// On the class's spec: what it does itself it allows.
pub fn allows_own_deletion_policy() -> Rule {
    Rule::new("!has(self.allow.deletionPolicies) || self.allow.deletionPolicies.size() == 0 || self.role.deletionPolicy in self.allow.deletionPolicies").message(
        "role.deletionPolicy is what holds for bindings that say nothing, and allow.deletionPolicies does not have it; \
         make one fit the other",
    )
}

/// On the class's spec: bindings that say nothing stay within the limit.
pub fn allows_own_session() -> Rule {
    Rule::new(
        "!has(self.allow.maxSessionDurationSeconds) || !has(self.role.maxSessionDurationSeconds) || \
         self.role.maxSessionDurationSeconds <= self.allow.maxSessionDurationSeconds",
    )
    .message(
        "role.maxSessionDurationSeconds is what holds for bindings that say nothing, and is above \
         allow.maxSessionDurationSeconds; lower it, or raise the limit",
    )
}

/// More ServiceAccounts that may assume a role.
pub fn subjects(schema: &mut Schema) {
    set(schema, json!({"maxItems": 20, "x-kubernetes-list-type": "set"}));
    with(schema, "items", |item| {
        set(item, json!({"maxLength": 253}));
        super::rules::subdomain(item);
    });
}

/// Tags of a role.
pub fn role_tags(schema: &mut Schema) {
    const CHARACTERS: &str = r"[\p{L}\p{Z}\p{N}_.:/=+@-]";
    set(schema, json!({"maxProperties": 40}));
    rule(schema, "self.all(key, key.size() >= 1 && key.size() <= 128)", "a tag's key has 1 to 128 characters");
    rule(
        schema,
        format!("self.all(key, key.matches(r'^{CHARACTERS}*$'))"),
        "a tag's key holds letters, digits, spaces and _.:/=+-@ and no variables",
    );
    rule(
        schema,
        "self.all(key, !key.lowerAscii().startsWith('aws:'))",
        "keys of tags that begin with aws: are kept for AWS; take another key",
    );
    rule(
        schema,
        format!("self.all(key, !key.lowerAscii().startsWith('{}'))", tag::PREFIX),
        format!("keys of tags that begin with {} say whose a role is; take another key", tag::PREFIX),
    );
    rule(
        schema,
        "self.all(a, self.exists_one(b, a.lowerAscii() == b.lowerAscii()))",
        "two tags have the same key but for upper and lower case, and IAM takes them for one; remove one",
    );
    with(schema, "additionalProperties", |value| {
        set(value, json!({"maxLength": 256}));
        known_variables(value);
        rule(
            value,
            format!("self.matches(r'^(?:{CHARACTERS}|{VARIABLE})*$')"),
            "a tag's value holds letters, digits, spaces and _.:/=+-@, beside variables",
        );
    });
}
