//! What differs between what is wanted and what is there, as steps in the order in which they are safe.
//!
//! | the role | order |
//! |---|---|
//! | is not there | create, first annotation, policies: a Pod admitted before its annotation never gets credentials, one that comes a second before its policies tries again |
//! | is there, trust unchanged | owner tags, boundary, additions, removals (removals first where a quota would not hold both) |
//! | is there, trust changed | owner tags, boundary, removals, trust, additions: nobody new gets an old permission, nobody old a new one |
//! | always last | withdrawn tags, description and session, an annotation that replaces another role's, annotations on a former ServiceAccount |
//! | is to go | annotation, policies, role |

mod removal;
mod step;
#[cfg(test)]
mod tests;

pub use removal::{Removal, removal};
pub use step::{Facet, Step};

use crate::api::names::{annotation, tag};
use crate::api::reason;
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::iam::document::{Document, INLINE_TOTAL_MAX, inline_total};
use crate::iam::owner::{Owner, Ownership};
use crate::iam::role::{Observed, Role};
use crate::iam::tags;
use std::collections::{BTreeMap, BTreeSet};

/// As many managed policies as fit on a role under any quota (IAM quotas, "Managed policies attached to an IAM role";
/// the default has been 10 and 20). Up to here additions go before removals.
const ATTACHED_SURELY: usize = 10;

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
}

/// Something on the role that differs and stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Policies that only deny, put there by somebody in an emergency.
    Restricted(Vec<String>),
}

/// What to do so that `desired` is true.
///
/// `denying` holds those stray managed policies whose documents were read and only deny: they stay.
///
/// # Errors
/// `Conflict` or `Blocked` where the role or the annotation is not ours to change.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    accounts: &Accounts,
    denying: &BTreeSet<String>,
) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    let (first, last) = annotate(desired, accounts);
    match observed {
        Observed::Agreed => plan.steps.extend(first),
        Observed::Absent => {
            refuse_foreign_annotation(desired, accounts)?;
            plan.steps.push(Step::CreateRole);
            plan.steps.extend(first);
            plan.steps.extend(desired.managed.iter().cloned().map(Step::Attach));
            plan.steps.extend(desired.inline.keys().cloned().map(Step::PutInline));
        }
        Observed::Present(role) => {
            let released = check_owner(&desired.owner, &desired.arn, role)?;
            plan.steps.extend(first);
            change(desired, role, released, denying, &mut plan);
            if tags::get(&role.tags, tag::HOLD).is_some() {
                let (account, aws) = plan.steps.into_iter().partition(|s| s.facet() == Facet::ServiceAccount);
                (plan.steps, plan.held) = (account, aws);
            }
        }
    }
    plan.steps.extend(last);
    Ok(plan)
}

/// Whether the role is this binding's, and whether it was released before.
///
/// # Errors
/// `Conflict` or `Blocked`, with what to do about it.
pub fn check_owner(owner: &Owner, arn: &str, role: &Role) -> Result<bool, Error> {
    match owner.judge(&role.tags) {
        Ownership::Ours { released } => Ok(released),
        Ownership::OtherIssuer(issuer) => Err(Error::because(
            Category::Blocked,
            reason::CLUSTER_IDENTITY_CONFLICT,
            format!(
                "role {arn} was made by cluster {} under the issuer {issuer}, but this cluster's issuer is {}. Either two \
                 clusters run with the same --cluster-id, or this cluster was rebuilt; nothing is written",
                owner.cluster, owner.issuer
            ),
        )),
        Ownership::Newer(version) => Err(Error::new(
            Category::Conflict,
            format!("role {arn} was written by a newer irsa-operator (tag schema {version}); upgrade this one"),
        )),
        Ownership::OtherBinding(other) => Err(Error::new(
            Category::Conflict,
            format!(
                "role {arn} belongs to the binding {other} (as cluster/namespace/name); rename this binding or delete that one"
            ),
        )),
        Ownership::Foreign => Err(Error::new(
            Category::Conflict,
            format!("role {arn} exists and was not made by irsa-operator; rename this binding, or delete that role"),
        )),
    }
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
                let replaces = foreign_role(desired, account).is_some();
                if replaces { last.push(Step::Annotate) } else { first.push(Step::Annotate) }
            }
        }
    }
    last.extend(accounts.former.iter().map(|(name, uid)| Step::Unannotate { name: name.clone(), uid: uid.clone() }));
    (first, last)
}

/// The role that the live annotation names where it is another than ours.
fn foreign_role<'a>(desired: &Desired, account: &'a Account) -> Option<&'a str> {
    let live = account.annotations.get(annotation::ROLE_ARN)?;
    (!live.is_empty() && *live != desired.arn).then_some(live)
}

fn refuse_foreign_annotation(desired: &Desired, accounts: &Accounts) -> Result<(), Error> {
    let Some(live) = accounts.current.as_ref().and_then(|account| foreign_role(desired, account)) else {
        return Ok(());
    };
    Err(Error::new(
        Category::Conflict,
        format!(
            "ServiceAccount {} is annotated with another role, {live}; remove its annotation {} and this binding goes on",
            desired.service_account.name,
            annotation::ROLE_ARN
        ),
    ))
}

fn change(desired: &Desired, role: &Role, released: bool, denying: &BTreeSet<String>, plan: &mut Plan) {
    let steps = &mut plan.steps;
    let missing = tags::missing(&role.tags, &desired.tags);
    if !missing.is_empty() {
        steps.push(Step::Tag(missing));
    }
    if let Some(boundary) = desired.boundary.as_ref().filter(|wanted| role.boundary.as_ref() != Some(wanted)) {
        steps.push(Step::PutBoundary(boundary.clone()));
    }
    let (detach, kept) = strays(desired, role, denying);
    let trust_differs = role.trust.as_ref() != Some(&desired.trust);
    let changed: Vec<&String> =
        desired.inline.iter().filter(|(name, doc)| differs(role, name, doc)).map(|(name, _)| name).collect();
    let mut remove = detach;
    let mut add: Vec<Step> = desired.managed.difference(&role.attached).cloned().map(Step::Attach).collect();
    add.extend(changed.iter().map(|name| Step::PutInline((*name).clone())));
    if trust_differs {
        remove
            .extend(changed.iter().filter(|n| role.inline.contains_key(**n)).map(|n| Step::DeleteInline((*n).clone())));
        steps.append(&mut remove);
        steps.push(Step::UpdateTrust);
        steps.append(&mut add);
    } else if crowded(desired, role) {
        steps.append(&mut remove);
        steps.append(&mut add);
    } else {
        steps.append(&mut add);
        steps.append(&mut remove);
    }
    let mut withdrawn = tags::withdrawn(&role.tags, &desired.tags);
    if released {
        withdrawn.extend(role.tags.keys().find(|key| key.eq_ignore_ascii_case(tag::RELEASED_BY)).cloned());
    }
    if !withdrawn.is_empty() {
        steps.push(Step::Untag(withdrawn));
    }
    if role.description != desired.description || role.max_session != desired.max_session {
        steps.push(Step::UpdateRole);
    }
    if !kept.is_empty() {
        plan.notes.push(Note::Restricted(kept));
    }
}

/// Policies that nobody asked for: those to remove, and those that only deny and stay.
fn strays(desired: &Desired, role: &Role, denying: &BTreeSet<String>) -> (Vec<Step>, Vec<String>) {
    let (mut remove, mut kept) = (Vec::new(), Vec::new());
    for arn in role.attached.difference(&desired.managed) {
        if denying.contains(arn) { kept.push(arn.clone()) } else { remove.push(Step::Detach(arn.clone())) }
    }
    for (name, document) in role.inline.iter().filter(|(name, _)| !desired.inline.contains_key(*name)) {
        if document.as_ref().is_some_and(Document::only_denies) {
            kept.push(name.clone());
        } else {
            remove.push(Step::DeleteInline(name.clone()));
        }
    }
    (remove, kept)
}

fn differs(role: &Role, name: &str, wanted: &Document) -> bool {
    role.inline.get(name).and_then(Option::as_ref) != Some(wanted)
}

/// Whether what is there and what is wanted might not fit on the role at the same time.
fn crowded(desired: &Desired, role: &Role) -> bool {
    let attached = role.attached.union(&desired.managed).count();
    let live = inline_total(role.inline.values().flatten());
    let added = inline_total(desired.inline.iter().filter(|(name, doc)| differs(role, name, doc)).map(|(_, doc)| doc));
    attached > ATTACHED_SURELY || live + added > INLINE_TOTAL_MAX
}
