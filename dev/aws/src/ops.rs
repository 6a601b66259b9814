//! The one list of operations: what operator, demo and administrator need, and nothing else.
//! Anything that is not here is refused as InvalidAction and marked in the journal.

use crate::answer::Refusal;
use crate::call::{Call, Service};

const IAM: &[&str] = &[
    // Roles.
    "CreateRole",
    "GetRole",
    "ListRoles",
    "UpdateRole",
    "UpdateAssumeRolePolicy",
    "DeleteRole",
    "TagRole",
    "UntagRole",
    "ListRoleTags",
    "PutRolePermissionsBoundary",
    "DeleteRolePermissionsBoundary",
    // What hangs on roles.
    "AttachRolePolicy",
    "DetachRolePolicy",
    "ListAttachedRolePolicies",
    "PutRolePolicy",
    "GetRolePolicy",
    "DeleteRolePolicy",
    "ListRolePolicies",
    // Managed policies.
    "CreatePolicy",
    "GetPolicy",
    "ListPolicies",
    "DeletePolicy",
    "CreatePolicyVersion",
    "GetPolicyVersion",
    "ListPolicyVersions",
    "DeletePolicyVersion",
    "SetDefaultPolicyVersion",
    "ListEntitiesForPolicy",
    // OIDC providers.
    "CreateOpenIDConnectProvider",
    "GetOpenIDConnectProvider",
    "ListOpenIDConnectProviders",
    "DeleteOpenIDConnectProvider",
    "AddClientIDToOpenIDConnectProvider",
    "RemoveClientIDFromOpenIDConnectProvider",
    "UpdateOpenIDConnectProviderThumbprint",
    "TagOpenIDConnectProvider",
    "UntagOpenIDConnectProvider",
    "ListOpenIDConnectProviderTags",
    // Instance profiles, as far as they keep a role from being deleted.
    "CreateInstanceProfile",
    "DeleteInstanceProfile",
    "AddRoleToInstanceProfile",
    "RemoveRoleFromInstanceProfile",
    "ListInstanceProfilesForRole",
    // The account.
    "GetAccountSummary",
    "GetAccountAuthorizationDetails",
    "CreateServiceLinkedRole",
    "SimulateCustomPolicy",
    "SimulatePrincipalPolicy",
];

const STS: &[&str] = &["GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity"];

const EKS: &[&str] = &["DescribeCluster", "ListClusters"];

/// Refuses what is not on the list.
pub fn known(call: &mut Call) -> Result<(), Refusal> {
    let list = match call.service {
        Service::Iam => IAM,
        Service::Sts => STS,
        Service::Eks => EKS,
        Service::Unknown => &[],
    };
    if list.contains(&call.op.as_str()) {
        return Ok(());
    }
    call.marks.push("not-on-the-list".to_owned());
    let version = match call.service {
        Service::Iam => "2010-05-08",
        Service::Sts => "2011-06-15",
        _ => "2017-11-01",
    };
    Err(Refusal::new(400, "InvalidAction", format!("Could not find operation {} for version {version}", call.op)))
}
