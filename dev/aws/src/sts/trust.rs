//! What a trust policy says of somebody who wants the role, by the crate's evaluator.
//! A session is asked for twice, by its own ARN and by its role's: AWS matches both, the crate only the first.
//! Source: IAM user guide, "Principal element" (role sessions) and "Policy evaluation logic".

use fakecloud_core::auth::{ConditionContext, Principal, PrincipalType};
use fakecloud_iam::IamRole;
use fakecloud_iam::evaluator::{Decision, EvalRequest, PolicyDocument, evaluate_resource_policy_only};

use crate::world::keys::{Key, Who};

fn principal(arn: &str, account: &str, user_id: &str, kind: PrincipalType) -> Principal {
    Principal {
        arn: arn.to_owned(),
        user_id: user_id.to_owned(),
        account_id: account.to_owned(),
        principal_type: kind,
        source_identity: None,
        tags: None,
    }
}

fn decide(role: &IamRole, principals: &[Principal], action: &str, context: &ConditionContext) -> Decision {
    let trust = PolicyDocument::parse(&role.assume_role_policy_document);
    let mut decision = Decision::ImplicitDeny;
    for principal in principals {
        let request =
            EvalRequest { principal, action: action.to_owned(), resource: role.arn.clone(), context: context.clone() };
        match evaluate_resource_policy_only(&trust, &request) {
            Decision::ExplicitDeny => return Decision::ExplicitDeny,
            Decision::Allow => decision = Decision::Allow,
            Decision::ImplicitDeny => {}
        }
    }
    decision
}

/// Whether somebody with a token of this provider may have the role.
pub fn trusts_provider(role: &IamRole, provider: &str, account: &str, context: &ConditionContext) -> bool {
    let who = principal(provider, account, provider, PrincipalType::FederatedUser);
    decide(role, &[who], "sts:AssumeRoleWithWebIdentity", context).is_allow()
}

/// Whether this caller may have the role; `by_name` is whether the trust policy names the caller itself, not
/// just its account.
pub fn trusts_caller(role: &IamRole, key: &Key, context: &ConditionContext) -> (bool, bool) {
    let mut principals = match &key.who {
        Who::User { .. } => vec![principal(&key.arn, &key.account, &key.user_id, PrincipalType::User)],
        Who::Session { role_arn, .. } => vec![
            principal(&key.arn, &key.account, &key.user_id, PrincipalType::AssumedRole),
            principal(role_arn, &key.account, &key.user_id, PrincipalType::AssumedRole),
        ],
    };
    let trusted = decide(role, &principals, "sts:AssumeRole", context).is_allow();
    // Asked again as somebody of no account: what is left is what names the caller.
    for principal in &mut principals {
        "nobody".clone_into(&mut principal.account_id);
    }
    (trusted, trusted && decide(role, &principals, "sts:AssumeRole", context).is_allow())
}
