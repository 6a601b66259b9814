//! Policy documents: their grammar, their size, and how IAM rewrites them before it keeps them.

mod grammar;
mod identity;
pub mod normal;
mod size;
mod trust;

use crate::answer::Refusal;
use crate::call::{Call, Service};
use crate::world::World;

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "MalformedPolicyDocument", message)
}

/// Grammar, then size and count, of the documents that a call brings.
pub fn check(world: &World, call: &Call) -> Result<(), Refusal> {
    if call.service != Service::Iam {
        return Ok(());
    }
    let (switches, quotas) = {
        let own = world.own.borrow();
        (own.switches(&call.account), own.quotas(&call.account))
    };
    if switches.shape {
        match call.op.as_str() {
            "CreateRole" => trust::check(&call.need("AssumeRolePolicyDocument")?)?,
            "UpdateAssumeRolePolicy" => trust::check(&call.need("PolicyDocument")?)?,
            "PutRolePolicy" | "CreatePolicy" | "CreatePolicyVersion" => {
                identity::check(&call.need("PolicyDocument")?)?;
            }
            _ => {}
        }
    }
    if switches.sizes {
        size::check(world, call, &quotas)?;
    }
    Ok(())
}

/// Replaces the documents in the call by what IAM keeps of them.
pub fn rewrite(world: &World, call: &mut Call) {
    if call.service != Service::Iam || !world.own.borrow().switches(&call.account).rewrite {
        return;
    }
    let trust = matches!(call.op.as_str(), "CreateRole" | "UpdateAssumeRolePolicy");
    for name in ["AssumeRolePolicyDocument", "PolicyDocument"] {
        if let Some(text) = call.params.get_mut(name)
            && let Some(kept) = normal::rewritten(text, trust, &call.partition)
        {
            *text = kept;
        }
    }
}
