//! Policies on roles: managed ones attached and detached, inline ones put and deleted.
//! Source: AttachRolePolicy, DetachRolePolicy, PutRolePolicy, DeleteRolePolicy of the service model; attaching again
//! changes nothing and is no error.

use fakecloud_iam::{IamState, managed_policies};

use super::role_reads::no_inline;
use super::{ok, role, write};
use crate::answer::{Outcome, Refusal};
use crate::call::Call;
use crate::world::World;

/// Whether there is a managed policy of this ARN, the account's own or one of AWS's.
pub fn exists(state: &IamState, arn: &str) -> bool {
    state.policies.contains_key(arn) || aws_managed(arn).is_some()
}

/// One of AWS's own policies, in any partition: the catalogue has those of `aws`.
pub fn aws_managed(arn: &str) -> Option<&'static managed_policies::ManagedPolicy> {
    let (_, resource) = arn.split_once(":iam::aws:policy/")?;
    managed_policies::lookup(&format!("arn:aws:iam::aws:policy/{resource}"))
}

pub fn attach(world: &World, call: &Call) -> Outcome {
    let (name, arn) = (call.need("RoleName")?, call.need("PolicyArn")?);
    write(world, call, |state| {
        role(state, &name)?;
        if !exists(state, &arn) {
            return Err(Refusal::no_such_entity(format!("Policy {arn} does not exist or is not attachable.")));
        }
        let arns = state.role_policies.entry(name).or_default();
        if !arns.contains(&arn) {
            arns.push(arn.clone());
            if let Some(policy) = state.policies.get_mut(&arn) {
                policy.attachment_count += 1;
            }
        }
        Ok(ok(call, ""))
    })
}

pub fn detach(world: &World, call: &Call) -> Outcome {
    let (name, arn) = (call.need("RoleName")?, call.need("PolicyArn")?);
    write(world, call, |state| {
        role(state, &name)?;
        let arns = state.role_policies.entry(name).or_default();
        let Some(at) = arns.iter().position(|one| *one == arn) else {
            return Err(Refusal::no_such_entity(format!("Policy {arn} was not found.")));
        };
        arns.remove(at);
        if let Some(policy) = state.policies.get_mut(&arn) {
            policy.attachment_count = policy.attachment_count.saturating_sub(1);
        }
        Ok(ok(call, ""))
    })
}

pub fn put(world: &World, call: &Call) -> Outcome {
    let (name, policy, document) = (call.need("RoleName")?, call.need("PolicyName")?, call.need("PolicyDocument")?);
    write(world, call, |state| {
        role(state, &name)?;
        state.role_inline_policies.entry(name).or_default().insert(policy, document);
        Ok(ok(call, ""))
    })
}

pub fn delete(world: &World, call: &Call) -> Outcome {
    let (name, policy) = (call.need("RoleName")?, call.need("PolicyName")?);
    write(world, call, |state| {
        role(state, &name)?;
        let inline = state.role_inline_policies.entry(name).or_default();
        inline.remove(&policy).ok_or_else(|| no_inline(&policy))?;
        Ok(ok(call, ""))
    })
}
