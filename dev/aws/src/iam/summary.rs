//! GetAccountSummary, with the account's own quotas.
//! Source: summaryKeyType of the service model; it has a count of providers and no quota for them.

use super::{ok, read};
use crate::answer::Outcome;
use crate::call::Call;
use crate::world::World;

pub fn get(world: &World, call: &Call) -> Outcome {
    let quotas = world.own.borrow().quotas(&call.account);
    read(world, call, |state| {
        let counts = [
            ("Roles", state.roles.len()),
            ("RolesQuota", quotas.roles),
            ("Policies", state.policies.len()),
            ("PoliciesQuota", quotas.policies),
            ("PolicySizeQuota", quotas.managed_policy_size),
            ("RolePolicySizeQuota", quotas.inline_policies_size),
            ("AssumeRolePolicySizeQuota", quotas.trust_policy_size),
            ("AttachedPoliciesPerRoleQuota", quotas.policies_per_role),
            ("VersionsPerPolicyQuota", 5),
            ("Providers", state.oidc_providers.len()),
            ("InstanceProfiles", state.instance_profiles.len()),
            ("InstanceProfilesQuota", 1000),
            ("Users", state.users.len()),
            ("UsersQuota", 5000),
            ("Groups", state.groups.len()),
            ("GroupsQuota", 300),
            ("AccountMFAEnabled", 1),
            ("GlobalEndpointTokenVersion", 1),
        ];
        let entries: String = counts
            .iter()
            .map(|(key, value)| format!("<entry><key>{key}</key><value>{value}</value></entry>"))
            .collect();
        Ok(ok(call, &format!("<SummaryMap>{entries}</SummaryMap>")))
    })
}
