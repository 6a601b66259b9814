//! Roles that are AWS's own, and boundaries that must be there.
//! Source: UnmodifiableEntity's sentence from reports of service-linked roles; `Scope ARN: … does not exist or is
//! not attachable.` from reports of CreateRole. How AWS refuses a role in the reserved path is not known to the letter.

use crate::answer::Refusal;
use crate::call::Call;
use crate::iam::exists;
use crate::world::World;

const RESERVED: &str = "/aws-service-role/";

/// The writes that take `RoleName` and change that role.
const CHANGES: [&str; 11] = [
    "UpdateRole",
    "UpdateAssumeRolePolicy",
    "DeleteRole",
    "TagRole",
    "UntagRole",
    "PutRolePermissionsBoundary",
    "DeleteRolePermissionsBoundary",
    "AttachRolePolicy",
    "DetachRolePolicy",
    "PutRolePolicy",
    "DeleteRolePolicy",
];

pub fn check(world: &World, call: &Call) -> Result<(), Refusal> {
    let accounts = world.iam.read();
    let Some(state) = accounts.get(&call.account) else { return Ok(()) };
    let name = call.get("RoleName").unwrap_or("");
    if CHANGES.contains(&call.op.as_str()) && state.roles.get(name).is_some_and(|role| role.path.starts_with(RESERVED))
    {
        return Err(Refusal::new(
            400,
            "UnmodifiableEntity",
            format!(
                "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
            ),
        ));
    }
    if call.op == "CreateRole" && call.get("Path").is_some_and(|path| path.starts_with(RESERVED)) {
        return Err(Refusal::invalid_input(format!("The path {RESERVED} is reserved for service-linked roles.")));
    }
    if let Some(arn) = call.get("PermissionsBoundary")
        && !exists(state, arn)
    {
        return Err(Refusal::no_such_entity(format!("Scope ARN: {arn} does not exist or is not attachable.")));
    }
    Ok(())
}
