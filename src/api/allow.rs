//! What a class allows its bindings. What is absent is not allowed.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What bindings of a class may ask for. What is absent is not allowed.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowSpec {
    /// Roles that are there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<AllowAdopt>,
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

impl AllowSpec {
    /// Whether roles may be taken over.
    #[must_use]
    pub fn adopts(allow: Option<&Self>) -> bool {
        allow.and_then(|allow| allow.adopt.as_ref()).is_some_and(|adopt| adopt.enabled)
    }

    /// Whether a role that was taken over may be deleted.
    #[must_use]
    pub fn deletes_adopted(allow: Option<&Self>) -> bool {
        allow.and_then(|allow| allow.adopt.as_ref()).is_some_and(|adopt| adopt.delete)
    }
}
