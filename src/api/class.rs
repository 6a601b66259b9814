//! `IrsaClass`: what a StorageClass is to volumes, for roles: where they are made, and how.

use super::{AllowSpec, DeletionPolicy, Mode, OnViolation, allow_rules, identity, rules};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where and how roles are made for the bindings that name this class.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "irsa-operator.io",
    version = "v1alpha1",
    kind = "IrsaClass",
    status = "ClassStatus",
    category = "aws",
    doc = "Where and how roles are made for the IrsaBindings that name this class: what a StorageClass is to volumes. \
           The annotation irsa-operator.io/is-default-class: \"true\" makes it the class of bindings that name none. It \
           can't be deleted while bindings use it.",
    validation = rules::object_name(),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether account, issuer and OIDC provider are known and in order."
    ),
    printcolumn(
        name = "Default",
        type_ = "string",
        json_path = ".metadata.annotations.irsa-operator\\.io/is-default-class",
        description = "Whether it is the class of bindings that name none."
    ),
    printcolumn(name = "Account", type_ = "string", json_path = ".status.accountId", description = "AWS account of the roles."),
    printcolumn(
        name = "Bindings",
        type_ = "integer",
        json_path = ".status.bindings.total",
        description = "How many bindings use it."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why it is Ready or not.",
        priority = 1
    ),
    printcolumn(
        name = "Issuer",
        type_ = "string",
        json_path = ".status.issuer",
        description = "Issuer of the cluster's tokens.",
        priority = 1
    ),
    printcolumn(
        name = "Mode",
        type_ = "string",
        json_path = ".spec.mode",
        description = "The widest mode that its bindings get.",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::keeps_account(), validation = rules::names_without_cluster())]
#[x_kube(validation = allow_rules::allows_own_deletion_policy(), validation = allow_rules::allows_own_session())]
pub struct IrsaClassSpec {
    /// The AWS account of the roles, where it is not the operator's own. It can't be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountSpec>,
    /// The widest mode that bindings of the class get: Manage (the default), Annotate or Observe, whatever they ask for.
    /// In Observe the class itself writes nothing either: no OIDC provider is made, its status tells what is missing, and
    /// a deletion takes nothing but the operator's finalizer away. Annotate asks for a nameTemplate without $(clusterId).
    #[serde(default)]
    pub mode: Mode,
    /// The IAM OIDC provider that makes AWS trust the cluster's tokens. There is one in each account for each issuer, and
    /// other tools use it too: audiences are only ever added.
    #[serde(default)]
    pub oidc_provider: OidcProviderSpec,
    /// Issuers that this cluster had before it was rebuilt, without https://, at most 16. Roles that it made under them
    /// are taken over: their trust and tags change in place, and they keep their unique ids. Until a former issuer is
    /// listed here nothing is written in the account (reason ClusterIdentityConflict), because a cluster with the same
    /// --cluster-id and another issuer may as well be a copy. Keep it listed for as long as roles carry it in their tag
    /// irsa-operator.io/issuer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = identity::issuers)]
    pub take_over_from_issuers: Vec<String>,
    /// Issuers of further clusters, without https://, at most 8: their ServiceAccounts of the same namespace and name may
    /// assume the roles, too, by tokens for the same audience. Each has an OIDC provider in the roles' account, which that
    /// cluster's operator makes; where one is missing ProviderReady says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = identity::trusted_issuers)]
    pub trusted_issuers: Vec<String>,
    /// ARNs of roles, users or accounts (arn:$(partition):iam::111122223333:root) that may assume the roles, too, by
    /// sts:AssumeRole, at most 20. Variables are allowed, * is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = identity::principals)]
    pub trusted_principals: Vec<String>,
    /// The --cluster-id of another cluster that is to take over the roles of bindings that leave mode Manage, or that are
    /// retained when their binding is deleted: they get the tag irsa-operator.io/adoptable-by, which lets the binding of
    /// the same namespace and name there adopt them. It is taken back when the binding returns to Manage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = identity::cluster_id)]
    pub hand_over_to: Option<String>,
    /// How roles are made: what holds for all bindings of the class.
    #[serde(default)]
    pub role: ClassRoleSpec,
    /// What bindings of the class may give themselves. What is absent allows nothing: a class without it makes no role.
    #[serde(default)]
    pub allow: AllowSpec,
    /// What becomes of what is on a role and not allowed any more, because the class was tightened or something about the
    /// namespace has changed: Keep (the default) leaves policies that are on the role and in the spec, tells of them and
    /// writes none of them again; Revoke takes them off. Boundary, trust, tags and longest session follow the class in
    /// either case, and a new binding that does not fit gets no role.
    #[serde(default)]
    pub on_violation: OnViolation,
    /// What becomes of a role of the class whose binding is gone without having been deleted. Report (the default): it is
    /// told in status.orphans. Quarantine: it also gets the inline policy irsa-operator-quarantine, which denies
    /// everything, once; that goes when the binding is back. Report again takes it off. The role itself is never deleted.
    #[serde(default)]
    pub orphans: OrphanPolicy,
}

/// What becomes of roles without a binding.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrphanPolicy {
    /// They are told.
    #[default]
    Report,
    /// They are told, and cut off by a policy that denies everything.
    Quarantine,
}

/// Another AWS account.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountSpec {
    /// ARN of the role that the operator assumes there, as `arn:aws:iam::111122223333:role/irsa-operator`. Provider and
    /// roles of the class are made in its account, with its permissions.
    #[schemars(transform = rules::assume_role_arn)]
    pub assume_role_arn: String,
}

/// The IAM OIDC provider of the cluster's issuer. It is shared with every other tool: audiences are only ever added.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OidcProviderSpec {
    /// Whether to make it where it is missing and to add audiences that it lacks. Default: true. Where false, the class is
    /// not Ready until somebody else has done it.
    #[serde(default = "yes")]
    pub manage: bool,
    /// Audiences that tokens may have, 1 to 100; the first is that of bindings that name none. Default:
    /// sts.amazonaws.com, which is right in every partition. One that leaves this list stays in IAM.
    #[serde(default = "default_audiences")]
    #[schemars(transform = rules::audiences)]
    pub audiences: Vec<String>,
    /// What becomes of a provider that the operator made when the class is deleted and no role trusts it any more: Retain
    /// (the default) or Delete. One that was there before always stays, and so does each where manage is false.
    #[serde(default = "retain")]
    pub deletion_policy: DeletionPolicy,
}

/// How roles are made.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::keeps_boundary())]
pub struct ClassRoleSpec {
    /// How roles are named. Default: `$(clusterId)_$(namespace)_$(name)`. `$(namespace)_$(name)` gives ARNs that stay the
    /// same in another cluster. It holds $(namespace), and $(name) or $(serviceAccount); between two variables stands one
    /// of _ + , @. A name over 64 characters is cut and ends in = and a hash. It can't be changed.
    #[serde(default = "default_template")]
    #[schemars(transform = rules::name_template)]
    pub name_template: String,
    /// The path of roles, which names an environment or tenant, for example /prod/apps/. Default: /irsa/. The operator's
    /// own permissions in AWS must cover it. It holds no variables and can't be changed.
    #[serde(default = "default_path")]
    #[schemars(transform = rules::path)]
    pub path: String,
    /// The ARN of the managed policy that is the permissions boundary of every role, for example
    /// `arn:$(partition):iam::$(account):policy/irsa-boundary`. A role never may do more than it allows. Default: none.
    /// It can be changed but not removed. Variables are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::boundary)]
    pub permissions_boundary_arn: Option<String>,
    /// The longest session, in seconds, 3600 to 43200, of roles whose binding says nothing. Where absent, 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3600, max = 43200))]
    pub max_session_duration_seconds: Option<i32>,
    /// Tags of every role. They win over the binding's; 40 at most, both together. Values may hold variables, for example
    /// `team: $(namespace)`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = rules::tags)]
    pub tags: BTreeMap<String, String>,
    /// What becomes of the role of a deleted binding that says nothing: Delete (the default) or Retain, which leaves role
    /// and annotation working.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// What the operator knows of the class.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassStatus {
    /// The generation that this status speaks of; -1 before anybody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// The AWS account of its roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub account_id: Option<String>,
    /// The issuer of the cluster's tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub issuer: Option<String>,
    /// The ARN of the OIDC provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub oidc_provider_arn: Option<String>,
    /// Roles in AWS that are tagged as this cluster's and whose binding does not exist. The operator never deletes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphans: Option<OrphanedRoles>,
    /// How many bindings use the class, by state; written every 30 s at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bindings: Option<BindingCounts>,
    /// Ready: bindings of the class can be carried out. ProviderReady: account and issuer are known and the OIDC provider
    /// is there. Reconciling: work is under way or will be tried again by itself. Stalled: nothing happens until somebody
    /// changes something; the message says what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::conditions)]
    pub conditions: Vec<Condition>,
}

/// Roles without a binding.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrphanedRoles {
    /// How many there are.
    #[schemars(range(min = 0))]
    pub count: i32,
    /// The ARNs of the first 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 2048)))]
    pub roles: Vec<String>,
    /// How many of them carry the policy that denies everything, as spec.orphans says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub quarantined: Option<i32>,
    /// The ARNs of the first 20 of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 2048)))]
    pub quarantined_roles: Vec<String>,
}

/// Bindings of a class by state.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BindingCounts {
    /// All.
    #[schemars(range(min = 0))]
    pub total: i32,
    /// Those with Ready true.
    #[schemars(range(min = 0))]
    pub ready: i32,
    /// Those that wait for somebody to change something.
    #[schemars(range(min = 0))]
    pub stalled: i32,
    /// Those that are being deleted.
    #[schemars(range(min = 0))]
    pub deleting: i32,
}

fn yes() -> bool {
    true
}

fn retain() -> DeletionPolicy {
    DeletionPolicy::Retain
}

fn default_audiences() -> Vec<String> {
    vec![super::names::DEFAULT_AUDIENCE.to_owned()]
}

fn default_template() -> String {
    super::names::DEFAULT_NAME_TEMPLATE.to_owned()
}

fn default_path() -> String {
    super::names::DEFAULT_PATH.to_owned()
}

impl Default for OidcProviderSpec {
    fn default() -> Self {
        Self { manage: true, audiences: default_audiences(), deletion_policy: DeletionPolicy::Retain }
    }
}

impl Default for ClassRoleSpec {
    fn default() -> Self {
        Self {
            name_template: default_template(),
            path: default_path(),
            permissions_boundary_arn: None,
            max_session_duration_seconds: None,
            tags: BTreeMap::new(),
            deletion_policy: DeletionPolicy::Delete,
        }
    }
}
