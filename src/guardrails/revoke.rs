//! How a role is held to its class where its binding does not see to that, judged by what is on the role and not by what a
//! spec says: a spec can be changed together with the class, so that what is allowed no more is in it no more either.
//! Boundary, tags, trust and longest session follow each class; policies go where it revokes.

use super::check::{Managed, fence, longest_session};
use super::glob::covers;
use super::inline::Fence;
use crate::api::names::tag;
use crate::api::{IrsaClassSpec, Mode, OnViolation};
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::iam::document::Document;
use crate::iam::narrow::{lets_in_nobody, letting_in, without};
use crate::iam::role::Role;
use crate::iam::tags::{self, Tags};
use crate::iam::trust::{accounts, audience};
use crate::iam::vars::Vars;
use crate::plan::{Step, is_adopted};
use std::collections::BTreeSet;

/// The ServiceAccount of every Pod that names none: it is let in only by name.
const EVERYBODYS: &str = "default";

/// What may be on the roles of a binding; all else is taken off them, but for policies where the class keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revokes {
    /// No policy goes, and nobody who is the binding's own loses access.
    keeps: bool,
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
    /// The tags that the class gives each of its roles, with those that its binding adds.
    tags: Tags,
    /// The trust policy that the binding would have if all of it were allowed.
    open: Document,
    /// For whom tokens may be.
    audiences: Vec<String>,
}

impl Revokes {
    /// Whether it leaves all policies.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.keeps
    }

    /// Whether it takes this managed policy. One that only denies is the caller's to leave out.
    #[must_use]
    pub fn managed(&self, arn: &str) -> bool {
        !self.keeps && (self.whole || !self.managed.allows(arn))
    }

    /// Whether it takes an inline policy of this text, `None` for one that nobody can read.
    #[must_use]
    pub fn inline(&self, live: Option<&Document>) -> bool {
        let unfit = |live: &Document| !live.only_denies() && (self.whole || !self.fence.breaches(live).is_empty());
        !self.keeps && live.is_none_or(unfit)
    }

    /// Those of the ServiceAccounts of the binding's namespace that a role lets in and that it does not.
    #[must_use]
    pub fn shuts_out(&self, let_in: BTreeSet<String>) -> BTreeSet<String> {
        let named = |account: &String| {
            self.accounts.iter().any(|glob| if account == EVERYBODYS { glob == account } else { covers(glob, account) })
        };
        // Where the binding's own is not in, one of the others is what it was before.
        let own = let_in.contains(&self.own);
        let further = !self.additional && own;
        let unfit = |account: &String| self.whole() || !named(account) || (further && *account != self.own);
        let stays = |account: &String| self.keeps && (!own || *account == self.own);
        let_in.into_iter().filter(|account| unfit(account) && !stays(account)).collect()
    }

    /// How long sessions may be, in seconds.
    #[must_use]
    pub fn longest(&self) -> i32 {
        self.longest
    }

    /// Whether it leaves nothing, and nobody who may assume the role.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.whole && !self.keeps
    }

    /// The trust policy that a role has by now for the ServiceAccounts that it lets in, `None` where it has it, or is of a
    /// form that nobody here wrote.
    fn trust(&self, fits: &Desired, role: &Role) -> Option<Document> {
        let (live, namespace) = (role.trust.as_ref()?, &fits.owner.namespace);
        let mut stay = accounts(live, namespace);
        let out = self.shuts_out(stay.clone());
        let foreign = stay.is_empty() && !lets_in_nobody(live);
        // One of another issuer is yet to be taken over, by a binding that manages it.
        let elsewhere = tags::get(&role.tags, tag::ISSUER) != Some(&fits.owner.issuer);
        if foreign || elsewhere || keeps_its_own(fits, role) {
            return without(live, namespace, &out);
        }
        stay.retain(|account| !out.contains(account));
        let audience = audience(live).filter(|audience| self.audiences.contains(audience)).or(audience(&self.open))?;
        Some(letting_in(&self.open, namespace, &stay, &audience)).filter(|wanted| wanted != live)
    }
}

/// Has a role held to its class, where that writes at all: one that its binding leaves as it is, and where the class
/// revokes each of them.
///
/// # Errors
/// `Invalid` where a text of the class can't be used.
pub fn held_to_class(mut fits: Desired, class: &IrsaClassSpec, vars: &Vars, name: &str) -> Result<Desired, Error> {
    let keeps = class.on_violation != OnViolation::Revoke;
    if class.mode == Mode::Manage && !(keeps && fits.mode == Mode::Manage) {
        let accounts = &class.allow.service_accounts;
        let names = accounts.names.iter().map(|text| vars.expand(text));
        let names = names.collect::<Result<_, _>>().map_err(|error| {
            let text = format!("spec.allow.serviceAccounts.names of IrsaClass {name}: {error}");
            Error::new(Category::Invalid, text)
        })?;
        let own = |key: &String| class.role.tags.keys().any(|other| other.to_lowercase() == key.to_lowercase());
        fits.revokes = Some(Box::new(Revokes {
            keeps,
            managed: Managed::new(&class.allow, vars, name)?,
            fence: fence(&class.allow, vars, name)?,
            whole: fits.unfit.as_ref().is_some_and(|unfit| unfit.whole()),
            own: fits.service_account.name.clone(),
            accounts: names,
            additional: accounts.additional,
            longest: longest_session(class),
            tags: fits
                .tags
                .iter()
                .filter(|(key, _)| own(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            audiences: class.oidc_provider.audiences.clone(),
            open: fits.unfit.as_ref().and_then(|unfit| unfit.open()).unwrap_or(&fits.trust).clone(),
        }));
    }
    Ok(fits)
}

/// Whether what the role had when it was taken over waits for its owner to accept that it goes: all of it, but for what the
/// class revokes.
fn keeps_its_own(fits: &Desired, role: &Role) -> bool {
    is_adopted(&role.tags) && !fits.adoption.accepts_removals
}

/// What is taken off a role that its binding leaves as it is, and what its tags, its boundary, its session and its trust
/// policy become: what is there is judged, and not what the spec says, which nobody carries out. What only denies stays,
/// and so does all that the class has no say in.
#[must_use]
pub fn revocations(fits: &Desired, role: &Role, denying: &BTreeSet<String>) -> (Desired, Vec<Step>) {
    let mut held = fits.clone();
    let Some(revokes) = fits.judges_live().filter(|_| tags::get(&role.tags, tag::HOLD).is_none()) else {
        return (held, Vec::new());
    };
    if revokes.keeps && keeps_its_own(fits, role) {
        return (held, Vec::new());
    }
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
    let mut missing = tags::missing(&role.tags, &revokes.tags);
    missing.retain(|key, _| !keeps_its_own(fits, role) || tags::get(&role.tags, key).is_none());
    if !missing.is_empty() {
        steps.push(Step::Tag(tags::and_declared(&role.tags, missing)));
    }
    if let Some(boundary) = fits.boundary.as_ref().filter(|boundary| role.boundary.as_ref() != Some(boundary)) {
        steps.push(Step::PutBoundary(boundary.clone()));
    }
    if role.max_session > revokes.longest {
        held.description.clone_from(&role.description);
        held.max_session = revokes.longest;
        steps.push(Step::UpdateRole);
    }
    if let Some(trust) = revokes.trust(fits, role).filter(|_| !revokes.whole()) {
        held.trust = trust;
        steps.push(Step::UpdateTrust);
    }
    (held, steps)
}
