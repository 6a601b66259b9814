//! A cluster that was rebuilt from Git: the same objects under another issuer, and nothing of their status.

use super::*;
use crate::harness::{allow, condition, documents::aws, paths};
use std::collections::BTreeSet;

/// Its class as it stands in Git.
fn class(former: &[&str]) -> Value {
    json!({
        "apiVersion": "irsa-operator.io/v1alpha1",
        "kind": "IrsaClass",
        "metadata": {"name": "default"},
        "spec": allow::open(json!({"oidcProvider": {"deletionPolicy": "Delete"}, "takeOverFromIssuers": former})),
    })
}

pub(super) async fn from_git(first: &Space, second: Second) -> Second {
    let Second { env, operator, space } = second;
    let (former, since) = (bare(&first.env.issuer).to_owned(), space.mark().await);
    let mut ids = Vec::new();
    for app in APPS {
        ids.push(space.role(app).await["id"].clone());
    }
    // All goes, and no role with it.
    for binding in space.kube.list(&paths::bindings(&space.namespace)).await {
        let name = binding["metadata"]["name"].as_str().expect("a name").to_owned();
        space.delete(&name).await;
        space.gone(&name).await;
    }
    space.kube.delete(CLASS).await;
    space.class_until("default", "is gone", Value::is_null).await;
    for app in APPS {
        space.kube.delete(&space.account_path(app)).await;
        space.make_account(app).await;
    }

    // Nobody has said yet that it is the same cluster.
    space.kube.create(paths::CLASSES, &class(&[])).await;
    for app in APPS.into_iter().chain(["new"]) {
        space.make_binding(app, spec(app)).await;
    }
    for app in APPS.into_iter().chain(["new"]) {
        in_conflict(&space, app).await;
    }
    class_in_conflict(&space).await;
    assert_eq!(changes_of(&space, "identity-2", since).await, [""; 0], "neither a provider nor a role is made");

    let since = space.mark().await;
    let operator = taken_over(&space, operator, &env, &former).await;
    for (app, id) in APPS.into_iter().zip(&ids) {
        check(&space, &env, app, id).await;
    }
    // AWS may still show what the first operator, or the one that was killed, found: then the next sweep tells.
    let wanted = json!([aws("ReadOnlyAccess")]);
    space.role_until("app-3", "has the policies that Git lists", |role| role["attached"] == wanted).await;
    // What was in flight when the operator was killed, or read as it was before, is said again.
    let mut seen = BTreeSet::new();
    let mut changes = changes_of(&space, "identity-2", since).await;
    changes.retain(|change| seen.insert(change.clone()));
    let of = |app: &str| {
        let role = format!(" {}", space.role_name(app));
        changes.iter().filter_map(|change| change.strip_suffix(&role)).collect::<BTreeSet<&str>>()
    };
    for app in ["app-1", "app-4", "app-5"] {
        assert_eq!(of(app), ["TagRole", "UpdateAssumeRolePolicy"].into(), "{app}: in place, and not a call more");
    }
    // What Git says of it has changed since.
    let changed = ["TagRole", "DetachRolePolicy", "UpdateAssumeRolePolicy", "AttachRolePolicy"];
    assert_eq!(of("app-3"), changed.into());
    assert_eq!(of("new"), ["CreateRole", "AttachRolePolicy"].into());
    let made = |change: &&String| change.starts_with("CreateRole") || change.starts_with("DeleteRole ");
    assert_eq!(changes.iter().filter(made).count(), 1, "{changes:?}");

    // The former provider goes once nothing trusts it. We made it, and the class says so.
    let ours = [env.provider_arn()];
    crate::harness::eventually("the former provider is gone", async || {
        let left: Vec<String> =
            space.emulator.providers().await.iter().filter_map(|p| p["arn"].as_str().map(str::to_owned)).collect();
        if left == ours { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;

    // It need not be listed any more.
    sweeps_of(&space, "identity-2", 2).await;
    let since = space.mark().await;
    space.kube.patch(CLASS, &json!({"spec": {"takeOverFromIssuers": null}})).await;
    let seen = |c: &Value| is(c, "Ready", "True") && c["status"]["observedGeneration"] == c["metadata"]["generation"];
    space.class_until("default", "is Ready", seen).await;
    sweeps_of(&space, "identity-2", 2).await;
    let calls = calls_of(&space, "identity-2", since).await;
    assert!(calls.iter().all(|call| call.params["RoleName"].is_null()), "{calls:?}");
    for app in APPS {
        assert!(is(&space.binding(app).await, "Ready", "True"));
    }
    Second { env, operator, space }
}

/// The class says that it was this cluster; and the operator is killed in the middle of it, at each kind of call.
async fn taken_over(space: &Space, operator: Operator, env: &Arc<Env>, former: &str) -> Operator {
    let points = [("app-0", "UpdateAssumeRolePolicy", "before"), ("app-2", "TagRole", "after")];
    let mut rules = Vec::new();
    for (app, operation, when) in points {
        let hold = json!({"action": "hold", "when": when, "count": 1,
            "match": {"operation": operation, "params": {"RoleName": space.role_name(app)}}});
        rules.push(space.emulator.rule(hold).await);
    }
    space.kube.patch(CLASS, &json!({"spec": {"takeOverFromIssuers": [former]}})).await;
    let mut held = Vec::new();
    for (app, operation, _) in points {
        held.push(space.emulator.held(operation, &space.role_name(app)).await);
    }
    operator.kill();
    for call in &held {
        space.emulator.drop_held(call).await;
    }
    drop(rules);
    let mut operator = Operator::start(env, FLAGS);
    operator.ready().await;
    for app in APPS.into_iter().chain(["new"]) {
        let current = |b: &Value| condition(b, "Ready")["observedGeneration"] == b["metadata"]["generation"];
        space.until(app, "is Ready", |b| is(b, "Ready", "True") && current(b)).await;
    }
    operator
}

/// The same role, and it trusts this cluster.
async fn check(space: &Space, env: &Env, app: &str, id: &Value) {
    let role = space.role(app).await;
    assert_eq!((&role["id"], &space.binding(app).await["status"]["roleId"]), (id, id), "{app}");
    assert_eq!(role["tags"]["irsa-operator.io/issuer"], bare(&env.issuer), "{app}");
    space.annotated(app, Some(&space.role_arn(app))).await;
    space.aws.credentials(&space.role_arn(app), &space.token(app).await).await;
}
