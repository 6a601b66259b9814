//! Managed policies: those for service-linked roles only, and those that still hang somewhere.
//! Source: PolicyNotAttachable and DeleteConflict from reports (`Cannot attach a Service Role Policy to a Customer
//! Role.`, `Cannot delete a policy attached to entities.`); the boundary's sentence is not known to the letter.

use crate::answer::Refusal;
use crate::call::Call;
use crate::iam::aws_managed;
use crate::world::World;

fn conflict(message: &str) -> Refusal {
    Refusal::new(409, "DeleteConflict", message)
}

pub fn check(world: &World, call: &Call) -> Result<(), Refusal> {
    let Some(arn) = call.get("PolicyArn") else { return Ok(()) };
    if call.op == "AttachRolePolicy" && aws_managed(arn).is_some_and(|policy| policy.path == "/aws-service-role/") {
        let message = "Cannot attach a Service Role Policy to a Customer Role.";
        return Err(Refusal::new(400, "PolicyNotAttachable", message));
    }
    if call.op != "DeletePolicy" {
        return Ok(());
    }
    let accounts = world.iam.read();
    let Some(state) = accounts.get(&call.account) else { return Ok(()) };
    let Some(policy) = state.policies.get(arn) else { return Ok(()) };
    let holds = |arns: &Vec<String>| arns.iter().any(|one| one == arn);
    if state.role_policies.values().any(holds) || state.user_policies.values().any(holds) {
        return Err(conflict("Cannot delete a policy attached to entities."));
    }
    if state.roles.values().any(|role| role.permissions_boundary.as_deref() == Some(arn)) {
        return Err(conflict("Cannot delete a policy that is used as a permissions boundary."));
    }
    if policy.versions.len() > 1 {
        return Err(conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        ));
    }
    Ok(())
}
