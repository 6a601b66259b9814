//! Deletions that come in great numbers are held until somebody says how many may go on.

use crate::harness::{Env, Operator, Space, eventually, is, message, reason};
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
        let so = |binding: &Value| reason(binding, "Stalled") == "MassChangeHeld";
        let binding = space.until(name, "is held", so).await;
        assert!(message(&binding, "Stalled").starts_with(words), "{binding}");
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
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("shop", &operator).await;
    few_go_after_ten_seconds(&env, &operator).await;
    let names = application(&space, 50).await;

    let since = space.mark().await;
    shell(&env, "kubectl -n shop delete irsabindings --all --wait=false");
    let words = "can't be deleted yet: 50 deletions are held that take their roles along, in a class that had ";
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
    let since = space.mark().await;
    let start = Instant::now();
    shell(env, "kubectl -n small delete irsabindings --all --wait=false");
    join_all(names.iter().map(|name| space.gone(name))).await;
    assert!(start.elapsed() >= Duration::from_secs(10), "{:?}", start.elapsed());
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

/// Whether the operator has changed nothing of them, in AWS and on their ServiceAccounts.
async fn nothing_was_touched(space: &Space, names: &[String], since: u64) -> bool {
    let changes = join_all(names.iter().map(|name| space.changes(name, since))).await;
    let annotated = join_all(names.iter().map(|name| space.annotated_role(name))).await;
    let all = annotated.iter().zip(names).all(|(arn, name)| *arn == space.role_arn(name));
    changes.iter().all(Vec::is_empty) && all
}
