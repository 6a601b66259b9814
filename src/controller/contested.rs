//! Corrections that have to be made again and again: which wait, and what is said of them.

use super::execute::Run;
use super::state::{Ctx, State};
use crate::api::BindingStatus;
use crate::contested::Seen;
use crate::plan::{Facet, Step};
use crate::status::{Outcome, drift};
use crate::store::{LeanBinding, LeanServiceAccount, NsName};
use std::sync::Arc;
use std::time::Instant;

fn account<'a>(state: &'a State, binding: &NsName, name: &str) -> Option<&'a Arc<LeanServiceAccount>> {
    state.accounts.get(&NsName::new(binding.namespace.clone(), name))
}

fn uid(state: &State, binding: &NsName, name: &str) -> String {
    account(state, binding, name).map(|account| account.head.uid.to_string()).unwrap_or_default()
}

/// Whether a step is left for later, because another tool undoes it each time. What nobody drifted into is not.
pub fn rests(ctx: &Ctx, run: &Run<'_>, step: &Step) -> bool {
    let state = ctx.state();
    let uid = uid(&state, run.binding, &run.desired.service_account.name);
    run.drift && state.contested.waits(run.binding, &uid, step, Instant::now()).is_some()
}

/// The managers that have written the annotation, before it is written over.
pub fn writers(ctx: &Ctx, run: &Run<'_>) -> Option<String> {
    let state = ctx.state();
    let live = account(&state, run.binding, &run.desired.service_account.name)?;
    let owners: Vec<&str> = live.role_arn_owners.iter().map(AsRef::as_ref).collect();
    (!owners.is_empty()).then(|| owners.join(" and "))
}

/// Remembers what was put right, and adds to the outcome what is to be said of it. Returns when what waits has its turn.
pub fn note(ctx: &Ctx, object: &LeanBinding, previous: &BindingStatus, outcome: &mut Outcome) -> Option<Instant> {
    let (key, now) = (&object.head.key, Instant::now());
    let mut state = ctx.state();
    let role = outcome.role.as_ref()?;
    if let Some((corrected, _)) = drift(previous, outcome) {
        let uid = uid(&state, key, object.service_account.as_deref().unwrap_or_default());
        let who = [outcome.writers[0].as_deref(), outcome.writers[1].as_deref()];
        let seen = Seen { account: &role.account, uid: &uid, who, corrected, pending: &outcome.pending };
        state.contested.note(key, &seen, now);
    }
    outcome.contested = state.contested.says(key, &role.arn);
    state.contested.next(key, now)
}

/// Whether a role that differs may stay so for now: all that differs is left for later.
pub fn may_rest(ctx: &Ctx, run: &Run<'_>, left: &[Step]) -> bool {
    left.iter().all(|step| rests(ctx, run, step))
}

/// Those steps of a role that were left for later. Without the first of all no other is possible.
pub fn leave(ctx: &Ctx, run: &Run<'_>, step: &Step, left: &[Step]) -> bool {
    let of_role = |step: &Step| step.facet() != Facet::ServiceAccount;
    match step {
        step if rests(ctx, run, step) => true,
        step if of_role(step) => left.contains(&Step::CreateRole),
        // Pods keep the role that they have until ours is as it should be.
        Step::Reannotate(_) => left.iter().any(of_role),
        _ => false,
    }
}
