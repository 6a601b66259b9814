//! `IrsaBinding`: one ServiceAccount and what it may do in AWS.

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
    category = "aws"
)]
#[serde(rename_all = "camelCase")]
pub struct IrsaBindingSpec {
    /// The IrsaClass that says where and how the role is made. Where absent, the class marked as default, written here
    /// when the binding is first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The ServiceAccount, in the namespace of the binding.
    pub service_account: ServiceAccountSpec,
    /// What the role allows. Where nothing is listed the role can be assumed but may do nothing.
    #[serde(default)]
    pub policies: PoliciesSpec,
    /// Details of the role; the class decides what is not said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleSpec>,
    /// Who may assume the role, beyond the rule that it is this ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustSpec>,
    /// What becomes of the role when the binding is deleted; the class decides where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
}

/// The ServiceAccount of a binding.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountSpec {
    /// Its name.
    pub name: String,
    /// Make it where it is missing, and delete it with the binding if nobody else has come to own a field of it.
    #[serde(default)]
    pub create: bool,
    /// Lifetime of the token in Pods, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expiration_seconds: Option<i32>,
    /// Whether SDKs in Pods talk to the STS endpoint of their region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_regional_endpoints: Option<bool>,
}

/// The permissions of a role.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoliciesSpec {
    /// Managed policies: `aws:PATH/NAME` for AWS's own, `account:PATH/NAME` for the account's, or a whole ARN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed: Vec<String>,
    /// Policies that stand on the role itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inline: Vec<InlinePolicy>,
}

/// A policy that stands on the role itself.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InlinePolicy {
    /// Its name on the role.
    pub name: String,
    /// An IAM identity policy as AWS documents it, as an object and not as a string.
    pub document: BTreeMap<String, serde_json::Value>,
}

/// Details of a role.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleSpec {
    /// The role's description in IAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The longest session that may be asked for, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session_duration_seconds: Option<i32>,
    /// Tags of the role. They become `aws:PrincipalTag` of its sessions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Who may assume the role.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustSpec {
    /// The audience of the tokens; one of the class's, its first where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// What becomes of AWS objects when their Kubernetes object is deleted.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    #[default]
    Delete,
    Retain,
}

/// What the operator last saw and did.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BindingStatus {
    /// The generation that this status speaks of; -1 before anybody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The class in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The AWS account of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The role's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The role's unique id, which other accounts' policies may name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,
    /// The ARN of the OIDC provider that the role trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc_provider_arn: Option<String>,
    /// Steps that are still to be done, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending_steps: Vec<String>,
    /// Ready, RoleReady, PoliciesReady, ServiceAccountReady, Reconciling, Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
