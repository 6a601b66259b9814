//! How roles whose bindings leave them as they are follow their class: a mode that writes nothing is no way to keep a
//! boundary, a trust or, where the class revokes, a policy that is allowed no more.

use super::binding::Stop;
use super::execute::{Ended, Run, steps};
use super::fuse;
use super::lock::RoleLock;
use super::state::Ctx;
use crate::error::Category;
use crate::guardrails::{Revokes, revocations};
use crate::iam::owner::Ownership;
use crate::iam::role::Observed;
use crate::plan::Plan;
use crate::status::Outcome;
use std::collections::BTreeSet;

/// Takes off a role of this binding what may not be on it. Returns what it is then; `None` where not all of it went, which
/// `outcome` tells.
pub async fn off(
    ctx: &Ctx,
    run: &Run<'_>,
    observed: Observed,
    outcome: &mut Outcome,
) -> Result<Option<Observed>, Stop> {
    let (Some(revokes), Observed::Present(role)) = (run.desired.judges_live(), &observed) else {
        return Ok(Some(observed));
    };
    if !matches!(run.desired.owner.judge(&role.tags), Ownership::Ours { .. }) {
        return Ok(Some(observed));
    }
    let denying = if revokes.keeps() { BTreeSet::new() } else { run.denying(ctx, role).await? };
    let (held, taken) = revocations(run.desired, role, &denying);
    let plan = Plan { steps: taken, ..Plan::default() };
    let run = &Run { desired: &held, ..*run };
    if plan.steps.is_empty() {
        return Ok(Some(observed));
    }
    if fuse::holds(ctx, run, &observed, &plan, Some(&role.id), outcome)? {
        return Ok(None);
    }
    let mut known = Some(role.as_ref().clone());
    let ended = steps(ctx, run, &plan, &mut known, outcome).await?;
    Ok(known.filter(|_| matches!(ended, Ended::Done)).map(|role| Observed::Present(Box::new(role))))
}

/// The same for a binding in mode Annotate, which may have made a role before that, in a class that revokes. In one that
/// does not, [`super::former::hold`] looks for it where sweeps tell of one.
pub async fn off_former(ctx: &Ctx, run: &Run<'_>, outcome: &mut Outcome) -> Result<(), Stop> {
    if run.desired.judges_live().is_none_or(Revokes::keeps) {
        return Ok(());
    }
    let Some(_lock) = RoleLock::try_take(ctx, &run.desired.arn) else { return Err(Stop::Stale) };
    match run.read(ctx).await {
        Ok(observed) => off(ctx, run, observed, outcome).await.map(drop),
        // The fence of our own IAM policy hides what is not ours.
        Err(error) if matches!(error.category, Category::Denied | Category::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
