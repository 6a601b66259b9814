//! Telling of roles that are taken over: what is about to happen, and what waits.

use super::execute::Run;
use super::state::Ctx;
use super::tell::reference;
use crate::api::names::tag;
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::iam::owner::{Owner, Ownership};
use crate::iam::role::Role;
use crate::plan::{Plan, Step, hidden as not_shown, may_go_over, offered};
use crate::status::{Outcome, adopting, awaiting};
use crate::store::LeanBinding;

/// Says what is about to be done to a role that somebody else made, before it is: once for each plan.
pub fn announce(ctx: &Ctx, run: &Run<'_>, plan: &Plan) {
    let notice = adopting(&run.desired.arn, &plan.steps, &plan.waiting);
    let mut state = ctx.state();
    let seldom = state.memory.entry(run.binding.clone()).or_default().seldom();
    if seldom.announced.as_ref() == Some(&notice.note) {
        return;
    }
    seldom.announced = Some(notice.note.clone());
    let Some(binding) = state.bindings.get(run.binding).cloned() else { return };
    drop(state);
    ctx.events.send(reference(binding.as_ref()), notice);
}

/// The role of a binding that goes. Shortly after it was taken over AWS may show it as it was before: by this binding,
/// and it is as we wrote it; by another one, and it is not to be marked or deleted for what it was. Where that was done by
/// a process before this one, it is not known yet whose it is.
pub fn as_taken(ctx: &Ctx, object: &LeanBinding, owner: &Owner, role: Role) -> Result<Role, Error> {
    let ours = |role: &Role| matches!(owner.judge(&role.tags), Ownership::Ours { .. });
    let changes_hands = offered(owner, &role) || (ours(&role) && may_go_over(&role.tags));
    let unsure = match ctx.own_role(&role.arn).filter(|own| own.id == role.id) {
        Some(mut own) if offered(owner, &role) => {
            own.tags.extend(role.tags.into_iter().filter(|(key, _)| key.eq_ignore_ascii_case(tag::HOLD)));
            return Ok(own);
        }
        Some(own) => ours(&role) && !ours(&own),
        None => changes_hands && ctx.may_have_missed(object.head.created.as_ref()),
    };
    if unsure {
        let text = format!("AWS may still show {} as it was before it was taken over", role.arn);
        return Err(Error::new(Category::Settling, text));
    }
    Ok(role)
}

/// What waits keeps the binding from being Ready, unless something worse does.
pub fn tell_waiting(run: &Run<'_>, waiting: Vec<Step>, outcome: &mut Outcome) {
    if waiting.is_empty() {
        return;
    }
    outcome.failure.get_or_insert_with(|| (None, awaiting(&run.desired.arn, &waiting)));
    outcome.waiting = waiting;
}

/// A role that is there and that we may not look at: the fence of our IAM policy hides what is not ours.
pub fn hidden(desired: &Desired, error: Error) -> Error {
    let hides = error.category == Category::Denied && error.message.contains("iam:GetRole");
    if hides { not_shown(desired) } else { error }
}
