//! From `kubectl apply` to credentials, and what that costs.

use crate::harness::{Space, eventually};
use serde_json::json;

/// The numbers that a new binding is held to: 1 + M + I calls of AWS, three writes to the API server.
#[tokio::test]
async fn a_new_binding_costs_no_more_than_it_must() {
    let space = Space::new("create").await;
    space.make_account("app").await;
    let spec = json!({
        "serviceAccount": {"name": "app"},
        "policies": {
            "managed": ["aws:AmazonSQSReadOnlyAccess", "aws:ReadOnlyAccess"],
            "inline": [{"name": "bucket", "document": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:$(partition):s3:::b-$(account)/*"}],
            }}],
        },
    });
    space.make_binding("app", spec).await;
    let binding = space.ready("app").await;
    let operations = space.operations("app", 0).await;
    let creating = ["CreateRole", "AttachRolePolicy", "AttachRolePolicy", "PutRolePolicy"];
    assert_eq!(operations[..operations.len().min(4)], creating);
    let writes = eventually("three writes are in the audit log", async || {
        let writes = space.writes();
        if writes.len() >= 3 { Ok(writes) } else { Err(format!("{writes:?}")) }
    })
    .await;
    let expected = ["patch irsabindings app 200", "patch serviceaccounts app 200", "patch irsabindings/status app 200"];
    assert_eq!(writes, expected);
    assert_eq!(binding["status"]["roleArn"], space.role_arn("app"));
    assert_eq!(space.annotated_role("app").await, space.role_arn("app"));

    // And nothing more is written for as long as nothing changes, however often it is looked at.
    let since = space.mark().await;
    space.looks("app", 3).await;
    assert_eq!(space.writes(), expected);
    assert_eq!(space.changes("app", since).await, [""; 0]);
}
