//! An AWS that shows for seconds what was before a write: nothing is written twice, nothing flaps, nobody is warned.

use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Env, Operator, condition, is};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn what_aws_shows_too_late_is_neither_repaired_nor_complained_about() {
    let env = Env::beside("lag");
    // Now and then a read is fresh, and the next one goes back to what was.
    let pattern: Vec<bool> = (0..200).map(|read| read % 4 != 1).collect();
    env.emulator.switch(&json!({"propagation": {"pattern": pattern, "lapseMs": 4000, "youngMs": 1000}})).await;
    let mut operator = Operator::start(&env, &["--resync", "1s", "--settle", "6s"]);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("lag", &operator).await;
    let spec = |managed: &[&str], seconds: i32| {
        json!({"serviceAccount": {"name": "app"}, "role": {"maxSessionDurationSeconds": seconds},
            "policies": {"managed": managed, "inline": [inline("bucket", allow("s3:GetObject"))]}})
    };
    space.make_account("app").await;
    space.make_binding("app", spec(&["aws:ReadOnlyAccess", "aws:AmazonSQSReadOnlyAccess"], 3600)).await;
    let ready = space.ready("app").await;
    assert_eq!(space.changes("app", 0).await, ["CreateRole", "AttachRolePolicy", "AttachRolePolicy", "PutRolePolicy"]);

    // At once another wish, while what AWS shows is older than the first.
    let mark = space.mark().await;
    space
        .patch_binding("app", json!({"spec": spec(&["aws:ReadOnlyAccess", "aws:AmazonS3ReadOnlyAccess"], 7200)}))
        .await;
    space
        .until("app", "is Ready as changed", |b| {
            is(b, "Ready", "True") && condition(b, "Ready")["observedGeneration"] == b["metadata"]["generation"]
        })
        .await;
    assert_eq!(space.changes("app", mark).await, ["AttachRolePolicy", "DetachRolePolicy", "UpdateRole"]);

    // However often it is looked at while AWS catches up, and afterwards.
    let mark = space.mark().await;
    space.sweeps(4).await;
    assert_eq!(space.changes("app", mark).await, [""; 0], "nothing is written twice");
    let binding = space.binding("app").await;
    assert_eq!(condition(&binding, "Ready")["lastTransitionTime"], condition(&ready, "Ready")["lastTransitionTime"]);
    let role = space.role("app").await;
    let attached: BTreeSet<&str> =
        role["attached"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(attached, BTreeSet::from([&*aws("AmazonS3ReadOnlyAccess"), &*aws("ReadOnlyAccess")]));

    // Deleted and made anew: the one before is still shown, and is not taken for the new one.
    space.delete("app").await;
    space.gone("app").await;
    space.make_binding("app", spec(&["aws:ReadOnlyAccess"], 3600)).await;
    space.ready("app").await;
    space.patch_binding("app", json!({"spec": {"role": {"maxSessionDurationSeconds": 10800}}})).await;
    space.role_until("app", "has the longer session", |role| role["maxSessionDuration"] == 10800).await;
    let binding = space
        .until("app", "says so", |b| {
            is(b, "Ready", "True") && condition(b, "Ready")["observedGeneration"] == b["metadata"]["generation"]
        })
        .await;
    let again = space.role("app").await;
    assert_ne!(again["id"], role["id"]);
    assert_eq!(binding["status"]["roleId"], again["id"]);

    let events = space.kube.list("/apis/events.k8s.io/v1/namespaces/lag/events").await;
    let warnings: Vec<&Value> = events.iter().filter(|event| event["type"] == "Warning").collect();
    assert!(warnings.is_empty(), "{warnings:?}");
    let drift = events.iter().any(|event| event["reason"] == "DriftCorrected");
    assert!(!drift, "a read that lags is no drift");
}
