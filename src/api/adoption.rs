//! What a binding says of roles that are there already.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a role that somebody else made may become the binding's, and what may be taken from it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionSpec {
    /// Never (the default): a role that the operator did not make stays as it is (reason Conflict). IfTagged: it is taken
    /// over where it carries the tag irsa-operator.io/adoptable-by with CLUSTER/NAMESPACE/BINDING of just this binding, and
    /// the class allows it (spec.allow.adopt). It keeps its name, its path and its id.
    #[serde(default)]
    pub policy: AdoptionPolicy,
    /// Whether what the role has may be taken from it or replaced: its trust policy, its boundary, a longer session,
    /// policies and values of tags that the spec does not list. Default: false, and all of that waits, listed in
    /// status.pendingSteps (reason AwaitingAcceptRemovals). It holds for a role that was taken over for as long as it has it.
    #[serde(default)]
    pub accept_removals: bool,
}

/// When a role that is there already is taken over.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AdoptionPolicy {
    /// Not at all.
    #[default]
    Never,
    /// Where a tag on the role says that this very binding may.
    IfTagged,
}
