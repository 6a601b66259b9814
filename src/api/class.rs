//! `IrsaClass`: what a StorageClass is to volumes, for roles: where they are made, and how.

use super::DeletionPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where and how roles are made for the bindings that name this class.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(group = "irsa-operator.io", version = "v1alpha1", kind = "IrsaClass", status = "ClassStatus", category = "aws")]
#[serde(rename_all = "camelCase")]
pub struct IrsaClassSpec {
    /// The IAM OIDC provider that makes AWS trust the cluster's tokens.
    #[serde(default)]
    pub oidc_provider: OidcProviderSpec,
    /// How roles are made.
    #[serde(default)]
    pub role: ClassRoleSpec,
}

/// The IAM OIDC provider of the cluster's issuer. It is shared with every other tool: audiences are only ever added.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OidcProviderSpec {
    /// Make it where it is missing, and add audiences that it lacks.
    #[serde(default = "yes")]
    pub manage: bool,
    /// Audiences that tokens may have.
    #[serde(default = "default_audiences")]
    pub audiences: Vec<String>,
    /// What becomes of a provider that we made when the class is deleted and no role trusts it any more.
    #[serde(default = "retain")]
    pub deletion_policy: DeletionPolicy,
}

/// How roles are made.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassRoleSpec {
    /// The role's name, with `$(clusterId)`, `$(namespace)`, `$(name)`, `$(serviceAccount)` and the other variables.
    #[serde(default = "default_template")]
    pub name_template: String,
    /// The role's path.
    #[serde(default = "default_path")]
    pub path: String,
    /// The permissions boundary of every role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary_arn: Option<String>,
    /// The longest session, in seconds, of roles whose binding says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session_duration_seconds: Option<i32>,
    /// Tags of every role. They win over the binding's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What becomes of roles whose binding says nothing.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// What the operator knows of the class.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassStatus {
    /// The generation that this status speaks of; -1 before anybody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The AWS account of its roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The issuer of the cluster's tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The ARN of the OIDC provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc_provider_arn: Option<String>,
    /// How many bindings use the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bindings: Option<BindingCounts>,
    /// Ready, ProviderReady, Reconciling, Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// Bindings of a class by state.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BindingCounts {
    /// All.
    pub total: i32,
    /// Those with Ready true.
    pub ready: i32,
    /// Those that wait for somebody to change something.
    pub stalled: i32,
    /// Those that are being deleted.
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
