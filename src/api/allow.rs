//! `spec.allow` of a class: what bindings may give themselves. Closed by default: what is absent allows nothing.

use super::{DeletionPolicy, allow_rules as rules};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// As many bindings of a class a namespace may have where the class says nothing.
pub const MAX_BINDINGS: i32 = 20;

/// What bindings of the class may ask for. Whatever a binding's texts hold, its variables are filled in before they are
/// compared. In lists of globs * stands for any characters, and they may hold the variables of the binding, so that one
/// class serves many teams.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowSpec {
    /// The namespaces whose bindings may use the class: those that the selector or the names cover. kube-system and the
    /// operator's own only by their full name. Default: none.
    #[serde(default)]
    pub namespaces: AllowedNamespaces,
    /// The ServiceAccounts that may get roles. Default: none.
    #[serde(default)]
    pub service_accounts: AllowedServiceAccounts,
    /// Globs of managed policies that may be attached, at most 100, written as in bindings: `aws:AmazonSQS*`,
    /// `account:$(namespace)/*`, or an ARN. AdministratorAccess, IAMFullAccess and PowerUserAccess only by their full
    /// ARN. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::managed)]
    pub managed_policies: Vec<String>,
    /// What inline policies may allow. Default: no inline policy at all.
    #[serde(default)]
    pub inline_policies: AllowedInline,
    /// The names that bindings may give roles that are made for them (their spec.role.name): * stands for any characters,
    /// and it begins with three others or holds $(namespace), as `$(namespace)_*` or `shop-*`. None that begins with aws,
    /// cdk- or stacksets-, nor OrganizationAccountAccessRole or the operator's own, nor with = in it. A role that is taken
    /// over keeps its name in any case. Default: none, so the class's own nameTemplate names all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::role_names)]
    pub role_name: Option<String>,
    /// The tags that bindings may set. Default: none.
    #[serde(default)]
    pub tags: AllowedTags,
    /// What deletion of a binding may do to its role: Delete, Retain, or both (the default).
    #[serde(default = "both")]
    #[schemars(transform = rules::deletion_policies)]
    pub deletion_policies: Vec<DeletionPolicy>,
    /// How many bindings of the class a namespace may have, the oldest first, 1 to 100000. Default: 20.
    #[serde(default = "max_bindings")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_bindings_per_namespace: i32,
    /// The longest session, in seconds, 3600 to 43200, that a binding may ask for. Where absent, the larger of 3600 and
    /// the class's own role.maxSessionDurationSeconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3600, max = 43200))]
    pub max_session_duration_seconds: Option<i32>,
    /// Roles that are there already. Default: they are left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<AllowAdopt>,
}

impl AllowSpec {
    /// Whether roles may be taken over.
    #[must_use]
    pub fn adopts(&self) -> bool {
        self.adopt.as_ref().is_some_and(|adopt| adopt.enabled)
    }

    /// Whether a role that was taken over may be deleted.
    #[must_use]
    pub fn deletes_adopted(&self) -> bool {
        self.adopt.as_ref().is_some_and(|adopt| adopt.delete)
    }
}

/// What is allowed with roles that somebody else made.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowAdopt {
    /// Whether bindings may take over roles that are tagged for them (their spec.adoption). The operator's own IAM policy
    /// needs the statements for it, too: irsa-operator iam-policy --adoption. Default: false.
    #[serde(default)]
    pub enabled: bool,
    /// Whether a role that was taken over is deleted with its binding, as others are. Default: false, so it stays, as with
    /// deletionPolicy: Retain.
    #[serde(default)]
    pub delete: bool,
}

/// Namespaces.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedNamespaces {
    /// Namespaces with these labels; {} is all of them. Whoever may set labels of a namespace decides by it. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<NamespaceSelector>,
    /// Namespaces by name, at most 200; * stands for any characters. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::namespaces)]
    pub names: Vec<String>,
}

/// Labels of a namespace: all that is said must hold.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Labels with these values, at most 20.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = rules::labels)]
    pub match_labels: BTreeMap<String, String>,
    /// More about labels, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub match_expressions: Vec<LabelRequirement>,
}

/// What must hold of one label.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::label_values())]
pub struct LabelRequirement {
    /// The label's key.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// In and NotIn compare with values, Exists and DoesNotExist take none. NotIn also holds where there is no such label.
    pub operator: LabelOperator,
    /// Values, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 63)))]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelOperator {
    /// The label has one of the values.
    In,
    /// It has none of them, or there is no such label.
    NotIn,
    /// There is such a label.
    Exists,
    /// There is none.
    DoesNotExist,
}

/// ServiceAccounts.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedServiceAccounts {
    /// Globs of their names, at most 100. The ServiceAccount `default`, which Pods have that name none, only by its full
    /// name. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::service_accounts)]
    pub names: Vec<String>,
    /// Whether bindings may have them made (serviceAccount.create). Default: false.
    #[serde(default)]
    pub create: bool,
    /// Whether bindings may name more of them that may assume the role (trust.serviceAccounts), each covered by names.
    /// Default: false.
    #[serde(default)]
    pub additional: bool,
}

/// Inline policies.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedInline {
    /// Rules, at most 20. Each pair of action and resource that a policy allows must lie inside one of them as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub rules: Vec<InlineRule>,
    /// Actions that no policy may allow, whatever the rules say, at most 100; globs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::actions)]
    pub deny: Vec<String>,
}

/// Actions on resources.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InlineRule {
    /// Actions, 1 to 50, as `s3:Get*` or `sqs:SendMessage`. Actions that lead to more power, such as iam:PassRole, are
    /// covered only where they stand here in full.
    #[schemars(transform = rules::rule_actions)]
    pub actions: Vec<String>,
    /// Resources, 1 to 50, as `arn:$(partition):s3:::$(namespace)/*`, or `*`.
    #[schemars(transform = rules::resources)]
    pub resources: Vec<String>,
}

/// Tags.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedTags {
    /// Globs of keys that bindings may set, at most 50. Upper and lower case are the same. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::tag_keys)]
    pub keys: Vec<String>,
    /// Globs of the values that a tag may have, by its key, 40 keys with 50 globs each. What is not listed here may have
    /// any value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = rules::tag_values)]
    pub values: BTreeMap<String, Vec<String>>,
    /// Tags that every role must have, from the binding or the class, at most 40.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::required_tags)]
    pub required: Vec<String>,
}

/// What becomes of a role that was within bounds once and is no longer.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OnViolation {
    /// What is on the role and in the spec stays, is told, and is not written again.
    #[default]
    Keep,
    /// It is taken off the role.
    Revoke,
}

fn both() -> Vec<DeletionPolicy> {
    vec![DeletionPolicy::Delete, DeletionPolicy::Retain]
}

fn max_bindings() -> i32 {
    MAX_BINDINGS
}

impl Default for AllowSpec {
    fn default() -> Self {
        Self {
            namespaces: AllowedNamespaces::default(),
            service_accounts: AllowedServiceAccounts::default(),
            managed_policies: Vec::new(),
            inline_policies: AllowedInline::default(),
            role_name: None,
            tags: AllowedTags::default(),
            deletion_policies: both(),
            max_bindings_per_namespace: MAX_BINDINGS,
            max_session_duration_seconds: None,
            adopt: None,
        }
    }
}
