//! The statements for roles that others made. No path is their fence but tags: before, the one by which somebody offers the
//! role to this cluster, and from the owner tags on the cluster's and the mark of a role that was taken over. So a role on
//! which nobody has put a tag for this cluster is as far away as without them.

use super::{READS, Scope, bounded, fence, listed, statement};
use crate::api::names::tag;
use serde_json::{Value, json};

pub(super) fn statements(scope: &Scope) -> [Value; 5] {
    let actions = [
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
        "iam:DeleteRole",
        "iam:DetachRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:ListInstanceProfilesForRole",
    ];
    let keep = [&READS[..], &actions].concat();
    let mut widen = vec!["iam:PutRolePolicy"];
    widen.extend((!scope.boundaries.is_empty()).then_some("iam:PutRolePermissionsBoundary"));
    let attach = listed(scope, adopted(bounded(scope, fence(scope))));
    [
        statement("ReadOfferedRoles", &READS, all(scope), json!({ "StringLike": offered(scope) })),
        statement("TakeOfferedRoles", &["iam:TagRole"], all(scope), take(scope)),
        statement("KeepAdoptedRoles", &keep, all(scope), adopted(json!({ "StringEquals": fence(scope) }))),
        statement("AttachToAdoptedRoles", &["iam:AttachRolePolicy"], all(scope), attach),
        statement("WidenAdoptedRoles", &widen, all(scope), adopted(bounded(scope, fence(scope)))),
    ]
}

/// The call that makes an offered role this cluster's, and no other.
fn take(scope: &Scope) -> Value {
    let request = |key: &str| format!("aws:RequestTag/{key}");
    json!({
        "StringLike": offered(scope),
        "StringEquals": { request(tag::CLUSTER): scope.cluster_id, request(tag::ADOPTED): scope.cluster_id },
    })
}

fn offered(scope: &Scope) -> Value {
    json!({ resource(tag::ADOPTABLE_BY): format!("{}/*", scope.cluster_id) })
}

fn adopted(mut condition: Value) -> Value {
    condition["Null"] = json!({ resource(tag::ADOPTED): "false" });
    condition
}

fn resource(key: &str) -> String {
    format!("aws:ResourceTag/{key}")
}

/// Their paths are not the classes'.
fn all(scope: &Scope) -> Vec<String> {
    vec![format!("arn:{}:iam::{}:role/*", scope.partition, scope.account)]
}
