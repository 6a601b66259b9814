//! Whether a role is a binding's to change.

use crate::api::names::tag;
use crate::api::reason;
use crate::error::{Category, Error};
use crate::iam::owner::{Owner, Ownership};
use crate::iam::role::Role;

/// Whether the role is this binding's, and whether it was released before. `arn` is the role that is asked for.
///
/// # Errors
/// `Conflict` or `Blocked`, with what to do about it.
pub fn check_owner(owner: &Owner, arn: &str, role: &Role) -> Result<bool, Error> {
    let live = &role.arn;
    match owner.judge(&role.tags) {
        // IAM keeps names unique without regard to path and case: the role that stands in the way may be our own.
        Ownership::Ours { .. } if live != arn => Err(identity_changed(live, arn)),
        Ownership::Ours { released } => Ok(released),
        Ownership::OtherIssuer(issuer) => Err(Error::because(
            Category::Blocked,
            reason::CLUSTER_IDENTITY_CONFLICT,
            format!(
                "role {live} was made by cluster {} under the issuer {issuer}, but this cluster's issuer is {}; nothing is \
                 written. If two clusters run with the same --cluster-id, give one of them another; if this cluster was \
                 rebuilt, set the role's tag {} to {}",
                owner.cluster,
                owner.issuer,
                tag::ISSUER,
                owner.issuer
            ),
        )),
        Ownership::Newer(version) => Err(Error::new(
            Category::Conflict,
            format!("role {live} was written by a newer irsa-operator (tag schema {version}); upgrade this one"),
        )),
        Ownership::OtherBinding(other) => Err(Error::new(
            Category::Conflict,
            format!(
                "role {live} belongs to the binding {other} (as cluster/namespace/name); rename this binding, or delete \
                 that one"
            ),
        )),
        Ownership::Foreign => Err(Error::new(
            Category::Conflict,
            format!("role {live} exists and was not made by irsa-operator; rename this binding, or delete that role"),
        )),
    }
}

/// The binding has the role `live`, and spec and class now ask for `wanted`.
#[must_use]
pub fn identity_changed(live: &str, wanted: &str) -> Error {
    Error::because(
        Category::Blocked,
        reason::IDENTITY_CHANGED,
        format!(
            "this binding's role is {live}, and spec and class now ask for {wanted}. A role can't be renamed, and others \
             may name it: change back, or delete the binding and make it again"
        ),
    )
}
