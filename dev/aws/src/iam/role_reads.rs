//! Reads of one role.
//! Source: GetRole, ListAttachedRolePolicies, ListRolePolicies, GetRolePolicy, ListInstanceProfilesForRole of the
//! service model.

use super::{no_role, ok, page, read, render, role};
use crate::answer::{Outcome, Refusal, escape};
use crate::call::Call;
use crate::world::World;

pub fn get(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    read(world, call, |state| Ok(ok(call, &render::whole(role(state, &name)?))))
}

pub fn attached(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    let prefix = call.get("PathPrefix").unwrap_or("/");
    read(world, call, |state| {
        role(state, &name)?;
        let mut arns: Vec<&String> = state.role_policies.get(&name).into_iter().flatten().collect();
        arns.retain(|arn| policy_path(arn).starts_with(prefix));
        arns.sort_by_key(|arn| render::policy_name(arn));
        let (arns, tail) = page(call, arns, |arn| render::policy_name(arn));
        let members: String = arns.into_iter().map(|arn| render::attached(arn)).collect();
        Ok(ok(call, &format!("<AttachedPolicies>{members}</AttachedPolicies>{tail}")))
    })
}

/// `/team/` of `arn:aws:iam::1:policy/team/queues`.
fn policy_path(arn: &str) -> &str {
    let resource = arn.split_once(":policy").map_or("/", |(_, resource)| resource);
    &resource[..=resource.rfind('/').unwrap_or(0)]
}

pub fn inline_names(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    read(world, call, |state| {
        role(state, &name)?;
        let names: Vec<&String> =
            state.role_inline_policies.get(&name).into_iter().flat_map(|all| all.keys()).collect();
        let (names, tail) = page(call, names, |name| name.as_str());
        let members: String = names.iter().map(|name| format!("<member>{}</member>", escape(name))).collect();
        Ok(ok(call, &format!("<PolicyNames>{members}</PolicyNames>{tail}")))
    })
}

pub fn inline(world: &World, call: &Call) -> Outcome {
    let (name, policy) = (call.need("RoleName")?, call.need("PolicyName")?);
    read(world, call, |state| {
        role(state, &name)?;
        let document =
            state.role_inline_policies.get(&name).and_then(|all| all.get(&policy)).ok_or_else(|| no_inline(&policy))?;
        Ok(ok(
            call,
            &format!(
                "<RoleName>{name}</RoleName><PolicyName>{}</PolicyName><PolicyDocument>{}</PolicyDocument>",
                escape(&policy),
                render::encoded(document)
            ),
        ))
    })
}

pub fn no_inline(policy: &str) -> Refusal {
    Refusal::no_such_entity(format!("The role policy with name {policy} cannot be found."))
}

pub fn instance_profiles(world: &World, call: &Call) -> Outcome {
    let name = call.need("RoleName")?;
    read(world, call, |state| {
        let role = state.roles.get(&name).ok_or_else(|| no_role(&name))?;
        let profiles = state.instance_profiles.values().filter(|profile| profile.roles.contains(&name)).collect();
        let (profiles, tail) = page(call, profiles, |profile| profile.instance_profile_name.as_str());
        let listed = render::listed(role);
        let members: String = profiles.iter().map(|profile| render::profile(profile, &listed)).collect();
        Ok(ok(call, &format!("<InstanceProfiles>{members}</InstanceProfiles>{tail}")))
    })
}
