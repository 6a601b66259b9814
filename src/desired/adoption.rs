//! Roles that are there already: what spec and class say of them, and where they are.

use super::Desired;
use super::parts::invalid;
use crate::api::names::annotation;
use crate::api::{AdoptionPolicy, IrsaBindingSpec, IrsaClassSpec, Mode};
use crate::error::Error;
use crate::guardrails::may_be_named;
use crate::iam::arn::RoleArn;
use crate::iam::name::{ROLE_NAME_MAX, is_iam_name};
use crate::iam::vars::Vars;

/// What may be done about a role that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Adoption {
    /// The spec names the role: it is there, under whatever path, and none is made. Not so where the class lets it name
    /// one that is made ([`makes`]).
    pub named: bool,
    /// The spec asks for it.
    pub asked: bool,
    /// The class allows it.
    pub allowed: bool,
    /// What the role has may be taken from it.
    pub accepts_removals: bool,
}

impl Adoption {
    pub(super) fn of(spec: &IrsaBindingSpec, class: &IrsaClassSpec, vars: &Vars) -> Self {
        let adoption = spec.adoption.as_ref();
        let asked = adoption.is_some_and(|adoption| adoption.policy == AdoptionPolicy::IfTagged);
        let name = spec.role.as_ref().and_then(|role| role.name.as_deref());
        Self {
            named: name.is_some_and(|name| asked || !makes(name, spec.mode, class, vars)),
            asked,
            allowed: class.allow.adopts(),
            accepts_removals: adoption.is_some_and(|adoption| adoption.accept_removals),
        }
    }
}

/// Whether a role may be made under a name that a spec gives and that it does not ask to take over. Mode Annotate makes
/// none.
#[must_use]
pub fn makes(name: &str, mode: Mode, class: &IrsaClassSpec, vars: &Vars) -> bool {
    mode.within(class.mode) != Mode::Annotate && may_be_named(&class.allow, vars, name)
}

/// A name that a spec gives. Status and older definitions may hold what the schema refuses.
pub(super) fn name(name: &str) -> Result<String, Error> {
    let valid = is_iam_name(name, ROLE_NAME_MAX);
    valid.then(|| name.to_owned()).ok_or_else(|| {
        let why =
            format!("write the name of a role without its path: 1 to {ROLE_NAME_MAX} letters, digits and _+=,.@-");
        invalid("spec.role.name", why)
    })
}

impl Desired {
    /// Whether this may be the role that the spec names, under another path than the class's. Names are unique in an
    /// account.
    #[must_use]
    pub fn may_be(&self, arn: &RoleArn) -> bool {
        self.adoption.named && arn.account == self.account && arn.name == self.name
    }

    /// The same for a role at the path where it is. A path can't be chosen for a role that is there.
    #[must_use]
    pub fn located(mut self, arn: &RoleArn) -> Self {
        if self.may_be(arn) {
            self.arn = arn.to_string();
            self.path.clone_from(&arn.path);
            self.service_account.annotations.insert(annotation::ROLE_ARN.to_owned(), self.arn.clone());
        }
        self
    }
}
