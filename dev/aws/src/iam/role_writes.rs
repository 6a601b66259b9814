//! What makes, changes and removes a role itself.
//! Source: CreateRole, UpdateRole, UpdateAssumeRolePolicy, DeleteRole, Put- and DeleteRolePermissionsBoundary of the
//! service model; DeleteRole's three sentences are reported by many tools.

use fakecloud_iam::{IamRole, IamState, Tag};

use super::{no_role, ok, render, role, role_mut, write};
use crate::answer::{Outcome, Refusal};
use crate::call::Call;
use crate::world::World;
use crate::world::keys::unique_id;

pub fn create(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    let document = call.need("AssumeRolePolicyDocument")?;
    let path = call.get("Path").unwrap_or("/").to_owned();
    write(world, call, |state| {
        // Unique without regard to case and to the path.
        if state.roles.contains_key(&name) || state.roles.keys().any(|other| other.eq_ignore_ascii_case(&name)) {
            return Err(Refusal::new(409, "EntityAlreadyExists", format!("Role with name {name} already exists.")));
        }
        let role = IamRole {
            role_id: unique_id("AROA"),
            arn: format!("arn:{}:iam::{}:role{path}{name}", call.partition, call.account),
            role_name: name.clone(),
            path,
            assume_role_policy_document: document,
            created_at: call.now,
            description: call.get("Description").map(str::to_owned),
            max_session_duration: session_length(call)?.unwrap_or(3600),
            tags: call.tags().into_iter().map(|(key, value)| Tag { key, value }).collect(),
            permissions_boundary: call.get("PermissionsBoundary").map(str::to_owned),
        };
        let answer = ok(call, &render::whole(&role));
        state.roles.insert(name, role);
        Ok(answer)
    })
}

fn session_length(call: &Call) -> Result<Option<i32>, Refusal> {
    match call.get("MaxSessionDuration") {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(seconds) if (3600..=43200).contains(&seconds) => Ok(Some(seconds)),
            _ => Err(Refusal::validation(format!(
                "1 validation error detected: Value '{text}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200"
            ))),
        },
    }
}

pub fn update(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    let length = session_length(call)?;
    write(world, call, |state| {
        let role = role_mut(state, &name)?;
        if let Some(text) = call.get("Description") {
            role.description = Some(text.to_owned());
        }
        if let Some(seconds) = length {
            role.max_session_duration = seconds;
        }
        Ok(ok(call, " "))
    })
}

pub fn update_trust(world: &World, call: &Call) -> Outcome {
    let (name, document) = (call.need("RoleName")?, call.need("PolicyDocument")?);
    write(world, call, |state| {
        role_mut(state, &name)?.assume_role_policy_document = document;
        Ok(ok(call, ""))
    })
}

pub fn delete(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    write(world, call, |state| {
        role(state, &name)?;
        deletable(state, &name)?;
        state.roles.remove(&name).ok_or_else(|| no_role(&name))?;
        state.role_policies.remove(&name);
        state.role_inline_policies.remove(&name);
        Ok(ok(call, ""))
    })
}

fn deletable(state: &IamState, name: &str) -> Result<(), Refusal> {
    let first = if state.instance_profiles.values().any(|profile| profile.roles.iter().any(|role| role == name)) {
        "remove roles from instance profile"
    } else if state.role_policies.get(name).is_some_and(|all| !all.is_empty()) {
        "detach all policies"
    } else if state.role_inline_policies.get(name).is_some_and(|all| !all.is_empty()) {
        "delete policies"
    } else {
        return Ok(());
    };
    Err(Refusal::new(409, "DeleteConflict", format!("Cannot delete entity, must {first} first.")))
}

pub fn put_boundary(world: &World, call: &Call) -> Outcome {
    let (name, arn) = (call.need("RoleName")?, call.need("PermissionsBoundary")?);
    write(world, call, |state| {
        role_mut(state, &name)?.permissions_boundary = Some(arn);
        Ok(ok(call, ""))
    })
}

pub fn delete_boundary(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    write(world, call, |state| {
        role_mut(state, &name)?.permissions_boundary = None;
        Ok(ok(call, ""))
    })
}
