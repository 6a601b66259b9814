//! What a class that revokes takes off a role, judged by what is on the role and not by what a spec says: a spec can be
//! changed together with the class, so that what is allowed no more is in it no more either.

use super::check::{Managed, fence};
use super::inline::Fence;
use crate::api::{IrsaClassSpec, Mode, OnViolation};
use crate::desired::Desired;
use crate::error::Error;
use crate::iam::document::Document;
use crate::iam::vars::Vars;

/// What may be on the roles of a binding; all else is taken off them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revokes {
    /// Managed policies.
    managed: Managed,
    /// What inline policies may allow.
    fence: Fence,
    /// Nothing at all.
    whole: bool,
}

impl Revokes {
    /// Whether it takes this managed policy. One that only denies is the caller's to leave out.
    #[must_use]
    pub fn managed(&self, arn: &str) -> bool {
        self.whole || !self.managed.allows(arn)
    }

    /// Whether it takes an inline policy of this text, `None` for one that nobody can read.
    #[must_use]
    pub fn inline(&self, live: Option<&Document>) -> bool {
        live.is_none_or(|live| !live.only_denies() && (self.whole || !self.fence.breaches(live).is_empty()))
    }

    /// Whether it leaves nothing, and nobody who may assume the role.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.whole
    }
}

/// Has a role held to its class, where that revokes and writes at all: whether the binding carries out its spec, or leaves
/// its role as it is.
///
/// # Errors
/// `Invalid` where a text of the class can't be used.
pub fn looks_only(mut fits: Desired, class: &IrsaClassSpec, vars: &Vars, name: &str) -> Result<Desired, Error> {
    if class.on_violation == OnViolation::Revoke && class.mode == Mode::Manage {
        fits.revokes = Some(Box::new(Revokes {
            managed: Managed::new(&class.allow, vars, name)?,
            fence: fence(&class.allow, vars, name)?,
            whole: fits.unfit.as_ref().is_some_and(|unfit| unfit.whole()),
        }));
    }
    Ok(fits)
}
