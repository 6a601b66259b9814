//! What was found out of a role, and is remembered until a sweep shows something else.

use super::execute::Run;
use super::state::Ctx;
use crate::api::Mode;
use crate::iam::owner::Ownership;
use crate::iam::role::Role;
use crate::plan::{Accounts, Facet, Plan, Step, claims, whole};
use crate::snapshot::{Extras, Seen};
use crate::status::Outcome;
use std::collections::BTreeSet;
use std::time::Instant;

/// The id of a role that is the binding's: what is only offered to it is not for its status.
pub fn own_id(run: &Run<'_>, role: Option<&Role>) -> Option<String> {
    let ours = |role: &&Role| matches!(run.desired.owner.judge(&role.tags), Ownership::Ours { .. });
    role.filter(ours).map(|role| role.id.clone())
}

/// Whether the role was seen to be another's, which it stays until somebody lets it be taken over.
pub fn is_theirs(seen: &Seen) -> bool {
    seen.extras.foreseen.iter().chain(&seen.extras.held).any(claims)
}

/// Tells what would be done, and remembers what it was found by: until a sweep shows something else, the role is not
/// read again.
pub fn foresee(
    ctx: &Ctx,
    run: &Run<'_>,
    plan: Plan,
    (known, denying, seen): (Option<Role>, BTreeSet<String>, Option<Seen>),
    accounts: &Accounts,
    outcome: &mut Outcome,
) {
    let (arn, now) = (&run.desired.arn, Instant::now());
    let id = match (&known, seen) {
        (_, Some(seen)) => {
            let theirs = is_theirs(&seen);
            outcome.pending = whole(run.desired, seen.extras.foreseen, accounts);
            outcome.held = !seen.extras.held.is_empty();
            outcome.pending.extend(seen.extras.held);
            outcome.notes = seen.extras.notes;
            outcome.pending.retain(|step| !plan.waiting.contains(step));
            outcome.waiting = plan.waiting;
            Some(seen.id).filter(|id| !id.is_empty() && !theirs)
        }
        (role, None) => {
            match role {
                Some(role) => agree(ctx, run, &plan, role, denying, &[]),
                None => {
                    let due = ctx.next_direct_look(&run.desired.account, now);
                    ctx.state().snapshot.absent(arn, due);
                }
            }
            outcome.held = !plan.held.is_empty();
            outcome.pending = plan.steps;
            outcome.pending.extend(plan.held);
            outcome.notes = plan.notes;
            outcome.waiting = plan.waiting;
            own_id(run, known.as_ref())
        }
    };
    if let Some(role) = &mut outcome.role {
        role.id = id;
    }
}

/// Remembers that the role is as desired, but for what stays as it is, and what is `left` for later.
pub fn agree(ctx: &Ctx, run: &Run<'_>, plan: &Plan, role: &Role, denying: BTreeSet<String>, left: &[Step]) {
    let (now, settle) = (Instant::now(), ctx.settings.settle);
    let aws = plan.steps.iter().filter(|step| step.facet() != Facet::ServiceAccount);
    let foreseen: Vec<Step> =
        aws.filter(|step| run.desired.mode == Mode::Observe || left.contains(step)).cloned().collect();
    // What was only looked at is as it was read, whatever is wanted.
    let clean = run.desired.mode == Mode::Observe
        || plan.steps.iter().all(|step| step.facet() == Facet::ServiceAccount || left.contains(step));
    let (notes, held) = (plan.notes.clone(), plan.held.clone());
    let waiting: Vec<Step> =
        plan.waiting.iter().filter(|step| step.facet() != Facet::ServiceAccount).cloned().collect();
    let revoked = if waiting.is_empty() { 0 } else { run.desired.revoked() };
    let extras = Extras { notes, held, waiting, revoked, denying, foreseen };
    let due = ctx.next_direct_look(&run.desired.account, now);
    let seen = Seen { id: own_id(run, Some(role)).unwrap_or_default(), extras, due };
    ctx.state().fuse.settled(run.binding);
    ctx.state().snapshot.agree(run.wish, role, seen, clean, settle, now);
}
