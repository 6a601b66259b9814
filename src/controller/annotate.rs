//! The steps for ServiceAccounts, and when the one that takes Pods from another role has its turn.

use super::account;
use super::api::ApiError;
use super::binding::Stop;
use super::execute::Run;
use super::state::Ctx;
use crate::api::reason::{self, condition};
use crate::api::{BindingStatus, Mode};
use crate::desired::DesiredAccount;
use crate::plan::Step;
use crate::status::{Outcome, find};
use crate::store::{LeanBinding, NsName};
use std::time::Instant;

/// Whether a step that takes Pods from another role has to wait until ours can serve them. No worker waits with it.
pub fn waits(ctx: &Ctx, run: &Run<'_>, step: &Step, outcome: &mut Outcome) -> bool {
    let Step::Reannotate(other) = step else { return false };
    // A role that is held is not as it should be, and one that nobody has seen may not be.
    if run.presumed || outcome.held {
        return true;
    }
    if account::has_to_stay(&ctx.state(), run.binding, &run.desired.service_account, other) {
        return false;
    }
    outcome.settles = settles(ctx, run);
    outcome.settles.is_some()
}

/// When Pods of the role are served everywhere, if that is yet to come.
fn settles(ctx: &Ctx, run: &Run<'_>) -> Option<Instant> {
    ctx.settles(&run.desired.arn, &run.desired.provider_arn, Instant::now())
}

/// Makes sure of a ServiceAccount that the store does not hold, before its binding says for the first time that there is
/// none.
///
/// # Errors
/// As the call fails.
pub async fn make_sure(ctx: &Ctx, object: &LeanBinding, wanted: &DesiredAccount) -> Result<(), Stop> {
    let key = &object.head.key;
    let missing =
        !wanted.create && ctx.state().accounts.get(&NsName::new(key.namespace.clone(), wanted.name.as_str())).is_none();
    if missing && !misses(&object.status()) {
        account::find(ctx, key, &wanted.name).await?;
    }
    Ok(())
}

fn misses(status: &BindingStatus) -> bool {
    let of = find(&status.conditions, condition::SERVICE_ACCOUNT_READY);
    of.is_some_and(|condition| condition.reason == reason::SERVICE_ACCOUNT_NOT_FOUND)
}

/// Carries out a step for a ServiceAccount.
///
/// # Errors
/// As the call fails.
pub async fn account_step(ctx: &Ctx, run: &Run<'_>, step: &Step) -> Result<(), Stop> {
    let wanted = &run.desired.service_account;
    // Where the role is another cluster's, none is read to find out whose an annotation is.
    let aws = (run.desired.mode != Mode::Annotate).then_some(run.aws);
    let done = match step {
        Step::CreateServiceAccount => account::create(ctx, run.binding, &wanted.name).await,
        Step::Annotate => account::annotate(ctx, run.binding, wanted, None).await,
        Step::Reannotate(_) => {
            let settled = settles(ctx, run).is_none();
            let replace = account::Replace { owner: &run.desired.owner, aws, settled };
            account::annotate(ctx, run.binding, wanted, Some(replace)).await
        }
        Step::Unannotate { name, uid } => account::unannotate(ctx, run.binding, name, uid).await,
        _ => Ok(()),
    };
    match done {
        // The namespace goes, and the ServiceAccount with it. There is nothing to be said.
        Err(ApiError::Terminating) => Ok(()),
        other => other.map_err(Stop::from),
    }
}
