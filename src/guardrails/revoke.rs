//! What a class that revokes takes off a role, judged by what is on the role and not by what a spec says: a spec can be
//! changed together with the class, so that what is allowed no more is in it no more either.

use super::check::{Managed, fence, longest_session};
use super::glob::covers;
use super::inline::Fence;
use crate::api::names::tag;
use crate::api::{IrsaClassSpec, Mode, OnViolation};
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::iam::document::Document;
use crate::iam::narrow::without;
use crate::iam::role::Role;
use crate::iam::tags;
use crate::iam::trust::accounts;
use crate::iam::vars::Vars;
use crate::plan::Step;
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

/// What is taken off a role that its binding leaves as it is, and what its boundary, its session and its trust policy
/// become: what is there is judged, and not what the spec says, which nobody carries out. What only denies stays, and so
/// does all that the class has no say in.
#[must_use]
pub fn revocations(fits: &Desired, role: &Role, denying: &BTreeSet<String>) -> (Desired, Vec<Step>) {
    let mut held = fits.clone();
    let Some(revokes) = fits.judges_live().filter(|_| tags::get(&role.tags, tag::HOLD).is_none()) else {
        return (held, Vec::new());
    };
    let attached = role.attached.iter().filter(|arn| revokes.managed(arn) && !denying.contains(*arn));
    let attached = attached.cloned().map(Step::Detach);
    let inline = role.inline.iter().filter(|(_, document)| revokes.inline(document.as_ref()));
    let inline = inline.map(|(name, _)| Step::DeleteInline(name.clone()));
    let mut steps = Vec::new();
    if revokes.whole() {
        steps.extend((role.trust.as_ref() != Some(&fits.trust)).then_some(Step::UpdateTrust));
    }
    steps.extend(attached.chain(inline));
    // The boundary of a class that it is yet to move to would meet what its own allows.
    if tags::get(&role.tags, tag::CLASS) != Some(&fits.owner.class) {
        return (held, steps);
    }
    if let Some(boundary) = fits.boundary.as_ref().filter(|boundary| role.boundary.as_ref() != Some(boundary)) {
        steps.push(Step::PutBoundary(boundary.clone()));
    }
    if role.max_session > revokes.longest {
        held.description.clone_from(&role.description);
        held.max_session = revokes.longest;
        steps.push(Step::UpdateRole);
    }
    if let (Some(live), false) = (&role.trust, revokes.whole()) {
        let out = revokes.shuts_out(accounts(live, &fits.owner.namespace));
        if let Some(less) = without(live, &fits.owner.namespace, &out) {
            held.trust = less;
            steps.push(Step::UpdateTrust);
        }
    }
    (held, steps)
}
