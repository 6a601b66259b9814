//! The IAM policy of the operator itself: what it calls, on its own roles, and nothing else.
//!
//! Three fences stand around it. The path keeps it off everybody else's roles; the cluster tag keeps it off roles in
//! its path that it did not make; the boundary, where there is one, keeps every role that it makes below it.
//! Condition keys are those of the Service Authorization Reference for IAM.

mod adoption;

use crate::api::names::tag;
use serde_json::{Value, json};

/// What the policy is written for.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// `--cluster-id` of the operator.
    pub cluster_id: String,
    /// Twelve digits.
    pub account: String,
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Paths of the classes, each from `/` to `/`.
    pub paths: Vec<String>,
    /// ARNs of permissions boundaries, with `*`: every role has one of them. Without any the conditions on it are left
    /// out, and a role can be given whatever the listed policies hold.
    pub boundaries: Vec<String>,
    /// ARNs of managed policies that may be attached, with `*`. Empty: all.
    pub managed: Vec<String>,
    /// Issuers without `https://`: the cluster's own, and those that classes name. Without any, providers of all issuers.
    pub issuers: Vec<String>,
    /// ARNs of the operator's roles in other accounts (`spec.account` of classes).
    pub assumed: Vec<String>,
    /// Region and name of the EKS cluster, where its issuer is asked for.
    pub eks: Option<(String, String)>,
    /// Whether roles of others may be taken over, wherever their path.
    pub adoption: bool,
}

/// The policy document.
#[must_use]
pub fn policy(scope: &Scope) -> Value {
    let mut statements = vec![create(scope), mark(scope), shape(scope), grant(scope)];
    statements.extend((!scope.boundaries.is_empty()).then(|| rebound(scope)));
    statements.extend([inline(scope), reduce(scope), look(scope), list()]);
    if scope.adoption {
        statements.extend(adoption::statements(scope));
    }
    statements.push(provider(scope));
    statements.extend((!scope.assumed.is_empty()).then(|| assume(scope)));
    statements.extend(scope.eks.as_ref().map(|(region, name)| cluster(scope, region, name)));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn create(scope: &Scope) -> Value {
    let request = json!({ format!("aws:RequestTag/{}", tag::CLUSTER): scope.cluster_id });
    statement("CreateOwnRoles", &["iam:CreateRole"], roles(scope), bounded(scope, request))
}

/// A role that is being created has no tags yet, so the fence holds only where the tag is there.
fn mark(scope: &Scope) -> Value {
    let fence = json!({ "StringEqualsIfExists": { fence_key(): scope.cluster_id } });
    statement("TagOwnRoles", &["iam:TagRole"], roles(scope), fence)
}

fn shape(scope: &Scope) -> Value {
    let actions = ["iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UntagRole", "iam:DeleteRole"];
    statement("ChangeOwnRoles", &actions, roles(scope), json!({ "StringEquals": fence(scope) }))
}

fn grant(scope: &Scope) -> Value {
    let condition = listed(scope, bounded(scope, fence(scope)));
    statement("AttachToOwnRoles", &["iam:AttachRolePolicy"], roles(scope), condition)
}

fn inline(scope: &Scope) -> Value {
    statement("WriteInlineOnOwnRoles", &["iam:PutRolePolicy"], roles(scope), bounded(scope, fence(scope)))
}

/// A boundary may be set, and set to one of these only. There is no right to take it off.
fn rebound(scope: &Scope) -> Value {
    let actions = ["iam:PutRolePermissionsBoundary"];
    statement("BoundOwnRoles", &actions, roles(scope), bounded(scope, fence(scope)))
}

/// Without conditions on boundary or policy: stray policies and deletion must not get stuck.
fn reduce(scope: &Scope) -> Value {
    let actions = ["iam:DetachRolePolicy", "iam:DeleteRolePolicy"];
    statement("TakeFromOwnRoles", &actions, roles(scope), json!({ "StringEquals": fence(scope) }))
}

/// All that is read of one role.
const READS: [&str; 4] = ["iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"];

fn look(scope: &Scope) -> Value {
    let actions = [&READS[..], &["iam:ListInstanceProfilesForRole"]].concat();
    statement("ReadOwnRoles", &actions, roles(scope), json!({ "StringEquals": fence(scope) }))
}

/// These can't be scoped, or are about policies that others have put on a role of ours.
fn list() -> Value {
    let actions = [
        "iam:GetAccountAuthorizationDetails",
        "iam:ListRoles",
        "iam:GetAccountSummary",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
    ];
    json!({ "Sid": "ReadWhatCanNotBeScoped", "Effect": "Allow", "Action": actions, "Resource": "*" })
}

fn provider(scope: &Scope) -> Value {
    let actions = [
        "iam:GetOpenIDConnectProvider",
        "iam:CreateOpenIDConnectProvider",
        "iam:TagOpenIDConnectProvider",
        "iam:AddClientIDToOpenIDConnectProvider",
        "iam:DeleteOpenIDConnectProvider",
    ];
    let arn = |issuer: &str| format!("arn:{}:iam::{}:oidc-provider/{issuer}", scope.partition, scope.account);
    let resource = match &scope.issuers[..] {
        [] => json!(arn("*")),
        [one] => json!(arn(one)),
        several => several.iter().map(|issuer| arn(issuer)).collect(),
    };
    json!({ "Sid": "KeepTheProvider", "Effect": "Allow", "Action": actions, "Resource": resource })
}

fn assume(scope: &Scope) -> Value {
    json!({ "Sid": "GoToOtherAccounts", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": scope.assumed })
}

fn cluster(scope: &Scope, region: &str, name: &str) -> Value {
    let arn = format!("arn:{}:eks:{region}:{}:cluster/{name}", scope.partition, scope.account);
    json!({ "Sid": "AskForTheIssuer", "Effect": "Allow", "Action": "eks:DescribeCluster", "Resource": arn })
}

fn statement(sid: &str, actions: &[&str], resource: Vec<String>, condition: Value) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource, "Condition": condition })
}

fn roles(scope: &Scope) -> Vec<String> {
    let arn = |path: &String| format!("arn:{}:iam::{}:role{path}*", scope.partition, scope.account);
    scope.paths.iter().map(arn).collect()
}

fn fence_key() -> String {
    format!("aws:ResourceTag/{}", tag::CLUSTER)
}

fn fence(scope: &Scope) -> Value {
    json!({ fence_key(): scope.cluster_id })
}

/// Only policies that may be attached, where they are listed.
fn listed(scope: &Scope, mut condition: Value) -> Value {
    if !scope.managed.is_empty() {
        condition["ArnLike"]["iam:PolicyARN"] = json!(scope.managed);
    }
    condition
}

/// These tags, and a boundary where there has to be one.
fn bounded(scope: &Scope, tags: Value) -> Value {
    let mut condition = json!({ "StringEquals": tags });
    if !scope.boundaries.is_empty() {
        condition["ArnLike"] = json!({ "iam:PermissionsBoundary": scope.boundaries });
    }
    condition
}
