//! Existence: what a call names must be there, and what is protected or still in use stays as it is.

mod policies;
pub mod principals;
mod roles;

use crate::answer::{Outcome, Refusal};
use crate::call::{Call, Service};
use crate::world::World;

pub fn check(world: &World, call: &Call) -> Result<(), Refusal> {
    if call.service != Service::Iam || !world.own.borrow().switches(&call.account).existence {
        return Ok(());
    }
    roles::check(world, call)?;
    policies::check(world, call)?;
    principals::check(world, call)
}

/// What is to be done once the call has been applied.
pub enum Then {
    Nothing,
    /// The role of this ARN and id is gone.
    Gone {
        arn: String,
        id: String,
    },
    /// A trust policy may name principals.
    Trusts,
}

pub fn before(world: &World, call: &Call) -> Then {
    match call.op.as_str() {
        "DeleteRole" if world.own.borrow().switches(&call.account).existence => {
            let accounts = world.iam.read();
            let role = call.get("RoleName").and_then(|name| accounts.get(&call.account)?.roles.get(name));
            role.map_or(Then::Nothing, |role| Then::Gone { arn: role.arn.clone(), id: role.role_id.clone() })
        }
        "CreateRole" | "UpdateAssumeRolePolicy" => Then::Trusts,
        _ => Then::Nothing,
    }
}

pub fn after(world: &World, call: &Call, then: Then, outcome: &Outcome) {
    if outcome.is_err() {
        return;
    }
    match then {
        Then::Nothing => {}
        Then::Gone { arn, id } => principals::gone(world, &arn, &id),
        Then::Trusts => {
            let text = call.get("AssumeRolePolicyDocument").or_else(|| call.get("PolicyDocument")).unwrap_or("");
            principals::note(world, text);
        }
    }
}
