//! What differs between what is wanted and what is there, as steps in the order in which they are safe.
//!
//! | the role | order |
//! |---|---|
//! | is not there | create, first annotation, policies: a Pod admitted before its annotation never gets credentials, one that comes a second before its policies tries again |
//! | is somebody else's and offered | owner tags, then as below; what would be lost waits for a word |
//! | is there | first annotation, what its class takes off it, withdrawn tags, tags, boundary, a shorter session, then policies and trust |
//! | - by another class | what goes and what is rewritten goes first of all: what one class allowed never meets the boundary and the tags of another |
//! | - trust unchanged | additions, removals (removals first where a quota would not hold both) |
//! | - trust gains subjects | policies, trust: nobody new gets an old permission |
//! | - trust loses subjects | trust, policies: nobody old gets a new one |
//! | - trust changed otherwise | removals, trust, additions: neither the one nor the other |
//! | always last | description and a longer session, our own quarantine taken off, annotations on a former ServiceAccount, an annotation that replaces another role's: until then Pods get that role, and from then on they need this one to serve them |
//! | is to go | annotation, policies, role |

mod adoption;
mod after;
mod change;
mod ownership;
mod removal;
mod restrict;
mod step;
#[cfg(test)]
mod tests;

pub use adoption::{
    claims, consent, explained, hidden, is_adopted, may_go_over, not_yet, offered, taken_away, unannotated, with_flag,
};
pub use after::{after, created};
pub use change::takes_away;
pub use ownership::{Standing, check_owner, identity_changed, other_issuer, standing};
pub use removal::{Extent, Removal, removal};
pub use restrict::{may_try, restricts};
pub use step::{Facet, LABELS, Step, goes_on};

use crate::api::names::{annotation, tag};
use crate::desired::{Desired, DesiredAccount};
use crate::error::{Category, Error};
use crate::iam::arn::RoleArn;
use crate::iam::role::Observed;
use crate::iam::tags;
use change::change;
use std::collections::{BTreeMap, BTreeSet};

/// A ServiceAccount as the cluster shows it, seen from one binding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its uid.
    pub uid: String,
    /// Those of its annotations that the pod identity webhook reads.
    pub annotations: BTreeMap<String, String>,
    /// Those that this binding's field manager owns.
    pub owned: BTreeSet<String>,
    /// Whether it was made for this binding and no one else owns any field of it.
    pub disposable: bool,
}

/// The ServiceAccounts that matter to a binding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The one that the spec names.
    pub current: Option<Account>,
    /// Others on which this binding still owns annotations, by name and uid.
    pub former: Vec<(String, String)>,
}

/// What is to be done, and what is to be said about what is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order. Empty: all is as it should be.
    pub steps: Vec<Step>,
    /// What would be done if the role did not carry the hold tag.
    pub held: Vec<Step>,
    /// What is left alone.
    pub notes: Vec<Note>,
    /// What waits until somebody says that it may be taken from a role that was not made here.
    pub waiting: Vec<Step>,
    /// The steps begin with making another's role this binding's.
    pub adopts: bool,
}

/// Something on the role that differs and stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// What only takes permissions away, put there by somebody in an emergency: policies that only deny, and a
    /// boundary where the class names none.
    Restricted(Vec<String>),
}

/// What to do so that `desired` is true.
///
/// `denying` holds those stray managed policies whose documents were read and only deny: they stay.
///
/// # Errors
/// Where the role or the annotation is not ours to change: see [`check_owner`], and `Conflict` where the
/// ServiceAccount of a role that is yet to be made is annotated with another.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    accounts: &Accounts,
    denying: &BTreeSet<String>,
) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    match observed {
        Observed::Agreed => {}
        Observed::Absent => {
            if desired.adoption.named {
                return Err(adoption::nowhere(desired));
            }
            refuse_foreign_annotation(desired, accounts)?;
            plan.steps.push(Step::CreateRole);
            plan.steps.extend(desired.managed.iter().cloned().map(Step::Attach));
            plan.steps.extend(desired.inline.keys().cloned().map(Step::PutInline));
        }
        Observed::Present(role) => {
            let standing = standing(desired, role)?;
            change(desired, role, standing, denying, &mut plan);
            plan.adopts = standing == Standing::Offered;
            if !desired.adoption.accepts_removals && (plan.adopts || is_adopted(&role.tags)) {
                (plan.steps, plan.waiting) = adoption::part(desired, role, std::mem::take(&mut plan.steps));
            }
            if tags::get(&role.tags, tag::HOLD).is_some() {
                plan.held = std::mem::take(&mut plan.steps);
                if std::mem::take(&mut plan.adopts) {
                    plan.held.append(&mut plan.waiting);
                    return Ok(plan);
                }
            }
        }
    }
    let steps = whole(desired, plan.steps, accounts);
    let (steps, waiting) = unannotated(desired, accounts, &plan.waiting, steps);
    plan.steps = steps;
    plan.waiting.extend(waiting);
    Ok(plan)
}

/// The steps for a role and those for its ServiceAccount, in one order. What a plan once found for the role may be told
/// again by it, beside what the ServiceAccount needs by now.
#[must_use]
pub fn whole(desired: &Desired, role: Vec<Step>, accounts: &Accounts) -> Vec<Step> {
    let (first, last) = annotate(desired, accounts);
    let mut steps = role;
    // Nothing is done for a role before it is this binding's.
    let begins = |step: &Step| *step == Step::CreateRole || claims(step);
    let at = usize::from(steps.first().is_some_and(begins));
    steps.splice(at..at, first);
    steps.extend(last);
    steps
}

/// The steps for ServiceAccounts: those that go first and those that go last.
fn annotate(desired: &Desired, accounts: &Accounts) -> (Vec<Step>, Vec<Step>) {
    let wanted = &desired.service_account;
    let (mut first, mut last) = (Vec::new(), Vec::new());
    match &accounts.current {
        None if wanted.create => first.extend([Step::CreateServiceAccount, Step::Annotate]),
        None => {}
        Some(account) => {
            let equal = wanted.annotations.iter().all(|(key, value)| account.annotations.get(key) == Some(value));
            if !(equal && account.owned.iter().eq(wanted.annotations.keys())) {
                match foreign_role(desired, account) {
                    Some(other) => last.push(Step::Reannotate(other.to_owned())),
                    None => first.push(Step::Annotate),
                }
            }
        }
    }
    let former = accounts.former.iter().map(|(name, uid)| Step::Unannotate { name: name.clone(), uid: uid.clone() });
    (first, former.chain(last).collect())
}

/// The role that the live annotation names where it is another than ours.
fn foreign_role<'a>(desired: &Desired, account: &'a Account) -> Option<&'a str> {
    let live = account.annotations.get(annotation::ROLE_ARN)?;
    (!live.is_empty() && *live != desired.arn).then_some(live)
}

fn refuse_foreign_annotation(desired: &Desired, accounts: &Accounts) -> Result<(), Error> {
    // One that this binding wrote itself names a role that it had before: it may be written anew.
    let foreign = accounts.current.as_ref().filter(|account| !account.owned.contains(annotation::ROLE_ARN));
    let Some(live) = foreign.and_then(|account| foreign_role(desired, account)) else { return Ok(()) };
    let wanted = &desired.service_account;
    if wanted.replaces.as_deref() == Some(live) {
        return Ok(());
    }
    Err(Error::new(
        Category::Conflict,
        format!(
            "ServiceAccount {} is annotated with another role, {live}; {}, or delete this binding",
            wanted.name,
            how_to_replace(wanted, live)
        ),
    ))
}

/// What to do where the annotation names a role that may not be replaced yet.
#[must_use]
pub fn how_to_replace(wanted: &DesiredAccount, live: &str) -> String {
    let remove = format!("remove its annotation {}", annotation::ROLE_ARN);
    if RoleArn::parse(live).is_none() {
        return format!("{remove} if this binding is to take over");
    }
    let says = wanted.replaces.as_ref().map(|other| format!(", which says {other},")).unwrap_or_default();
    format!("set spec.serviceAccount.replaceRoleArn{says} to {live} if this binding is to take over, or {remove}")
}
