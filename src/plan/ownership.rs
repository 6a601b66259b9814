//! Whether a role is a binding's to change.

use super::adoption;
use crate::api::names::tag;
use crate::api::reason;
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::iam::owner::{Owner, Ownership};
use crate::iam::role::Role;

/// What a role is to a binding that asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its own; `released` where an earlier deletion left it behind on purpose.
    Ours {
        /// It carries the released-by tag.
        released: bool,
    },
    /// Somebody else's, and offered to just this binding.
    Offered,
}

/// [`check_owner`] for a binding that may be allowed to take over roles of others.
///
/// # Errors
/// `Conflict` or `Blocked`, with what to do about it.
pub fn standing(desired: &Desired, role: &Role) -> Result<Standing, Error> {
    let refused = match check_owner(&desired.owner, &desired.arn, role) {
        Ok(released) => return Ok(Standing::Ours { released }),
        Err(refused) => refused,
    };
    let Some((whose, instead)) = whose(&desired.owner, role) else { return Err(refused) };
    let lacks = adoption::lacks(desired, role);
    if lacks.is_empty() {
        return Ok(Standing::Offered);
    }
    let lacks = lacks.join("; ");
    let wants = desired.adoption.asked || desired.adoption.named;
    let instead = if wants { "; to have it taken over" } else { &format!("; {instead}, or have it taken over") };
    Err(Error::new(Category::Conflict, format!("{whose}{instead}: {lacks}")))
}

/// Whose a role is that is another's or nobody's, and what to do other than taking it over.
fn whose(owner: &Owner, role: &Role) -> Option<(String, &'static str)> {
    let live = &role.arn;
    match owner.judge(&role.tags) {
        Ownership::OtherBinding(other) => Some((
            format!("role {live} belongs to the binding {other} (as cluster/namespace/name)"),
            "rename this binding, or delete that one",
        )),
        Ownership::Foreign => Some((
            format!("role {live} exists and was not made by irsa-operator"),
            "rename this binding, or delete that role",
        )),
        _ => None,
    }
}

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
        Ownership::OtherIssuer(issuer) => Err(other_issuer(owner, live, &issuer)),
        Ownership::Newer(version) => Err(Error::because(
            Category::Conflict,
            reason::NEWER_SCHEMA,
            format!(
                "role {live} was written by a newer irsa-operator (tag {} is {version}, and this one writes {}); nothing of \
                 it is written before this one is upgraded",
                tag::SCHEMA,
                tag::SCHEMA_VERSION
            ),
        )),
        Ownership::OtherBinding(_) | Ownership::Foreign => {
            let (whose, instead) = whose(owner, role).unwrap_or_default();
            Err(Error::new(Category::Conflict, format!("{whose}; {instead}")))
        }
    }
}

/// A role of this cluster's id was made under another issuer, by a cluster that this one was before or is a copy of.
#[must_use]
pub fn other_issuer(owner: &Owner, role: &str, issuer: &str) -> Error {
    let Owner { cluster, issuer: ours, class, .. } = owner;
    Error::because(
        Category::Blocked,
        reason::CLUSTER_IDENTITY_CONFLICT,
        format!(
            "role {role} was made by cluster {cluster} under the issuer {issuer}, but this cluster's issuer is {ours}; \
             nothing is written in its account. If this cluster was rebuilt and the former one is gone, add {issuer} to \
             spec.takeOverFromIssuers of IrsaClass {class}; if two clusters run with --cluster-id {cluster}, give one of \
             them another"
        ),
    )
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
