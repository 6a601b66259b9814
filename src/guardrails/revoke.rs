//! What a class that revokes takes off a role, judged by what is on the role and not by what a spec says: a spec can be
//! changed together with the class, so that what is allowed no more is in it no more either.

use super::check::{Managed, fence, longest_session};
use super::glob::covers;
use super::inline::Fence;
use crate::api::{IrsaClassSpec, Mode, OnViolation};
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::iam::document::Document;
use crate::iam::vars::Vars;
use std::collections::BTreeSet;

/// The ServiceAccount of every Pod that names none: it is let in only by name.
const EVERYBODYS: &str = "default";

/// What may be on the roles of a binding; all else is taken off them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revokes {
    /// Managed policies.
    managed: Managed,
    /// What inline policies may allow.
    fence: Fence,
    /// Nothing at all.
    whole: bool,
    /// The binding's own ServiceAccount.
    own: String,
    /// Which ServiceAccounts may assume the role, and whether others than its own.
    accounts: Vec<String>,
    additional: bool,
    /// Seconds that a session may last.
    longest: i32,
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

    /// Those of the ServiceAccounts of the binding's namespace that a role lets in and that it does not.
    #[must_use]
    pub fn shuts_out(&self, let_in: BTreeSet<String>) -> BTreeSet<String> {
        let named = |account: &String| {
            self.accounts.iter().any(|glob| if account == EVERYBODYS { glob == account } else { covers(glob, account) })
        };
        // Where the binding's own is not in, one of the others is what it was before.
        let further = !self.additional && let_in.contains(&self.own);
        let_in
            .into_iter()
            .filter(|account| self.whole || !named(account) || (further && *account != self.own))
            .collect()
    }

    /// How long sessions may be, in seconds.
    #[must_use]
    pub fn longest(&self) -> i32 {
        self.longest
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
        let accounts = &class.allow.service_accounts;
        let names = accounts.names.iter().map(|text| vars.expand(text));
        let names = names.collect::<Result<_, _>>().map_err(|error| {
            let text = format!("spec.allow.serviceAccounts.names of IrsaClass {name}: {error}");
            Error::new(Category::Invalid, text)
        })?;
        fits.revokes = Some(Box::new(Revokes {
            managed: Managed::new(&class.allow, vars, name)?,
            fence: fence(&class.allow, vars, name)?,
            whole: fits.unfit.as_ref().is_some_and(|unfit| unfit.whole()),
            own: fits.service_account.name.clone(),
            accounts: names,
            additional: accounts.additional,
            longest: longest_session(class),
        }));
    }
    Ok(fits)
}
