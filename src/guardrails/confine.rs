//! What may still be wanted of a binding that asks for more than its class allows.

use super::check::{fence, longest_session};
use super::inline::Fence;
use super::{Part, Violation};
use crate::api::{IrsaBindingSpec, IrsaClassSpec, OnViolation};
use crate::desired::{Desired, Place, Who, desired, nobody};
use crate::error::Error;
use crate::iam::document::Document;
use crate::iam::role::{Observed, Role};
use crate::iam::trust::{Subject, names};
use crate::iam::vars::Vars;
use std::collections::{BTreeMap, BTreeSet};

/// What of a spec does not fit, and what of a role may stay all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unfit {
    /// Managed policies.
    managed: BTreeSet<String>,
    /// Inline policies.
    inline: BTreeMap<String, Document>,
    /// The trust policy and whom it lets in, where that is not allowed any more.
    trust: Option<(Document, String)>,
    /// What inline policies may allow.
    fence: Fence,
    /// Nothing of the binding fits.
    whole: bool,
    /// Nothing stays.
    revoke: bool,
}

/// What may be wanted: nothing that does not fit. What stays of it on a role that is there [`Unfit`] tells.
///
/// # Errors
/// `Invalid` as for [`desired`].
pub fn confine(
    who: Who<'_>,
    spec: &IrsaBindingSpec,
    class: &IrsaClassSpec,
    place: &Place,
    (full, vars): (&Desired, &Vars),
    violations: &[Violation],
) -> Result<Desired, Error> {
    let whole = violations.iter().any(|violation| violation.part == Part::Whole);
    let mut less = spec.clone();
    less.policies.managed = keep(&spec.policies.managed, |i, _| !whole && !has(violations, &Part::Managed(i)));
    less.policies.inline =
        keep(&spec.policies.inline, |_, policy| !whole && !has(violations, &Part::Inline(policy.name.clone())));
    if let Some(role) = &mut less.role {
        role.tags.retain(|key, _| !has(violations, &Part::Tag(key.clone())));
        let longest = longest_session(class);
        role.max_session_duration_seconds = role.max_session_duration_seconds.map(|asked| asked.min(longest));
    }
    if let Some(trust) = &mut less.trust {
        trust.service_accounts.retain(|name| !whole && !has(violations, &Part::Subject(name.clone())));
    }
    if whole || has(violations, &Part::Create) {
        less.service_account.create = false;
    }
    if has(violations, &Part::Deletion) {
        less.deletion_policy = None;
    }
    let mut fits = desired(who, &less, class, place)?;
    let mut unfit = Unfit {
        managed: full.managed.difference(&fits.managed).cloned().collect(),
        fence: fence(&class.allow, vars, who.class)?,
        whole,
        revoke: class.on_violation == OnViolation::Revoke,
        ..Unfit::default()
    };
    let outside = full.inline.iter().filter(|(name, _)| !fits.inline.contains_key(*name));
    unfit.inline = outside.map(|(name, document)| (name.clone(), document.clone())).collect();
    if whole {
        let own = Subject { namespace: who.namespace.to_owned(), service_account: spec.service_account.name.clone() };
        let open = std::mem::replace(&mut fits.trust, nobody(&less, class, place)?);
        unfit.trust = Some((open, own.claim()));
    }
    fits.unfit = Some(Box::new(unfit));
    Ok(fits)
}

/// What is wanted of a role that is there, where the spec asks for more than fits.
#[must_use]
pub fn what_stays(fits: &Desired, observed: &Observed) -> Option<Desired> {
    match (observed, &fits.unfit) {
        (Observed::Present(role), Some(unfit)) => Some(unfit.stays(fits, role)),
        _ => None,
    }
}

impl Unfit {
    /// Whether nothing of the binding fits.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.whole
    }

    /// The trust policy where nothing of the binding fits, as it was while it did.
    #[must_use]
    pub fn open(&self) -> Option<&Document> {
        self.trust.as_ref().map(|(open, _)| open)
    }

    /// What is wanted of a role that is there: what fits, and what may stay on it. Nothing of that is ever written.
    fn stays(&self, fits: &Desired, role: &Role) -> Desired {
        let mut wanted = fits.clone();
        for (name, document) in &self.inline {
            let Some(Some(live)) = role.inline.get(name) else { continue };
            // What is on the role instead of it may be what the spec asked for before, and fit.
            let before = !self.whole && self.fence.breaches(live).is_empty() && self.fence.allows_any();
            if before || (!self.revoke && live == document) {
                wanted.inline.insert(name.clone(), live.clone());
            }
        }
        if self.revoke {
            return wanted;
        }
        wanted.managed.extend(self.managed.intersection(&role.attached).cloned());
        if let Some((open, claim)) = &self.trust
            && role.trust.as_ref().is_some_and(|live| names(live, claim))
        {
            wanted.trust = open.clone();
        }
        wanted
    }
}

fn has(violations: &[Violation], part: &Part) -> bool {
    violations.iter().any(|violation| violation.part == *part)
}

fn keep<T: Clone>(list: &[T], fits: impl Fn(usize, &T) -> bool) -> Vec<T> {
    list.iter().enumerate().filter(|(i, item)| fits(*i, item)).map(|(_, item)| item.clone()).collect()
}
