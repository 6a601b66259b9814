//! The rules of the schema, one function for each kind of field. What `kubectl apply` refuses, it refuses with the
//! sentence that stands here: it says what to write instead. Limits that are plain numbers stand at the field itself.
//!
//! Sources of the limits: IAM API reference (CreateRole, PutRolePolicy, Tag, CreateOpenIDConnectProvider) and IAM user
//! guide, "IAM and AWS STS quotas". A value with variables is judged as it is written; the operator judges it again
//! after they are expanded.

mod role;

pub use role::{description, role_name};

pub use super::allow_rules::role_tags as tags;
use super::names::{INLINE_PREFIX, VARIABLES};
use kube::core::{Rule, validate};
use schemars::Schema;
use serde_json::{Value, json};

/// One character that IAM allows in names and in paths between slashes.
pub(super) const WORD: &str = r"[\w+=,.@-]";
/// A variable, known or not.
pub(super) const VARIABLE: &str = r"\$\([^()]*\)";

pub(super) fn rule(schema: &mut Schema, cel: impl Into<String>, message: impl AsRef<str>) {
    validate(schema, Rule::new(cel).message(message.as_ref())).expect("a rule is plain JSON");
}

pub(super) fn set(schema: &mut Schema, limits: Value) {
    if let Value::Object(limits) = limits {
        schema.ensure_object().extend(limits);
    }
}

pub(super) fn with(schema: &mut Schema, key: &str, change: impl FnOnce(&mut Schema)) {
    if let Some(inner) = schema.get_mut(key) {
        change(inner.try_into().expect("a schema"));
    }
}

pub(super) fn known_variables(schema: &mut Schema) {
    let known = VARIABLES.join("|");
    let list = VARIABLES.map(|name| format!("$({name})")).join(" ");
    rule(
        schema,
        format!(r"self.matches(r'^(?:[^$]|\$*\$\((?:{known})\)|\$+[^$(])*\$*$')"),
        format!("$( begins a variable: write one of {list}"),
    );
}

/// Names of bindings and classes: they become values of tags and parts of field managers and of names of Events.
pub fn object_name() -> Rule {
    Rule::new("self.metadata.name.size() <= 63").message("metadata.name: take a name of at most 63 characters")
}

/// The name of a Kubernetes object.
pub fn subdomain(schema: &mut Schema) {
    rule(
        schema,
        r"self.matches(r'^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$')",
        "write the name of an object: lower case letters, digits, - and ., with a letter or digit at both ends",
    );
}

/// A list of managed policies: at most 25, which is the most that IAM can be asked to raise its quota to.
pub fn managed(schema: &mut Schema) {
    set(schema, json!({"maxItems": 25, "x-kubernetes-list-type": "set"}));
    with(schema, "items", |item| {
        set(item, json!({"maxLength": 1024}));
        known_variables(item);
        let arn = policy_arn_pattern();
        rule(
            item,
            format!(r"self.matches(r'^(?:(?:aws|account):|{arn})(?:(?:{WORD}|{VARIABLE})+/)*(?:{WORD}|{VARIABLE})+$')"),
            "write aws:NAME for a managed policy of AWS (aws:AmazonSQSReadOnlyAccess), account:PATH/NAME for one of the \
             role's account (account:team/queues), or an ARN (arn:$(partition):iam::$(account):policy/team/queues); \
             names and paths hold letters, digits and _+=,.@-",
        );
        policy_lengths(item);
    });
}

/// The ARN of a permissions boundary.
pub fn boundary(schema: &mut Schema) {
    set(schema, json!({"maxLength": 1024}));
    known_variables(schema);
    let arn = policy_arn_pattern();
    rule(
        schema,
        format!(r"self.matches(r'^{arn}(?:(?:{WORD}|{VARIABLE})+/)*(?:{WORD}|{VARIABLE})+$')"),
        "write the ARN of a managed policy, for example arn:$(partition):iam::$(account):policy/irsa-boundary",
    );
    policy_lengths(schema);
}

pub(super) fn policy_arn_pattern() -> &'static str {
    r"arn:(?:aws[a-z0-9-]*|\$\(partition\)):iam::(?:aws|[0-9]{12}|\$\(account\)):policy/"
}

fn policy_lengths(schema: &mut Schema) {
    // The text behind the last variable, so that a short value behind a long variable is not refused.
    rule(schema, "!self.matches(r'[^/:)]{129}$')", "a policy's name has at most 128 characters");
    // Kubernetes 1.33 fails at lastIndexOf of nothing, and would say so beside what another rule says.
    rule(
        schema,
        "self == '' || self.contains('$(') || self.lastIndexOf('/') - (self.startsWith('arn:') ? self.indexOf('/') : \
         self.indexOf(':')) < 512",
        "a policy's path has at most 512 characters",
    );
}

/// A list of inline policies. IAM counts their characters, not their number: 10,240 together.
pub fn inline(schema: &mut Schema) {
    set(schema, json!({"maxItems": 20, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}));
    rule(
        schema,
        "self.all(a, !self.exists(b, a.name != b.name && a.name.lowerAscii() == b.name.lowerAscii()))",
        "two inline policies have the same name but for upper and lower case; rename one",
    );
}

/// The name of an inline policy.
pub fn inline_name(schema: &mut Schema) {
    rule(
        schema,
        format!("self.matches(r'^{WORD}*$')"),
        "an inline policy's name holds letters, digits and _+=,.@- and no variables",
    );
    rule(
        schema,
        format!("!self.lowerAscii().startsWith('{INLINE_PREFIX}')"),
        format!("names that begin with {INLINE_PREFIX} are kept for the operator's own policies; take another name"),
    );
}

/// A policy document: what stands in it is judged by the operator, which can say where the fault is.
pub fn document(schema: &mut Schema) {
    schema.remove("additionalProperties");
    set(schema, json!({"x-kubernetes-preserve-unknown-fields": true}));
}

/// The audience of a token.
pub fn audience(schema: &mut Schema) {
    set(schema, json!({"minLength": 1, "maxLength": 255}));
    rule(
        schema,
        "self.matches(r'^[!-#%-~]*$')",
        "an audience holds ASCII characters without spaces and dollar signs, for example sts.amazonaws.com",
    );
}

/// The audiences of a provider: at least one, and no more than IAM takes.
pub fn audiences(schema: &mut Schema) {
    set(schema, json!({"minItems": 1, "maxItems": 100, "x-kubernetes-list-type": "set"}));
    with(schema, "items", audience);
}

/// How names of roles are made: different bindings must get different names.
pub fn name_template(schema: &mut Schema) {
    set(schema, json!({"maxLength": 256}));
    known_variables(schema);
    rule(
        schema,
        format!("self.matches(r'^(?:[A-Za-z0-9_+,.@-]|{VARIABLE})*$')"),
        "a template holds letters, digits and _+,.@- beside variables; = is kept for names that had to be cut",
    );
    rule(
        schema,
        "self.contains('$(namespace)')",
        "a template holds $(namespace), or roles of two namespaces would have one name",
    );
    rule(
        schema,
        "self.contains('$(name)') || self.contains('$(serviceAccount)')",
        "a template holds $(name) or $(serviceAccount), or all roles of a namespace would have one name",
    );
    rule(
        schema,
        r"!self.matches(r'\)[A-Za-z0-9.-]*\$\(')",
        "write one of _ + , @ between two variables, as in $(namespace)_$(name): what variables stand for never holds \
         one, so that two bindings can't get one name",
    );
    rule(
        schema,
        "self == oldSelf",
        "nameTemplate can't be changed, because roles can't be renamed; make another class for new bindings",
    );
}

/// The path of roles.
pub fn path(schema: &mut Schema) {
    set(schema, json!({"maxLength": 512}));
    rule(
        schema,
        format!("self.matches(r'^/(?:{WORD}+/)+$')"),
        "write a path with / at both ends and a name between, such as /irsa/ or /prod/apps/, of letters, digits and \
         _+=,.@-; / alone is refused because the operator's own permissions in AWS are bound to the path",
    );
    rule(
        schema,
        "!self.matches(r'(?i)^/aws-(service-role|reserved)/')",
        "/aws-service-role/ and /aws-reserved/ are kept for AWS; take another path",
    );
    rule(
        schema,
        "self == oldSelf",
        "path can't be changed, because roles can't be moved; make another class for new bindings",
    );
}

/// The role that the operator assumes in another account.
pub fn assume_role_arn(schema: &mut Schema) {
    role_arn(schema, "write the ARN of a role, as arn:aws:iam::111122223333:role/irsa-operator");
}

/// The role that an annotation may be taken from.
pub fn replace_role_arn(schema: &mut Schema) {
    role_arn(schema, "write the ARN of the role that the annotation names, as arn:aws:iam::111122223333:role/invoices");
}

fn role_arn(schema: &mut Schema, message: &str) {
    set(schema, json!({"minLength": 20, "maxLength": 2048}));
    rule(
        schema,
        r"self.matches('^arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}$')",
        message,
    );
}

/// On the object that holds `account`: roles can't move to another account.
pub fn keeps_account() -> Rule {
    Rule::new("has(self.account) == has(oldSelf.account) && (!has(self.account) || self.account == oldSelf.account)")
        .message("account can't be changed, because roles can't be moved; make another class for new bindings")
}

/// On the class's spec: another cluster's roles are not named by this cluster's id.
pub fn names_without_cluster() -> Rule {
    Rule::new("self.mode != 'Annotate' || !self.role.nameTemplate.contains('$(clusterId)')").message(
        "mode Annotate takes roles that another cluster makes, and nameTemplate has this cluster's id in their names; make \
         another class with a template such as $(namespace)_$(name)",
    )
}

/// On the object that holds `permissionsBoundaryArn`, because a rule on an optional field does not see its removal.
pub fn keeps_boundary() -> Rule {
    Rule::new("!has(oldSelf.permissionsBoundaryArn) || has(self.permissionsBoundaryArn)").message(
        "permissionsBoundaryArn can be changed but not removed, because every role of the class would be allowed more; \
         write the ARN of another boundary",
    )
}

/// Conditions, with the limits that Go's type has.
pub fn conditions(schema: &mut Schema) {
    set(schema, json!({"maxItems": 16, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}));
    with(schema, "items", |item| {
        with(item, "properties", |fields| {
            with(fields, "type", |s| set(s, json!({"maxLength": 316, "pattern": "^[A-Za-z][A-Za-z0-9]*$"})));
            with(fields, "status", |s| set(s, json!({"enum": ["True", "False", "Unknown"]})));
            with(fields, "reason", |s| {
                set(
                    s,
                    json!({"minLength": 1, "maxLength": 1024, "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"}),
                );
            });
            with(fields, "message", |s| set(s, json!({"maxLength": 32768})));
            with(fields, "observedGeneration", |s| set(s, json!({"minimum": 0})));
        });
    });
}

/// Steps in words.
pub fn steps(schema: &mut Schema) {
    set(schema, json!({"maxItems": 100, "x-kubernetes-list-type": "atomic"}));
    with(schema, "items", |item| set(item, json!({"maxLength": 512})));
}

#[cfg(test)]
mod tests {
    use super::VARIABLES;
    use crate::iam::vars::UnknownVariable;

    #[test]
    fn admission_and_operator_know_the_same_variables() {
        let list = VARIABLES.map(|name| format!("$({name})")).join(", ");
        let operator = UnknownVariable { variable: "$(x)".to_owned() }.to_string();
        assert!(operator.ends_with(&list), "{operator} does not end in {list}");
    }
}
