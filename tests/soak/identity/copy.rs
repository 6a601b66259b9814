//! A copy of etcd behind an API server with another issuer.

use super::*;
use crate::harness::openmetrics::Scrape;
use crate::harness::{eventually, message};

pub(super) async fn starts_up(first: &Space, second: &Arc<Env>) -> Second {
    let name = "identity-2";
    let (ours, theirs) = (bare(&first.env.issuer).to_owned(), bare(&second.issuer).to_owned());
    second.copy_etcd(&first.env);
    let since = first.mark().await;
    let providers = first.emulator.providers().await;

    // Before the first sweep has told anything: what etcd remembers of the class is enough.
    let rule = json!({"action": "hold", "match": {
        "operation": "GetAccountAuthorizationDetails", "principal": format!("*assumed-role/irsa-operator/{name}"),
    }});
    let rule = first.emulator.rule(rule).await;
    let mut operator = Operator::start(second, FLAGS);
    operator.ready().await;
    let space = Space::within(second.clone(), &first.namespace, &operator.log).await;
    let off = json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": null}}});
    space.kube.patch(&space.account_path("app-0"), &off).await;
    space.make_account("new").await;
    space.make_binding("new", spec("new")).await;
    space.delete("app-1").await;
    space.gone("app-1").await;
    eventually("a sweep has begun", async || {
        let held = first.emulator.ask("GET", "/_admin/held".to_owned(), None).await["held"].to_string();
        if held.contains(name) { Ok(()) } else { Err(held) }
    })
    .await;
    assert_eq!(space.annotated_role("app-1").await, space.role_arn("app-1"), "the annotation stays with the role");
    operator.kill();
    drop(rule);

    // Where tags can't be seen, that stays the word.
    let rule = json!({"action": "fail", "status": 403, "code": "AccessDenied", "message": "not today", "match": {
        "operation": "GetAccountAuthorizationDetails", "principal": format!("*assumed-role/irsa-operator/{name}"),
    }});
    let rule = first.emulator.rule(rule).await;
    let operator = Operator::start(second, FLAGS);
    let class = class_in_conflict(&space).await;
    for part in
        [&*ours, &*theirs, "spec.takeOverFromIssuers of IrsaClass default", "iam:GetAccountAuthorizationDetails"]
    {
        assert!(message(&class, "Ready").contains(part), "{part}: {class}");
    }
    for app in ["app-0", "new"] {
        in_conflict(&space, app).await;
    }
    operator.kill();
    drop(rule);

    // And where they can, a role says so.
    let mut operator = Operator::start(second, FLAGS);
    operator.ready().await;
    let named = |object: &Value| {
        let text = message(object, "Ready");
        [&*ours, &*theirs, "role arn:aws:iam::", "spec.takeOverFromIssuers of IrsaClass default"]
            .iter()
            .all(|part| text.contains(part))
    };
    let class = space.class_until("default", "names a role", named).await;
    assert_eq!(class["status"]["issuer"], format!("https://{ours}"), "what a restart would go by");
    for app in ["app-0", "app-2", "new"] {
        space.until(app, "names a role", named).await;
    }
    space.event("app-2", CONFLICT, &ours).await;
    space.delete("app-2").await;
    space.gone("app-2").await;
    sweeps_of(&space, name, 4).await;
    let class = class_in_conflict(&space).await;
    assert_eq!(class["status"]["orphans"], Value::Null, "{class}");
    eventually("no orphan is counted", async || {
        let (_, text) = operator.health("/metrics").expect("an answer");
        let sum = Scrape::parse(&text).expect("metrics").sum("irsa_operator_orphans", &[]);
        if sum == 0.0 { Ok(()) } else { Err(sum.to_string()) }
    })
    .await;

    assert_eq!(changes_of(&space, name, since).await, [""; 0]);
    assert_eq!(writes(&space), ["patch irsabindings app-1 200", "patch irsabindings app-2 200"], "their finalizers");
    assert_eq!(space.annotated_role("app-0").await, Value::Null);
    assert_eq!(space.annotated_role("app-2").await, space.role_arn("app-2"));
    assert_eq!(space.binding("new").await["metadata"]["finalizers"], Value::Null);
    assert_eq!(first.emulator.providers().await, providers);
    Second { env: second.clone(), operator, space }
}

/// It has not so much as noticed.
pub(super) async fn the_first_goes_on(first: &Space) {
    let since = first.mark().await;
    first.patch_binding("app-3", json!({"spec": {"policies": {"managed": ["aws:AmazonSQSReadOnlyAccess"]}}})).await;
    first.ready("app-3").await;
    assert_eq!(first.changes("app-3", since).await, ["AttachRolePolicy", "DetachRolePolicy"]);
    let class = first.class("default").await;
    assert!(is(&class, "Ready", "True"), "{class}");
    assert_eq!(class["status"]["orphans"], Value::Null);
}
