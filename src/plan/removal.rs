//! The plan toward nothing: what deletion of a binding does.

use super::{Accounts, Step, check_owner, is_adopted};
use crate::api::names::tag;
use crate::api::reason;
use crate::error::{Category, Error};
use crate::iam::owner::{Owner, Ownership};
use crate::iam::role::Role;
use crate::iam::tags;
use std::collections::BTreeSet;

/// How much goes with a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Role and annotations.
    All,
    /// The annotations. The role stays and is marked as released, if it is ours.
    Account,
    /// Nothing. The role is marked as released.
    Nothing,
}

impl Extent {
    /// How much goes where the role is this one: one that was taken over stays, unless its class lets it go.
    #[must_use]
    pub fn with(self, owner: &Owner, role: Option<&Role>, adopted_may_go: bool) -> Self {
        let ours = |role: &&Role| matches!(owner.judge(&role.tags), Ownership::Ours { .. });
        let stays = !adopted_may_go && role.filter(ours).is_some_and(|role| is_adopted(&role.tags));
        if stays && self == Self::All { Self::Nothing } else { self }
    }
}

/// What is known about a binding that goes. None of it needs a valid spec.
#[derive(Debug)]
pub struct Removal<'a> {
    /// Whose role it was.
    pub owner: &'a Owner,
    /// The role, `None` where there is none. What hangs on it is not looked at: see `attached` and `inline`.
    pub role: Option<&'a Role>,
    /// Managed policies to detach: what the spec names, or what a listing showed.
    pub attached: &'a BTreeSet<String>,
    /// Inline policies to remove, in this order.
    pub inline: &'a [String],
    /// ServiceAccounts that still carry something of ours. `current` may be deleted if it is disposable.
    pub accounts: &'a Accounts,
    /// The name of the current ServiceAccount.
    pub account_name: &'a str,
    /// How much goes.
    pub extent: Extent,
}

/// The steps that remove all that is ours and nothing else.
///
/// A role that is not ours gives no step. One of another issuer gives none either, not even for the ServiceAccount:
/// this may be a clone of the cluster that owns it.
///
/// # Errors
/// `Held` where the role carries the hold tag, `Conflict` where a newer version wrote it: deletion waits.
pub fn removal(what: &Removal<'_>) -> Result<Vec<Step>, Error> {
    let ownership = what.role.map(|role| what.owner.judge(&role.tags));
    if let Some(Ownership::OtherIssuer(_)) = ownership {
        return Ok(Vec::new());
    }
    let ours = what.role.filter(|_| matches!(ownership, Some(Ownership::Ours { .. })));
    let held = ours.filter(|role| tags::get(&role.tags, tag::HOLD).is_some());
    if what.extent == Extent::Account {
        let mut steps = account_steps(what);
        steps.extend(ours.filter(|_| held.is_none()).and_then(|role| release(what.owner, role)));
        return Ok(steps);
    }
    if let (Some(Ownership::Newer(_)), Some(role)) = (&ownership, what.role) {
        check_owner(what.owner, &role.arn, role)?;
    }
    if let Some(role) = held {
        return Err(Error::because(
            Category::Conflict,
            reason::HELD,
            format!("role {} carries the tag {}; its deletion waits until the tag is removed", role.arn, tag::HOLD),
        ));
    }
    if what.extent == Extent::Nothing {
        return Ok(ours.and_then(|role| release(what.owner, role)).into_iter().collect());
    }
    let mut steps = account_steps(what);
    if ours.is_some() {
        steps.extend(what.attached.iter().cloned().map(Step::Detach));
        steps.extend(what.inline.iter().cloned().map(Step::DeleteInline));
        steps.push(Step::DeleteRole);
    }
    Ok(steps)
}

/// Says on the role that its cluster has let it go.
fn release(owner: &Owner, role: &Role) -> Option<Step> {
    let released = tags::get(&role.tags, tag::RELEASED_BY).is_some();
    (!released).then(|| Step::Tag([(tag::RELEASED_BY.to_owned(), owner.cluster.clone())].into()))
}

fn account_steps(what: &Removal<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(account) = &what.accounts.current {
        let name = what.account_name.to_owned();
        if account.disposable {
            steps.push(Step::DeleteServiceAccount { name });
        } else if !account.owned.is_empty() {
            steps.push(Step::Unannotate { name, uid: account.uid.clone() });
        }
    }
    let former = what.accounts.former.iter();
    steps.extend(former.map(|(name, uid)| Step::Unannotate { name: name.clone(), uid: uid.clone() }));
    steps
}
