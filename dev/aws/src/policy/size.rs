//! Sizes and counts: what a role, a policy and an account may hold.
//! Source: the quotas' sentences are reported (`Cannot exceed quota for ACLSizePerRole: 2048`, `Maximum policy size
//! of 10240 bytes exceeded for role X`); white space does not count.

use crate::answer::Refusal;
use crate::call::Call;
use crate::world::World;
use crate::world::switches::Quotas;

/// As AWS counts: characters that are not white space.
fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

fn within(what: &str, size: usize, quota: usize) -> Result<(), Refusal> {
    if size <= quota { Ok(()) } else { Err(Refusal::limit(format!("Cannot exceed quota for {what}: {quota}"))) }
}

pub fn check(world: &World, call: &Call, quotas: &Quotas) -> Result<(), Refusal> {
    let accounts = world.iam.read();
    let Some(state) = accounts.get(&call.account) else { return Ok(()) };
    let name = call.get("RoleName").unwrap_or("");
    let document = call.get("PolicyDocument").unwrap_or("");
    match call.op.as_str() {
        "CreateRole" => {
            within(
                "ACLSizePerRole",
                size(call.get("AssumeRolePolicyDocument").unwrap_or("")),
                quotas.trust_policy_size,
            )?;
            // A role that is there already is that first of all.
            let fresh = !state.roles.contains_key(name);
            within("RolesPerAccount", state.roles.len() + usize::from(fresh), quotas.roles)
        }
        "UpdateAssumeRolePolicy" => within("ACLSizePerRole", size(document), quotas.trust_policy_size),
        "PutRolePolicy" => {
            let policy = call.get("PolicyName").unwrap_or("");
            let others =
                state.role_inline_policies.get(name).into_iter().flatten().filter(|(other, _)| *other != policy);
            let sum = size(document) + others.map(|(_, document)| size(document)).sum::<usize>();
            if sum <= quotas.inline_policies_size {
                return Ok(());
            }
            Err(Refusal::limit(format!(
                "Maximum policy size of {} bytes exceeded for role {name}",
                quotas.inline_policies_size
            )))
        }
        "AttachRolePolicy" => {
            let attached = state.role_policies.get(name).map_or(0, |arns| {
                arns.len() + usize::from(!arns.iter().any(|arn| Some(arn.as_str()) == call.get("PolicyArn")))
            });
            within("PoliciesPerRole", attached, quotas.policies_per_role)
        }
        "CreatePolicy" => {
            within("PolicySize", size(document), quotas.managed_policy_size)?;
            within("PoliciesPerAccount", state.policies.len() + 1, quotas.policies)
        }
        "CreatePolicyVersion" => within("PolicySize", size(document), quotas.managed_policy_size),
        "CreateOpenIDConnectProvider" => {
            within("OpenIdConnectProvidersPerAccount", state.oidc_providers.len() + 1, quotas.providers)?;
            within("ClientIdsPerOpenIdConnectProvider", call.list("ClientIDList").len(), quotas.audiences)
        }
        "AddClientIDToOpenIDConnectProvider" => {
            let client = call.get("ClientID").unwrap_or("");
            let provider = call.get("OpenIDConnectProviderArn").and_then(|arn| state.oidc_providers.get(arn));
            let after = provider.map_or(0, |one| {
                one.client_id_list.len() + usize::from(!one.client_id_list.iter().any(|known| known == client))
            });
            within("ClientIdsPerOpenIdConnectProvider", after, quotas.audiences)
        }
        "TagRole" => {
            let Some(role) = state.roles.get(name) else { return Ok(()) };
            let known = |key: &str| role.tags.iter().any(|tag| tag.key.eq_ignore_ascii_case(key));
            let new = call.tags().iter().filter(|(key, _)| !known(key)).count();
            if role.tags.len() + new <= quotas.tags {
                return Ok(());
            }
            Err(Refusal::limit("The number of tags has reached the maximum limit."))
        }
        _ => Ok(()),
    }
}
