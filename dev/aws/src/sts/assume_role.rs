//! AssumeRole: the trust policy must name the caller or its account.
//! Source: AssumeRole of the service model; IAM user guide, "Role chaining" (one hour at most).

use fakecloud_core::auth::ConditionContext;

use super::session::{duration, open, role_arn, session_name, within_the_role};
use super::trust::trusts_caller;
use crate::answer::{Outcome, Refusal, xml};
use crate::authorise::{self, Decision};
use crate::call::{Call, Service};
use crate::world::World;
use crate::world::keys::Who;

pub fn handle(world: &World, call: &mut Call) -> Outcome {
    let wanted = role_arn(call)?;
    let session = session_name(call)?;
    let asked = duration(call)?;
    let Some(key) = call.caller.clone() else {
        return Err(Refusal::new(403, "InvalidClientTokenId", "no caller"));
    };
    let role = {
        let accounts = world.iam.read();
        let state = accounts.get(&wanted.account);
        state.and_then(|state| state.roles.get(&wanted.name)).filter(|role| role.arn == wanted.arn).cloned()
    };
    let denied = || {
        Refusal::new(
            403,
            "AccessDenied",
            format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {}", key.arn, wanted.arn),
        )
    };
    // A role that is not there sounds like one that trusts somebody else.
    let role = role.ok_or_else(denied)?;
    let mut context = ConditionContext {
        aws_principal_arn: Some(match &key.who {
            Who::User { .. } => key.arn.clone(),
            Who::Session { role_arn, .. } => role_arn.clone(),
        }),
        aws_principal_account: Some(key.account.clone()),
        aws_userid: Some(key.user_id.clone()),
        aws_current_time: Some(call.now),
        aws_epoch_time: Some(call.now.timestamp()),
        ..ConditionContext::default()
    };
    if let Some(id) = call.get("ExternalId") {
        context.service_keys.insert("sts:externalid".to_owned(), vec![id.to_owned()]);
    }
    context.service_keys.insert("sts:rolesessionname".to_owned(), vec![session.clone()]);
    let (trusted, by_name) = trusts_caller(&role, &key, &context);
    if !trusted {
        return Err(denied());
    }
    let (own, refusal) = authorise::may_assume(world, call, &wanted.arn, &session);
    // In one account it is enough that the trust policy names the caller itself; a deny of its own stands.
    let suffices = by_name && key.account == wanted.account && own == Decision::NoIdentity;
    if authorise::enforced(world, &key.account) && own != Decision::Allow && !suffices {
        return Err(refusal);
    }
    let seconds = within_the_role(&role, asked)?;
    if matches!(key.who, Who::Session { .. }) && seconds > 3600 {
        return Err(Refusal::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    let inner = open(world, call, &wanted.account, &role, &session, seconds);
    Ok(xml(Service::Sts, &call.op, &inner, &call.request_id))
}
