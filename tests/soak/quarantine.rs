//! Roles without a binding are cut off where their class says so, and given back what they allow.

use crate::harness::openmetrics::Scrape;
use crate::harness::{Env, Operator, Space, eventually, is, message, paths, reason};
use futures::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;

pub const NAME: &str = "irsa-operator-quarantine";
const FLAGS: &[&str] = &["--resync", "2s"];

pub fn spec(name: &str) -> Value {
    json!({"serviceAccount": {"name": name}, "policies": {"managed": ["aws:ReadOnlyAccess"]}})
}

pub fn denies_all() -> Value {
    json!({NAME: {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}})
}

/// What the class `default` says of roles without a binding, or of its mode.
pub async fn say(space: &Space, spec: Value) {
    space.kube.patch(&format!("{}/default", paths::CLASSES), &json!({ "spec": spec })).await;
}

/// Somebody takes bindings away with their finalizers while no operator looks.
pub async fn lose(space: &Space, names: &[&str]) {
    join_all(names.iter().map(async |name| {
        space.delete(name).await;
        space.patch_binding(name, json!({"metadata": {"finalizers": []}})).await;
        space.gone(name).await;
    }))
    .await;
}

async fn stop(mut operator: Operator) {
    operator.terminate();
    eventually("the operator ends", async || operator.ended().ok_or_else(String::new)).await;
}

async fn start(env: &Arc<Env>, flags: &[&str]) -> Operator {
    let mut operator = Operator::start(env, flags);
    operator.ready().await;
    operator
}

pub async fn cut_off(space: &Space, name: &str) {
    space.role_until(name, "is cut off", |role| role["inline"] == denies_all()).await;
}

async fn counted(operator: &Operator, reported: f64, quarantined: f64) {
    eventually(&format!("{reported} are reported and {quarantined} cut off"), async || {
        let (_, text) = operator.health("/metrics").expect("an answer");
        let scrape = Scrape::parse(&text).expect("metrics");
        let of = |state| scrape.sum("irsa_operator_orphans", &[("state", state)]);
        let now = [of("reported"), of("quarantined")];
        if now == [reported, quarantined] { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
}

/// Notes of a class's Events.
async fn said(space: &Space, why: &str) -> Vec<String> {
    let events = space.kube.list("/apis/events.k8s.io/v1/namespaces/default/events").await;
    let of = events.iter().filter(|event| event["reason"] == why && event["regarding"]["name"] == "default");
    of.filter_map(|event| event["note"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_role_without_a_binding_is_cut_off_once_until_that_is_back() {
    let env = Env::own("quarantine");
    let operator = start(&env, FLAGS).await;
    env.default_class().await;
    let space = env.space("cut", &operator).await;
    say(&space, json!({"orphans": "Quarantine"})).await;
    let names = ["kept", "released", "held", "lost"];
    for name in names {
        space.make_account(name).await;
        space.make_binding(name, spec(name)).await;
    }
    join_all(names.iter().map(|name| space.ready(name))).await;
    space.patch_binding("released", json!({"spec": {"deletionPolicy": "Retain"}})).await;
    space.delete("released").await;
    space.gone("released").await;
    let id = space.binding("lost").await["status"]["roleId"].clone();
    stop(operator).await;
    lose(&space, &["held", "lost"]).await;
    let hold = aws_sdk_iam::types::Tag::builder().key("irsa-operator.io/hold").value("mine").build().expect("a tag");
    space.aws.iam.tag_role().role_name(space.role_name("held")).tags(hold).send().await.expect("tagged");

    let since = space.mark().await;
    let operator = start(&env, FLAGS).await;
    cut_off(&space, "lost").await;
    counted(&operator, 1.0, 1.0).await;
    let (held, lost) = (space.role_arn("held"), space.role_arn("lost"));
    let told = json!({"count": 2, "roles": [held, lost], "quarantined": 1, "quarantinedRoles": [lost]});
    space.class_until("default", "tells of it", |class| class["status"]["orphans"] == told).await;
    let note =
        format!("put the inline policy {NAME}, which denies everything, on {lost}: no IrsaBinding exists for it.");
    eventually("the class says it", async || {
        let said = said(&space, "RolesQuarantined").await;
        if said.len() == 1 && said[0].starts_with(&note) { Ok(()) } else { Err(format!("{said:?}")) }
    })
    .await;
    // Whose it is is read just before, and it is done once.
    space.sweeps(4).await;
    assert_eq!(space.operations("lost", since).await, ["GetRole", "PutRolePolicy"]);
    for name in ["kept", "released", "held"] {
        assert_eq!(space.changes(name, since).await, [""; 0], "{name}");
    }

    a_restart_means_nothing_to_it(&env, &space, operator).await;
    let operator = start(&env, FLAGS).await;
    space.sweeps(1).await;

    // The binding takes the role back, which sweeps have shown, with all that it was; and the policy goes last.
    let since = space.mark().await;
    let detach = space.aws.iam.detach_role_policy().role_name(space.role_name("lost"));
    detach.policy_arn("arn:aws:iam::aws:policy/ReadOnlyAccess").send().await.expect("detached");
    space.make_binding("lost", spec("lost")).await;
    let binding = space.ready("lost").await;
    assert_eq!((&binding["status"]["roleId"], reason(&binding, "RoleReady")), (&id, "Ready"), "{binding}");
    assert_eq!(space.changes("lost", since).await, ["AttachRolePolicy", "DeleteRolePolicy"]);
    assert_eq!(space.role("lost").await["inline"], json!({}));
    counted(&operator, 1.0, 0.0).await;

    taken_off_by_hand_and_by_the_class(&env, &space, operator).await;
}

/// Another start finds it as it is, and does and says nothing anew.
async fn a_restart_means_nothing_to_it(env: &Arc<Env>, space: &Space, operator: Operator) {
    stop(operator).await;
    let since = space.mark().await;
    let operator = start(env, FLAGS).await;
    counted(&operator, 1.0, 1.0).await;
    space.sweeps(3).await;
    assert_eq!(space.changes("lost", since).await, [""; 0]);
    assert_eq!(said(space, "RolesQuarantined").await.len(), 1);
    stop(operator).await;
}

async fn taken_off_by_hand_and_by_the_class(env: &Arc<Env>, space: &Space, operator: Operator) {
    stop(operator).await;
    lose(space, &["lost"]).await;
    let operator = start(env, FLAGS).await;
    cut_off(space, "lost").await;
    // Somebody needs it now, and puts an end to it: it is not put there again and again.
    let since = space.mark().await;
    let delete = space.aws.iam.delete_role_policy().role_name(space.role_name("lost"));
    delete.policy_name(NAME).send().await.expect("deleted");
    counted(&operator, 2.0, 0.0).await;
    space.sweeps(4).await;
    assert_eq!(space.changes("lost", since).await, [""; 0]);
    // Asked for anew it is.
    say(space, json!({"orphans": "Report"})).await;
    stop(operator).await;
    say(space, json!({"orphans": "Quarantine"})).await;
    let operator = start(env, FLAGS).await;
    cut_off(space, "lost").await;

    // A class that only looks takes nothing off and puts nothing on.
    counted(&operator, 1.0, 1.0).await;
    say(space, json!({"mode": "Observe", "orphans": "Report"})).await;
    space.class_until("default", "only looks", |class| reason(class, "Ready") == "Observed").await;
    let since = space.mark().await;
    space.sweeps(4).await;
    assert_eq!(space.changes("lost", since).await, [""; 0]);
    say(space, json!({"mode": "Manage"})).await;
    space.role_until("lost", "is given back", |role| role["inline"] == json!({})).await;
    assert_eq!(space.operations("lost", since).await, ["GetRole", "DeleteRolePolicy"]);
    counted(&operator, 2.0, 0.0).await;
    eventually("the class says it", async || match said(space, "QuarantineLifted").await.as_slice() {
        [note] if note.contains(&space.role_arn("lost")) => Ok(()),
        said => Err(format!("{said:?}")),
    })
    .await;
    let gone = |class: &Value| class["status"]["orphans"]["quarantined"].is_null();
    space.class_until("default", "tells that none is cut off", gone).await;
    assert!(space.role("held").await["inline"] == json!({}));
}

/// A list of bindings that is wrong must not cut off hundreds of applications.
#[tokio::test]
async fn many_at_once_wait_for_a_word() {
    let env = Env::own("quarantines");
    let operator = start(&env, FLAGS).await;
    env.default_class().await;
    let space = env.space("mass", &operator).await;
    say(&space, json!({"orphans": "Quarantine"})).await;
    let names: Vec<String> = (0..25).map(|number| format!("app-{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    join_all(names.iter().map(|name| space.make_ready(name, json!({"managed": ["aws:ReadOnlyAccess"]})))).await;
    stop(operator).await;
    lose(&space, &names).await;

    let since = space.mark().await;
    let operator = start(&env, &["--resync", "2s", "--fuse", "on"]).await;
    let words = "25 quarantines of roles are held, all in namespace mass, in a class that had no binding; none of them begins \
                 before somebody allows it: kubectl annotate irsaclass default irsa-operator.io/allow-removals=mass:25";
    let class = space.class_until("default", "holds them", |c| reason(c, "Stalled") == "MassChangeHeld").await;
    assert_eq!(message(&class, "Stalled"), words);
    assert!(is(&class, "Ready", "True"));
    counted(&operator, 25.0, 0.0).await;
    eventually("the class says it", async || match said(&space, "MassChangeHeld").await.as_slice() {
        [note] if note == words => Ok(()),
        said => Err(format!("{said:?}")),
    })
    .await;
    // One comes back, and there are 24 of them.
    space.make_binding("app-00", spec("app-00")).await;
    space.ready("app-00").await;
    space.sweeps(2).await;
    let changes = join_all(names[1..].iter().map(|name| space.changes(name, since))).await;
    assert!(changes.iter().all(Vec::is_empty), "{changes:?}");
    let allow = json!({"metadata": {"annotations": {"irsa-operator.io/allow-removals": "24"}}});
    space.kube.patch(&format!("{}/default", paths::CLASSES), &allow).await;
    join_all(names[1..].iter().map(|name| cut_off(&space, name))).await;
    counted(&operator, 0.0, 24.0).await;
    space.class_until("default", "has nothing to hold", |c| reason(c, "Stalled").is_empty()).await;
    assert_eq!(space.role("app-00").await["inline"], json!({}));
}
