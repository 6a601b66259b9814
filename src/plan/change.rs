//! What differs between a role that is there and the one that is wanted.

use super::restrict::{moves, restricts, shortens};
use super::{Note, Plan, Standing, Step, adoption};
use crate::api::names::{INLINE_PREFIX, tag};
use crate::desired::Desired;
use crate::iam::document::{Document, INLINE_TOTAL_MAX, inline_total};
use crate::iam::owner::Owner;
use crate::iam::role::Role;
use crate::iam::tags::{self, Tags};
use crate::iam::trust::{Subjects, subjects_change};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// As many managed policies as fit on a role under any quota (IAM quotas, "Managed policies attached to an IAM role";
/// the default has been 10 and 20). Up to here additions go before removals.
const ATTACHED_SURELY: usize = 10;

pub(super) fn change(desired: &Desired, role: &Role, standing: Standing, denying: &BTreeSet<String>, plan: &mut Plan) {
    let (remove, kept, quarantine) = strays(desired, role, denying);
    let offered = standing == Standing::Offered;
    let changed = changed_inline(desired, role);
    let rewritten = changed.iter().filter(|name| role.inline.contains_key(**name));
    let rewritten = rewritten.map(|name| Step::DeleteInline((*name).clone()));
    // What one class allowed never meets the boundary and the tags of another; and what a class takes off its roles goes
    // whatever else can't be done.
    let all = moves(desired, role) && !offered;
    let at_once = |step: &Step| all || restricts(desired, role, step);
    let (mut first, mut remove): (Vec<_>, Vec<_>) = remove.into_iter().partition(at_once);
    let (deleted, rewritten): (Vec<_>, Vec<_>) = rewritten.partition(at_once);
    first.extend(deleted);
    if !offered {
        plan.steps.append(&mut first);
    }
    marks(desired, role, standing, &mut plan.steps);
    // One that is taken over is this binding's before anything is done to it.
    plan.steps.append(&mut first);
    match &desired.boundary {
        Some(wanted) if role.boundary.as_ref() != Some(wanted) => plan.steps.push(Step::PutBoundary(wanted.clone())),
        _ => {}
    }
    if shortens(desired, role) {
        plan.steps.push(Step::UpdateRole);
    }
    let mut add: Vec<Step> = desired.managed.difference(&role.attached).cloned().map(Step::Attach).collect();
    add.extend(changed.iter().map(|name| Step::PutInline((*name).clone())));
    let trust = match &role.trust {
        Some(live) if *live == desired.trust => None,
        Some(live) => Some(subjects_change(live, &desired.trust)),
        None => Some(Subjects::Other),
    };
    match trust {
        Some(Subjects::Other) => {
            remove.extend(rewritten);
            plan.steps.extend(remove.into_iter().chain([Step::UpdateTrust]).chain(add));
        }
        trust => {
            let trust = |when| (trust == Some(when)).then_some(Step::UpdateTrust);
            let (first, second) = if crowded(desired, role) { (remove, add) } else { (add, remove) };
            plan.steps.extend(trust(Subjects::Removed).into_iter().chain(first).chain(second));
            plan.steps.extend(trust(Subjects::Added));
        }
    }
    let lasts = role.description != desired.description || role.max_session != desired.max_session;
    if lasts && !shortens(desired, role) {
        plan.steps.push(Step::UpdateRole);
    }
    // Last, when all that it held back is as it should be.
    plan.steps.extend(quarantine);
    if !kept.is_empty() {
        plan.notes.push(Note::Restricted(kept));
    }
}

/// Withdrawn tags go before the others are set: by then the role still remembers which were declared, so that a kill
/// in between leaves none behind; and there is room for the new ones. Those that make another's role ours come first of
/// all.
fn marks(desired: &Desired, role: &Role, standing: Standing, steps: &mut Vec<Step>) {
    let mut withdrawn = tags::withdrawn(&role.tags, &desired.tags);
    let mut missing = tags::missing(&role.tags, &desired.tags);
    if standing == Standing::Offered {
        let (claim, rest) = adoption::claim(desired, role, &withdrawn);
        steps.push(Step::Tag(claim));
        missing = rest;
    }
    withdrawn.extend(adoption::spent(&desired.owner, &role.tags));
    withdrawn.extend(taken_back(&desired.owner, &role.tags));
    if !withdrawn.is_empty() {
        steps.push(Step::Untag(withdrawn));
    }
    if !missing.is_empty() {
        steps.push(Step::Tag(missing));
    }
}

/// That the role was offered to the binding of the same name in another cluster, which ends when it is managed again.
fn taken_back(owner: &Owner, live: &Tags) -> Option<String> {
    let same = format!("/{}/{}", owner.namespace, owner.binding);
    let elsewhere = |value: &str| value.strip_suffix(&same).is_some_and(|cluster| cluster != owner.cluster);
    let mut offers = live.iter().filter(|(key, _)| key.eq_ignore_ascii_case(tag::ADOPTABLE_BY));
    offers.find(|(_, value)| elsewhere(value)).map(|(key, _)| key.clone())
}

/// Policies that nobody asked for: those to remove, what only takes permissions away and stays, and what we put there
/// ourselves while there was no binding.
fn strays(desired: &Desired, role: &Role, denying: &BTreeSet<String>) -> (Vec<Step>, Vec<String>, Vec<Step>) {
    let (mut remove, mut kept, mut quarantine) = (Vec::new(), Vec::new(), Vec::new());
    for arn in role.attached.difference(&desired.managed) {
        if denying.contains(arn) { kept.push(arn.clone()) } else { remove.push(Step::Detach(arn.clone())) }
    }
    for (name, document) in role.inline.iter().filter(|(name, _)| !desired.inline.contains_key(*name)) {
        if name.starts_with(INLINE_PREFIX) {
            quarantine.push(Step::DeleteInline(name.clone()));
        } else if document.as_ref().is_some_and(Document::only_denies) {
            kept.push(name.clone());
        } else {
            remove.push(Step::DeleteInline(name.clone()));
        }
    }
    if let (None, Some(boundary)) = (&desired.boundary, &role.boundary) {
        kept.push(format!("the permissions boundary {boundary}"));
    }
    (remove, kept, quarantine)
}

/// The inline policies to write: those first that shrink most, as IAM counts all of a role's together and would refuse
/// one that grows into the room that another is yet to leave.
fn changed_inline<'a>(desired: &'a Desired, role: &Role) -> Vec<&'a String> {
    let mut changed: Vec<&String> =
        desired.inline.iter().filter(|(name, doc)| differs(role, name, doc)).map(|(name, _)| name).collect();
    let live = |name: &String| role.inline.get(name).and_then(Option::as_ref).map_or(0, Document::size);
    let wanted = |name: &String| desired.inline.get(name).map_or(0, Document::size);
    changed.sort_by_key(|name| Reverse((live(name).saturating_sub(wanted(name)), Reverse(*name))));
    changed
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

/// Whether steps on this role take something from it: a policy, or what another boundary allowed. One that is put where
/// there is none is a repair, unless somebody has just asked for it. A policy that is written anew may allow less as well;
/// that only its own binding asks for. Who is trusted is left out: where that changes for many, a cluster moves.
#[must_use]
pub fn takes_away(role: &Role, steps: &[Step], asked_for: bool) -> bool {
    let rewritten = |name: &String| steps.contains(&Step::PutInline(name.clone()));
    steps.iter().any(|step| match step {
        Step::Detach(_) => true,
        Step::DeleteInline(name) => !rewritten(name) && !name.starts_with(INLINE_PREFIX),
        Step::PutBoundary(_) => asked_for || role.boundary.is_some(),
        _ => false,
    })
}
