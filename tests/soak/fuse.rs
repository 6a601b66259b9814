//! Deletions that come in great numbers are held until somebody says how many may go on.

use crate::harness::{Env, Operator, Space, eventually, is, message, paths, reason};
use futures::future::join_all;
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

const FLAGS: &[&str] = &["--resync", "10m", "--fuse", "on"];

/// Runs what the operator tells people to run.
fn shell(env: &Env, command: &str) -> String {
    let path = format!("{}:{}", env.dir.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("PATH", path).env("KUBECONFIG", env.dir.join("kubeconfig"));
    let output = shell.output().expect("sh");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The command after these words, up to the next one.
fn advice(text: &str, words: &str) -> String {
    let (_, command) = text.split_once(words).expect(text);
    command.split("; ").next().unwrap_or_default().to_owned()
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number:02}")).collect()
}

/// Bindings of one application, as a tool marks them that prunes.
async fn application(space: &Space, count: usize) -> Vec<String> {
    let names = names("app", count);
    join_all(names.iter().map(|name| space.make_ready(name, json!({"managed": ["aws:ReadOnlyAccess"]})))).await;
    names
}

async fn held(space: &Space, names: &[String], words: &str) {
    join_all(names.iter().map(async |name| {
        let so = |b: &Value| reason(b, "Stalled") == "MassChangeHeld" && message(b, "Stalled").starts_with(words);
        space.until(name, words, so).await;
    }))
    .await;
}

async fn left(space: &Space, names: &[String]) -> Vec<String> {
    let bindings = join_all(names.iter().map(|name| space.binding(name))).await;
    bindings.iter().filter(|b| !b.is_null()).map(|b| b["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_pruned_application_loses_no_role() {
    let env = Env::own("fuse");
    // Who has just started may not see a role that was made a moment ago, and asks by CreateRole.
    env.emulator.switch(&json!({"propagation": null})).await;
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("shop", &operator).await;
    few_go_after_ten_seconds(&env, &operator).await;
    let names = application(&space, 50).await;

    let since = space.mark().await;
    shell(&env, "kubectl -n shop delete irsabindings --all --wait=false");
    let words = "can't be deleted yet: 50 deletions are held that take their roles along, all in namespace shop, in a class that \
                 had ";
    held(&space, &names, words).await;
    let class = space.class_until("default", "tells of it", |c| reason(c, "Stalled") == "MassChangeHeld").await;
    let said = message(&class, "Stalled").to_owned();
    assert!(said.starts_with("50 deletions are held") && is(&class, "Ready", "True"), "{class}");
    space.event("app-07", "MassChangeHeld", "50 deletions are held").await;
    let events = space.kube.list("/apis/events.k8s.io/v1/namespaces/default/events").await;
    let of_class = events.iter().filter(|e| e["reason"] == "MassChangeHeld" && e["regarding"]["name"] == "default");
    assert_eq!(of_class.map(|e| e["note"].as_str().unwrap()).collect::<Vec<_>>(), [&said]);

    let mut operator = a_restart_holds_them_as_well(&env, operator, &names).await;
    assert!(nothing_was_touched(&space, &names, since).await);

    // One keeps its role: what the operator says is what to run.
    let binding = space.binding("app-00").await;
    shell(&env, &advice(message(&binding, "Stalled"), "to keep this one's role: "));
    space.gone("app-00").await;
    assert_eq!(space.role("app-00").await["tags"]["irsa-operator.io/released-by"], "e2e");
    assert_eq!(space.annotated_role("app-00").await, space.role_arn("app-00"));

    shell(&env, "kubectl annotate irsaclass default irsa-operator.io/allow-removals=30");
    eventually("thirty of them go", async || match left(&space, &names).await.len() {
        19 => Ok(()),
        count => Err(count.to_string()),
    })
    .await;
    let so = |class: &Value| message(class, "Stalled").starts_with("19 deletions are held");
    let class = space.class_until("default", "tells of the rest", so).await;
    assert!(class["metadata"]["annotations"]["irsa-operator.io/allow-removals"].is_null(), "it is a word for once");
    let rest = left(&space, &names).await;
    assert_eq!(rest.len(), 19);
    for name in &rest {
        assert!(!space.role(name).await.is_null());
    }
    shell(&env, "kubectl annotate irsaclass default irsa-operator.io/allow-removals=many");
    space
        .class_until("default", "has heard it", |c| {
            c["metadata"]["annotations"]["irsa-operator.io/allow-removals"].is_null()
        })
        .await;
    assert_eq!(left(&space, &names).await.len(), 19);
    shell(&env, &advice(message(&class, "Stalled"), "before somebody allows it: "));
    join_all(rest.iter().map(|name| space.gone(name))).await;
    for name in &names[1..] {
        assert!(space.role(name).await.is_null(), "{name}");
    }
    space.class_until("default", "has nothing to tell", |c| reason(c, "Stalled").is_empty()).await;
    operator.terminate();
    eventually("the operator ends", async || operator.ended().ok_or_else(String::new)).await;
}

/// All of one namespace of a small cluster takes ten seconds and nobody's word.
async fn few_go_after_ten_seconds(env: &std::sync::Arc<Env>, operator: &Operator) {
    let space = env.space("small", operator).await;
    let names = application(&space, 20).await;
    // One more, which keeps its role: it waits as they do and is not counted with them.
    space.make_account("kept").await;
    space.make_binding("kept", json!({"serviceAccount": {"name": "kept"}, "deletionPolicy": "Retain"})).await;
    space.ready("kept").await;
    let since = space.mark().await;
    let start = Instant::now();
    shell(env, "kubectl -n small delete irsabindings --all --wait=false");
    join_all(names.iter().map(|name| space.gone(name))).await;
    assert!(start.elapsed() >= Duration::from_secs(10), "{:?}", start.elapsed());
    space.gone("kept").await;
    let tagged = space.emulator.journal(&format!("operation=TagRole&param.RoleName={}", space.role_name("kept"))).await;
    let removed = space.emulator.journal("operation=DeleteRole").await;
    assert_eq!(tagged.len(), 1);
    assert!(removed.iter().all(|call| call.seq > since), "nothing of it began before");
    assert!(!nothing_was_touched(&space, &names, since).await);
    for name in &names {
        assert!(space.role(name).await.is_null(), "{name}");
    }
}

/// What waits at a start is judged as one, and by its own count.
async fn a_restart_holds_them_as_well(env: &Env, operator: Operator, names: &[String]) -> Operator {
    operator.kill();
    let mut operator = Operator::start(env, FLAGS);
    operator.ready().await;
    eventually("it has held all of them again", async || {
        let log = std::fs::read_to_string(&operator.log).unwrap_or_default();
        let said =
            |name: &String| log.lines().any(|l| l.contains(name.as_str()) && l.contains("50 deletions are held"));
        let missing = names.iter().filter(|name| !said(name)).count();
        if missing == 0 { Ok(()) } else { Err(missing.to_string()) }
    })
    .await;
    operator
}

/// A backup of the cluster, or a tree of Git, in which policies are missing: what it would take is counted before any of
/// it is taken. So is what an edit of a class takes.
#[tokio::test]
async fn what_would_take_policies_from_many_waits_for_a_word() {
    let env = Env::own("fuse-pass");
    // Who has just started may not see a role that was made a moment ago, and asks by CreateRole.
    env.emulator.switch(&json!({"propagation": null})).await;
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("old", &operator).await;
    let names = names("app", 25);
    let whole = json!({"managed": ["aws:ReadOnlyAccess", "aws:AmazonSQSReadOnlyAccess"]});
    join_all(names.iter().map(|name| space.make_ready(name, whole.clone()))).await;
    space.make_ready("more", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    operator.kill();
    let managed = |value: Value| json!({"spec": {"policies": {"managed": value}}});
    let less = managed(json!(["aws:ReadOnlyAccess"]));
    join_all(names.iter().map(|name| space.patch_binding(name, less.clone()))).await;
    space.patch_binding("more", managed(whole["managed"].clone())).await;

    let since = space.mark().await;
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    space.ready("more").await;
    assert_eq!(space.changes("more", since).await, ["AttachRolePolicy"], "what only adds waits for nobody");
    let words = "25 changes are held that take permissions away, all in namespace old, in a class that had 26 bindings; to \
                 let them go: kubectl annotate irsaclass default irsa-operator.io/allow-removals=old:25. This one was planned \
                 in the first pass";
    let detach = json!(["detach arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"]);
    join_all(names.iter().map(async |name| {
        let held = |b: &Value| reason(b, "Stalled") == "MassChangeHeld" && message(b, "Stalled").starts_with(words);
        let binding = space.until(name, "is held with all the others", held).await;
        assert_eq!((reason(&binding, "Ready"), &binding["status"]["pendingSteps"]), ("MassChangeHeld", &detach));
    }))
    .await;
    space.event("app-07", "MassChangeHeld", "25 changes are held").await;
    let class = space.class_until("default", "tells of it", |c| reason(c, "Stalled") == "MassChangeHeld").await;
    assert!(message(&class, "Stalled").starts_with("25 changes are held") && is(&class, "Ready", "True"), "{class}");
    assert!(nothing_was_touched(&space, &names, since).await);
    // Git brings back what was there, for one of them; what another asks for itself now waits with the rest.
    space.patch_binding("app-00", managed(whole["managed"].clone())).await;
    space.ready("app-00").await;
    assert_eq!(space.changes("app-00", since).await, [""; 0]);
    shell(&env, "kubectl annotate irsaclass default irsa-operator.io/allow-removals=24");
    join_all(names[1..].iter().map(|name| space.ready(name))).await;
    for name in &names[1..] {
        assert_eq!(space.changes(name, since).await, ["DetachRolePolicy"], "{name}");
    }
    space.class_until("default", "has nothing to tell", |c| reason(c, "Stalled").is_empty()).await;

    a_boundary_for_all_waits(&env, &space, &names).await;
    what_a_class_revokes_waits(&env, &space, &names).await;
    the_definition_goes_and_all_roles_stay(&env, &space, &names).await;
}

async fn a_boundary_for_all_waits(env: &Env, space: &Space, names: &[String]) {
    let document =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
    for policy in ["first", "second"] {
        space.aws.policy(policy, &document.to_string()).await;
    }
    let boundary = |name: &str| format!("arn:aws:iam::{}:policy/{name}", space.emulator.account);
    let edit = |name: &str| format!(r#"{{"spec":{{"role":{{"permissionsBoundaryArn":"{}"}}}}}}"#, boundary(name));
    let since = space.mark().await;
    shell(env, &format!("kubectl patch irsaclass default --type merge -p '{}'", edit("first")));
    let words = "26 changes are held that take permissions away, in a class that had 26 bindings; ";
    join_all(names.iter().map(async |name| {
        let binding = space.until(name, "is held", |b| reason(b, "RoleReady") == "MassChangeHeld").await;
        assert!(message(&binding, "RoleReady").starts_with(words), "{binding}");
        assert!(message(&binding, "RoleReady").contains("follows from an edit of the class"), "{binding}");
        assert!(is(&binding, "Ready", "True") && reason(&binding, "Stalled").is_empty(), "{binding}");
    }))
    .await;
    assert!(nothing_was_touched(space, names, since).await);
    // Taken back, it is held no more. The same edit may say how many there will be.
    shell(env, &format!("kubectl patch irsaclass default --type merge -p '{}'", edit("second")));
    join_all(names.iter().map(|name| {
        let so =
            |b: &Value| b["status"]["pendingSteps"][0].as_str().is_some_and(|step| step.ends_with("policy/second"));
        space.until(name, "is held for the second", so)
    }))
    .await;
    let both = format!(
        r#"{{"metadata":{{"annotations":{{"irsa-operator.io/allow-removals":"26"}}}},{}"#,
        edit("first").trim_start_matches('{')
    );
    shell(env, &format!("kubectl patch irsaclass default --type merge -p '{both}'"));
    join_all(names.iter().map(async |name| {
        space.role_until(name, "has its boundary", |role| role["boundary"] == boundary("first")).await;
        space.until(name, "is as declared", |b| reason(b, "RoleReady") == "Ready").await;
        assert_eq!(space.changes(name, since).await, ["PutRolePermissionsBoundary"], "{name}");
    }))
    .await;
    space.class_until("default", "has nothing to tell", |c| reason(c, "Stalled").is_empty()).await;
    // Who makes nothing of its binding while that is held does not get away from it.
    shell(env, &format!("kubectl patch irsaclass default --type merge -p '{}'", edit("second")));
    let held = |b: &Value| reason(b, "RoleReady") == "MassChangeHeld";
    join_all(names.iter().map(|name| space.until(name, "is held again", held))).await;
    let away = &names[0];
    space.patch_binding(away, json!({"spec": {"trust": {"audience": "vault"}}})).await;
    space.not_ready(away, "Invalid").await;
    shell(env, "kubectl annotate irsaclass default irsa-operator.io/allow-removals=26");
    let bound = |role: &Value| role["boundary"] == boundary("second");
    join_all(names.iter().map(|name| space.role_until(name, "has the second boundary", bound))).await;
    space.patch_binding(away, json!({"spec": {"trust": null}})).await;
    space.ready(away).await;
    space.class_until("default", "has nothing to tell", |c| reason(c, "Stalled").is_empty()).await;
}

/// What a class takes back from all is held as well, and the edit that does so may say how many there will be.
async fn what_a_class_revokes_waits(env: &Env, space: &Space, names: &[String]) {
    let managed = space.class("default").await["spec"]["allow"]["managedPolicies"].clone();
    let edit = |violation: &str, managed: &Value, removals: &Value| {
        let spec = json!({"onViolation": violation, "allow": {"managedPolicies": managed}});
        let annotations = json!({"irsa-operator.io/allow-removals": removals});
        let patch = json!({"metadata": {"annotations": annotations}, "spec": spec});
        shell(env, &format!("kubectl patch irsaclass default --type merge -p '{patch}'"));
    };
    let (since, less) = (space.mark().await, json!(["aws:AmazonSQS*"]));
    edit("Revoke", &less, &Value::Null);
    join_all(names.iter().map(async |name| {
        let held = |b: &Value| message(b, "RoleReady").starts_with("26 changes are held that take permissions away");
        let binding = space.until(name, "is held", held).await;
        assert_eq!((reason(&binding, "RoleReady"), reason(&binding, "Ready")), ("MassChangeHeld", "Forbidden"));
    }))
    .await;
    assert!(nothing_was_touched(space, names, since).await);
    edit("Keep", &managed, &Value::Null);
    join_all(names.iter().map(|name| space.ready(name))).await;
    assert!(nothing_was_touched(space, names, since).await);

    edit("Revoke", &less, &json!("26"));
    let gone = json!("arn:aws:iam::aws:policy/ReadOnlyAccess");
    let none = |role: &Value| role["attached"].as_array().is_some_and(|all| !all.contains(&gone));
    join_all(names.iter().map(|name| space.role_until(name, "has lost what is not allowed", none))).await;
    for name in names {
        assert_eq!(space.changes(name, since).await, ["DetachRolePolicy"], "{name}");
    }
    edit("Keep", &managed, &Value::Null);
    join_all(names.iter().map(|name| space.ready(name))).await;
}

/// Whoever deletes the definition deletes all bindings with it, and nobody is asked for a word.
async fn the_definition_goes_and_all_roles_stay(env: &Env, space: &Space, names: &[String]) {
    shell(env, "kubectl delete crd irsabindings.irsa-operator.io --wait=false");
    let path = format!("{}/irsabindings.irsa-operator.io", paths::DEFINITIONS);
    space.object_until(&path, "the definition is gone", Value::is_null).await;
    for name in names {
        assert_eq!(space.role(name).await["tags"]["irsa-operator.io/released-by"], "e2e", "{name}");
        assert_eq!(space.annotated_role(name).await, space.role_arn(name));
    }
}

/// Whether the operator has changed nothing of them, in AWS and on their ServiceAccounts.
async fn nothing_was_touched(space: &Space, names: &[String], since: u64) -> bool {
    let changes = join_all(names.iter().map(|name| space.changes(name, since))).await;
    let annotated = join_all(names.iter().map(|name| space.annotated_role(name))).await;
    let all = annotated.iter().zip(names).all(|(arn, name)| *arn == space.role_arn(name));
    changes.iter().all(Vec::is_empty) && all
}
