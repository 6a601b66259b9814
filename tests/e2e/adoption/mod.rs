//! Roles that somebody else made: left alone without the consent of all who have a say, and taken over with it. The
//! journal of AWS is the witness.

mod classes;
mod refused;
mod taken;

use crate::harness::adoption::{adopting, allow, seed, trust};
use crate::harness::{Env, Space, is, reason};
use serde_json::{Value, json};
use std::sync::Arc;

/// A role of this name as somebody else made it for the ServiceAccount `app`, with these tags.
fn theirs(space: &Space, name: &str, path: &str, tags: Value) -> Value {
    let subject = format!("system:serviceaccount:{}:app", space.namespace);
    json!({
        "name": name, "path": path, "tags": tags, "trust": trust(&space.env, "StringEquals", &subject),
        "description": "theirs", "maxSessionDuration": 7200,
        "attached": ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"],
        "inline": {"bucket": crate::harness::documents::allow("s3:GetObject")},
    })
}

/// The tag that offers a role to the binding `app` of this namespace.
fn offer(space: &Space) -> Value {
    json!({"irsa-operator.io/adoptable-by": format!("e2e/{}/app", space.namespace)})
}

/// A binding `app` for this role.
fn spec(role: &str) -> Value {
    json!({"serviceAccount": {"name": "app"}, "adoption": {"policy": "IfTagged"}, "role": {"name": role},
        "policies": {"managed": ["aws:AmazonSQSReadOnlyAccess", "aws:AmazonS3ReadOnlyAccess"]}})
}

/// The operator's calls that change this role, after `since`.
async fn changes(space: &Space, role: &str, since: u64) -> Vec<String> {
    let query = format!("principal=*assumed-role/irsa-operator/*&param.RoleName={role}&since={since}");
    let calls = space.emulator.journal(&query).await.into_iter().map(|call| call.operation);
    calls.filter(|operation| !operation.starts_with("Get") && !operation.starts_with("List")).collect()
}

/// Waits until it is told what waits; returns the binding.
async fn awaits(space: &Space, name: &str) -> Value {
    let binding = space.not_ready(name, "AwaitingAcceptRemovals").await;
    assert!(is(&binding, "Stalled", "True") && reason(&binding, "Stalled") == "AwaitingAcceptRemovals", "{binding}");
    binding
}
