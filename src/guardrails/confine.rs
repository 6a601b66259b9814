//! What may still be wanted of a binding that asks for more than its class allows.

use super::check::{Managed, fence, longest_session};
use super::inline::Fence;
use super::{Part, Violation};
use crate::api::names::tag;
use crate::api::{IrsaBindingSpec, IrsaClassSpec, Mode, OnViolation};
use crate::desired::{Desired, Place, Who, desired, nobody};
use crate::error::Error;
use crate::iam::document::Document;
use crate::iam::role::{Observed, Role};
use crate::iam::tags;
use crate::iam::trust::{Subject, names};
use crate::iam::vars::Vars;
use crate::plan::Step;
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
    /// What may be on a role that the binding itself has no hand in, as it only looks at it.
    live: Option<Managed>,
}

/// Where a class revokes, a binding that leaves its role as it is keeps nothing on it that the class does not allow: what
/// is there is judged, and not what the spec says, which nobody carries out.
///
/// # Errors
/// `Invalid` where a text of the class can't be used.
pub fn looks_only(mut fits: Desired, class: &IrsaClassSpec, vars: &Vars, name: &str) -> Result<Desired, Error> {
    if class.on_violation != OnViolation::Revoke || class.mode != Mode::Manage || fits.mode == Mode::Manage {
        return Ok(fits);
    }
    let mut unfit = fits.unfit.take().map_or_else(Unfit::default, |unfit| *unfit);
    unfit.fence = fence(&class.allow, vars, name)?;
    unfit.live = Some(Managed::new(&class.allow, vars, name)?);
    unfit.revoke = true;
    fits.unfit = Some(Box::new(unfit));
    Ok(fits)
}

/// What is taken off such a role. What only denies stays.
#[must_use]
pub fn revocations(fits: &Desired, role: &Role, denying: &BTreeSet<String>) -> Vec<Step> {
    let Some((unfit, managed)) = fits.unfit.as_deref().and_then(|unfit| Some((unfit, unfit.live.as_ref()?))) else {
        return Vec::new();
    };
    if tags::get(&role.tags, tag::HOLD).is_some() {
        return Vec::new();
    }
    let outside = |document: &Option<Document>| match document {
        Some(document) => !document.only_denies() && (unfit.whole || !unfit.fence.breaches(document).is_empty()),
        None => true,
    };
    let shut = unfit.whole && role.trust.as_ref() != Some(&fits.trust);
    let attached = role.attached.iter().filter(|arn| unfit.whole || !managed.allows(arn));
    let attached = attached.filter(|arn| !denying.contains(*arn)).cloned().map(Step::Detach);
    let inline = role.inline.iter().filter(|(_, document)| outside(document));
    let inline = inline.map(|(name, _)| Step::DeleteInline(name.clone()));
    shut.then_some(Step::UpdateTrust).into_iter().chain(attached).chain(inline).collect()
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
    /// Whether it is the role itself that is judged, and not the spec.
    #[must_use]
    pub fn judges_live(&self) -> bool {
        self.live.is_some()
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
