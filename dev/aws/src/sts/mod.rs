//! STS: who am I, and sessions of roles. All of it is ours, because the crate seeks a provider over all accounts,
//! takes wrong role paths and too long sessions, and skips checks on what is no JWT.

mod assume_role;
pub mod jwks;
mod session;
mod token;
mod trust;
pub mod web_identity;

use crate::answer::{Outcome, Refusal, escape, xml};
use crate::call::{Call, Service};
use crate::world::World;

pub fn handle(world: &World, call: &mut Call) -> Outcome {
    match call.op.as_str() {
        "GetCallerIdentity" => caller_identity(call),
        "AssumeRole" => assume_role::handle(world, call),
        "AssumeRoleWithWebIdentity" => web_identity::handle(world, call),
        _ => Err(Refusal::new(400, "InvalidAction", "not one of STS")),
    }
}

fn caller_identity(call: &Call) -> Outcome {
    let key = call.caller.as_ref().ok_or_else(|| Refusal::new(403, "InvalidClientTokenId", "no caller"))?;
    let inner = format!(
        "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
        escape(&key.arn),
        escape(&key.user_id),
        key.account
    );
    Ok(xml(Service::Sts, &call.op, &inner, &call.request_id))
}
