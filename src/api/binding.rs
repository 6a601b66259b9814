//! `IrsaBinding`: one ServiceAccount and what it may do in AWS.

use super::{AdoptionSpec, Mode, allow_rules, rules};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a ServiceAccount may do in AWS.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "irsa-operator.io",
    version = "v1alpha1",
    kind = "IrsaBinding",
    namespaced,
    status = "BindingStatus",
    shortname = "irsa",
    category = "aws",
    doc = "What one ServiceAccount may do in AWS. The operator makes an IAM role from it that only this ServiceAccount \
           can assume, annotates the ServiceAccount with the role's ARN, keeps both as declared, and removes them when \
           the binding is deleted. Pods that were there before the annotation need a restart.",
    validation = rules::object_name(),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether AWS and the ServiceAccount are as this generation declares."
    ),
    printcolumn(name = "Role", type_ = "string", json_path = ".status.roleArn", description = "ARN of the role."),
    printcolumn(
        name = "ServiceAccount",
        type_ = "string",
        json_path = ".spec.serviceAccount.name",
        description = "The ServiceAccount that gets the role."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why it is Ready or not.",
        priority = 1
    ),
    printcolumn(
        name = "Class",
        type_ = "string",
        json_path = ".status.className",
        description = "The class in use.",
        priority = 1
    ),
    printcolumn(
        name = "Account",
        type_ = "string",
        json_path = ".status.accountId",
        description = "AWS account of the role.",
        priority = 1
    ),
    printcolumn(
        name = "Mode",
        type_ = "string",
        json_path = ".status.mode",
        description = "How far the operator goes: Manage, Annotate or Observe.",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct IrsaBindingSpec {
    /// The IrsaClass that says where and how the role is made. Where absent, the class marked as default, written here
    /// when the binding is first seen, so that a later default is for later bindings. A change that would give an
    /// existing role another name, path or account is refused by the operator (reason IdentityChanged).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), transform = rules::subdomain)]
    pub class_name: Option<String>,
    /// How far the operator goes. Manage (the default): role and ServiceAccount are made as declared and kept so.
    /// Annotate: only the ServiceAccount is, and the role, of which nothing is read or written, is another cluster's; the
    /// class's nameTemplate must hold no $(clusterId). Observe: nothing is written, and status.pendingSteps tells what
    /// would be done. Boundary, tags and trust of a role that this binding had made follow the class in each mode. The
    /// class's spec.mode is the widest that its bindings get; status.mode tells which holds.
    #[serde(default)]
    pub mode: Mode,
    /// The ServiceAccount that gets the role, always in the namespace of the binding. One ServiceAccount has one
    /// binding: a second one changes nothing and says which is the first (reason Conflict).
    pub service_account: ServiceAccountSpec,
    /// What the role allows. Where nothing is listed the role can be assumed but may do nothing. What else is attached
    /// to the role is taken off, unless it only denies.
    #[serde(default)]
    pub policies: PoliciesSpec,
    /// Details of the role. The class decides what is not said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleSpec>,
    /// Details of who may assume the role: this ServiceAccount, with a token for one audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustSpec>,
    /// What is done about a role of the name that is there already. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<AdoptionSpec>,
    /// What becomes of the role when the binding is deleted: Delete removes the role and the annotation; Retain leaves
    /// both working and tags the role as released. Where absent, the class's role.deletionPolicy holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "DeletionPolicy")]
    pub deletion_policy: Option<DeletionPolicy>,
}

/// The ServiceAccount of a binding.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountSpec {
    /// Its name. It may be missing: it is annotated as soon as it is there.
    #[schemars(length(max = 253), transform = rules::subdomain)]
    pub name: String,
    /// Whether to make it where it is missing, and to delete it with the binding if nobody else has come to own a field
    /// of it. Default: false.
    #[serde(default)]
    pub create: bool,
    /// Lifetime of the token that Pods exchange for AWS credentials, in seconds, 600 to 86400, for example 3600. The
    /// kubelet renews it in time. Written as the annotation eks.amazonaws.com/token-expiration; where absent, the pod
    /// identity webhook takes 86400. It holds for Pods that are made after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 600, max = 86400))]
    pub token_expiration_seconds: Option<i32>,
    /// Whether SDKs in Pods talk to the STS endpoint of their region (true) or to the global one (false). Written as the
    /// annotation eks.amazonaws.com/sts-regional-endpoints; where absent, the pod identity webhook and the SDK decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_regional_endpoints: Option<bool>,
    /// The ARN of the role that the ServiceAccount's annotation eks.amazonaws.com/role-arn names now, where another tool
    /// or another binding has written it and this binding may overwrite it. That is the last step, once the binding's own
    /// role works, so that Pods have one role or the other at every moment. Any other value stays (reason Conflict).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::replace_role_arn)]
    pub replace_role_arn: Option<String>,
}

/// The permissions of a role.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoliciesSpec {
    /// Managed policies to attach, at most 25 (IAM allows 10 or 20 of them until its quota is raised):
    /// `aws:AmazonSQSReadOnlyAccess` for one of AWS, `account:team/queues` for one of the role's account with the path
    /// /team/, or an ARN such as `arn:$(partition):iam::$(account):policy/team/queues`. Variables are allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::managed)]
    pub managed: Vec<String>,
    /// Policies that stand on the role itself, at most 20. IAM allows 10,240 characters for all of them together, white
    /// space not counted; what is longer belongs into a managed policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::inline)]
    pub inline: Vec<InlinePolicy>,
}

/// A policy that stands on the role itself.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InlinePolicy {
    /// Its name on the role, 1 to 128 letters, digits and _+=,.@- characters. Another name is another policy.
    #[schemars(length(min = 1, max = 128), transform = rules::inline_name)]
    pub name: String,
    /// An IAM identity policy as AWS documents it, as an object and not as a string: Version "2012-10-17" and Statement.
    /// Strings may hold the variables $(namespace), $(name), $(serviceAccount), $(clusterId), $(account), $(partition)
    /// and $(region); IAM's own ${...} are left as they are. A fault in it is said in the status, with its place.
    #[schemars(transform = rules::document)]
    pub document: BTreeMap<String, serde_json::Value>,
}

/// Details of a role.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleSpec {
    /// The name of a role that is there already, 1 to 64 letters, digits and _+=,.@- characters, whatever its path: one to
    /// take over (spec.adoption), or one that this binding had. One is made under it only where the class allows the name
    /// (its spec.allow.roleName) and spec.adoption does not ask for one. Where absent, the class's nameTemplate names the
    /// role. A change that would give a binding another role is refused by the operator (reason
    /// IdentityChanged).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::role_name)]
    pub name: Option<String>,
    /// The role's description in IAM, at most 1000 characters of Latin-1. Default: none. It may hold variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::description)]
    pub description: Option<String>,
    /// The longest session that may be asked for, in seconds, 3600 to 43200. Where absent, the class's, else 3600. SDKs
    /// ask for 3600 unless they are told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3600, max = 43200))]
    pub max_session_duration_seconds: Option<i32>,
    /// Tags of the role, beside the class's, which win; 40 at most, both together. They become aws:PrincipalTag of its
    /// sessions, so policies may decide by them. Values may hold variables. Tags that others put on the role stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = rules::tags)]
    pub tags: BTreeMap<String, String>,
}

/// Who may assume the role.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustSpec {
    /// The audience of the tokens, one of the class's oidcProvider.audiences; where absent, its first. Any but
    /// sts.amazonaws.com is also written as the annotation eks.amazonaws.com/audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::audience)]
    pub audience: Option<String>,
    /// More ServiceAccounts of the binding's namespace that may assume the role, at most 20, where the class allows it.
    /// They are not annotated: their Pods name the role themselves, or somebody annotates them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = allow_rules::subjects)]
    pub service_accounts: Vec<String>,
}

/// What becomes of AWS objects when their Kubernetes object is deleted.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// They are deleted with it.
    #[default]
    Delete,
    /// They stay, and go on working.
    Retain,
}

/// What the operator last saw and did.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BindingStatus {
    /// The generation that this status speaks of; -1 before anybody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// The mode that holds: the narrower of the binding's and its class's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Mode")]
    pub mode: Option<Mode>,
    /// The class in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub class_name: Option<String>,
    /// The AWS account of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub account_id: Option<String>,
    /// The role's ARN, known before the role exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub role_arn: Option<String>,
    /// The role's unique id, which other accounts' policies may name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub role_id: Option<String>,
    /// The ARN of the OIDC provider that the role trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub oidc_provider_arn: Option<String>,
    /// Steps that are still to be done, in words, at most 100; in mode Observe those that Manage would do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::steps)]
    pub pending_steps: Vec<String>,
    /// Ready: AWS and the ServiceAccount are as this generation declares, or were looked at where the mode is Observe.
    /// RoleReady, PoliciesReady and ServiceAccountReady: its parts. Reconciling: work is under way or will be tried again
    /// by itself. Stalled: nothing happens until somebody changes something; the message says what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = rules::conditions)]
    pub conditions: Vec<Condition>,
}
