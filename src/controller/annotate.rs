//! The steps for ServiceAccounts, and when the one that takes Pods from another role has its turn.

use super::account;
use super::api::ApiError;
use super::binding::Stop;
use super::execute::Run;
use super::state::Ctx;
use crate::api::Mode;
use crate::plan::Step;
use crate::status::Outcome;
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
