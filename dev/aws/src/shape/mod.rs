//! Shapes: what the service model says of each parameter, and of tags and provider URLs what the service says.
//! Source: the IAM and STS service models (lengths, patterns, ranges) and their ValidationError.

mod fields;
mod provider;
mod tags;

use crate::answer::Refusal;
use crate::call::{Call, Service};
use crate::world::World;

pub fn check(world: &World, call: &Call) -> Result<(), Refusal> {
    let own = world.own.borrow();
    if call.service != Service::Iam || !own.switches(&call.account).shape {
        return Ok(());
    }
    fields::check(call)?;
    tags::check(call)?;
    provider::check(call)
}
