//! Two control planes on one AWS, with one cluster id and two issuers: a copy of etcd that starts up by accident, and a
//! cluster that was rebuilt from Git.

mod copy;
mod cut_over;
mod rebuilt;
mod trusted;

use crate::harness::{Call, Env, Operator, Space, audit_writes, is, reason};
use serde_json::{Value, json};
use std::sync::Arc;

/// Often, and as an installation with a fuse of its own.
const FLAGS: &[&str] = &["--resync", "2s"];
const APPS: [&str; 6] = ["app-0", "app-1", "app-2", "app-3", "app-4", "app-5"];
const CONFLICT: &str = "ClusterIdentityConflict";
const CLASS: &str = "/apis/irsa-operator.io/v1alpha1/irsaclasses/default";

fn spec(name: &str) -> Value {
    json!({"className": "default", "serviceAccount": {"name": name}, "policies": {"managed": ["aws:ReadOnlyAccess"]}})
}

fn bare(issuer: &str) -> &str {
    issuer.trim_start_matches("https://")
}

/// Calls of the operator in the environment of this name.
async fn calls_of(space: &Space, session: &str, since: u64) -> Vec<Call> {
    space.emulator.journal(&format!("principal=*assumed-role/irsa-operator/{session}&since={since}")).await
}

/// Those of them that change something.
async fn changes_of(space: &Space, session: &str, since: u64) -> Vec<String> {
    let calls = calls_of(space, session, since).await.into_iter();
    let names =
        calls.map(|call| format!("{} {}", call.operation, call.params["RoleName"].as_str().unwrap_or_default()));
    names.filter(|name| !["Get", "List", "Assume"].iter().any(|reads| name.starts_with(reads))).collect()
}

/// Waits until the operator of this environment has swept the account so often from now on.
async fn sweeps_of(space: &Space, session: &str, count: usize) {
    let since = space.mark().await;
    let query = format!("principal=*assumed-role/irsa-operator/{session}&operation=GetAccountSummary&since={since}");
    space.emulator.journal_wait(count + 1, &query).await;
}

/// All that the operator wrote in the namespace beside statuses.
fn writes(space: &Space) -> Vec<String> {
    let all = audit_writes(&space.env.dir.join("audit.log"), &space.namespace);
    all.into_iter().filter(|write| !write.contains("/status ")).collect()
}

async fn in_conflict(space: &Space, name: &str) -> Value {
    let so = |b: &Value| {
        is(b, "Ready", "False")
            && reason(b, "Ready") == CONFLICT
            && is(b, "Stalled", "True")
            && reason(b, "Stalled") == CONFLICT
    };
    space.until(name, "is in conflict", so).await
}

async fn class_in_conflict(space: &Space) -> Value {
    let so = |c: &Value| is(c, "Ready", "False") && reason(c, "Ready") == CONFLICT && reason(c, "Stalled") == CONFLICT;
    space.class_until("default", "is in conflict", so).await
}

#[tokio::test]
async fn a_copy_writes_nothing_and_a_rebuilt_cluster_finds_its_roles_again() {
    let first = Env::own("identity");
    let second = Env::joined("identity-2", &first);
    let mut operator = Operator::start(&first, FLAGS);
    operator.ready().await;
    first.default_class().await;
    let space = first.space("identity", &operator).await;
    space.kube.patch(CLASS, &json!({"spec": {"oidcProvider": {"deletionPolicy": "Delete"}}})).await;
    for app in APPS {
        space.make_account(app).await;
        space.make_binding(app, spec(app)).await;
    }
    for app in APPS {
        space.ready(app).await;
    }
    let there = copy::starts_up(&space, &second).await;
    copy::the_first_goes_on(&space).await;
    drop(operator);
    let there = rebuilt::from_git(&space, there).await;
    trusted::by_the_class(&space, &there.space).await;
    cut_over::by_edits_alone(&space, &there).await;
}

/// The operator in the second control plane, and its namespace.
struct Second {
    env: Arc<Env>,
    operator: Operator,
    space: Space,
}
