//! Wire constants: what we write on objects of Kubernetes and AWS. Changing one of them orphans what older versions
//! wrote, so none ever changes.

use super::catalog::catalog;

/// API group of both kinds.
pub const GROUP: &str = "irsa-operator.io";
/// Group and version of both kinds.
pub const API_VERSION: &str = "irsa-operator.io/v1alpha1";
catalog! {
/// The finalizer on bindings and classes.
pub const FINALIZER: &str = "irsa-operator.io/finalizer";
/// Marks the class of bindings that name none.
pub const DEFAULT_CLASS: &str = "irsa-operator.io/is-default-class";
/// On a class: so many of the removals that are held may go, as `50`, or of which namespaces, as `team-a:30,team-b:20`.
pub const ALLOW_REMOVALS: &str = "irsa-operator.io/allow-removals";
/// On a ServiceAccount that we made: the binding that it was made for.
pub const CREATED_BY: &str = "irsa-operator.io/created-by";
}
/// The field manager of everything that is not one binding's own: finalizers, class status.
pub const MANAGER: &str = "irsa-operator";

/// The annotations that the pod identity webhook reads (amazon-eks-pod-identity-webhook, README).
pub mod annotation {
    super::catalog! {
    /// ARN of the role that Pods of this ServiceAccount get.
    pub const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";
    /// Audience of the projected token; `sts.amazonaws.com` where absent.
    pub const AUDIENCE: &str = "eks.amazonaws.com/audience";
    /// Lifetime of the projected token in seconds.
    pub const TOKEN_EXPIRATION: &str = "eks.amazonaws.com/token-expiration";
    /// `"true"` makes SDKs talk to the regional STS endpoint.
    pub const STS_REGIONAL: &str = "eks.amazonaws.com/sts-regional-endpoints";
    }
    /// All that we may write, and so all that the ServiceAccount store keeps.
    pub const ALL: [&str; 4] = [ROLE_ARN, AUDIENCE, TOKEN_EXPIRATION, STS_REGIONAL];
}

/// The tags that say whose an AWS object is. Role tag keys are compared without regard to case, as IAM does.
pub mod tag {
    /// What all of ours begin with, refused in specs without regard to case.
    pub const PREFIX: &str = "irsa-operator.io/";
    /// The value of [`SCHEMA`] that this version writes.
    pub const SCHEMA_VERSION: &str = "1";
    super::catalog! {
    /// `--cluster-id` of the owner.
    pub const CLUSTER: &str = "irsa-operator.io/cluster";
    /// Namespace of the binding.
    pub const NAMESPACE: &str = "irsa-operator.io/namespace";
    /// Name of the binding.
    pub const BINDING: &str = "irsa-operator.io/binding";
    /// The issuer of the cluster's tokens, without `https://`.
    pub const ISSUER: &str = "irsa-operator.io/issuer";
    /// Name of the class.
    pub const CLASS: &str = "irsa-operator.io/class";
    /// Version of this set of tags.
    pub const SCHEMA: &str = "irsa-operator.io/schema";
    /// A role that carries it is not written at all.
    pub const HOLD: &str = "irsa-operator.io/hold";
    /// On a role that was left behind by `deletionPolicy: Retain`: the cluster that let it go.
    pub const RELEASED_BY: &str = "irsa-operator.io/released-by";
    /// Consent, written by whoever may tag the role: the binding that may take it over, as `CLUSTER/NAMESPACE/BINDING`.
    pub const ADOPTABLE_BY: &str = "irsa-operator.io/adoptable-by";
    /// On a role that was taken over and not made: the cluster that did so.
    pub const ADOPTED: &str = "irsa-operator.io/adopted";
    /// On a role that CloudFormation made, whose own tags stay for good: the stack that has let it go.
    pub const LEFT_STACK: &str = "irsa-operator.io/left-stack";
    }
}

/// What may stand between `$(` and `)` wherever variables are allowed.
pub const VARIABLES: [&str; 7] = ["namespace", "name", "serviceAccount", "clusterId", "account", "partition", "region"];
/// Inline policies with this prefix are the operator's own and refused in specs.
pub const INLINE_PREFIX: &str = "irsa-operator-";
/// The inline policy on a role without a binding that denies everything, where its class says so.
pub const QUARANTINE: &str = "irsa-operator-quarantine";
/// The audience of tokens that the pod identity webhook projects, in every partition.
pub const DEFAULT_AUDIENCE: &str = "sts.amazonaws.com";
/// The name of a role where the class says nothing.
pub const DEFAULT_NAME_TEMPLATE: &str = "$(clusterId)_$(namespace)_$(name)";
/// The path of a role where the class says nothing.
pub const DEFAULT_PATH: &str = "/irsa/";
/// IAM's default session length in seconds (IAM API reference, CreateRole).
pub const DEFAULT_SESSION_SECONDS: i32 = 3600;

/// The field manager under which `binding` owns annotations of a ServiceAccount: one for each binding, so that two on
/// one ServiceAccount conflict instead of overwriting each other.
#[must_use]
pub fn manager_of(binding: &str) -> String {
    format!("{MANAGER}/{binding}")
}
