//! A GitOps tool that heals itself: what is in Git is applied again and again, and neither it nor the operator writes
//! anything after the first time.

use crate::harness::allow::everything;
use crate::harness::{Env, Operator, Space, condition, is, message, paths, reason};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";
const THEIRS: &str = "arn:aws:iam::111122223333:role/theirs";
const LASTS: Duration = Duration::from_secs(100);

/// How a tool applies: as Argo CD does by default, by a three-way merge with what it has applied before; and by
/// server-side apply under a name of its own, taking what others hold, as Flux does, and Argo CD where it is told so.
const TOOLS: [(&str, &[&str]); 2] =
    [("client", &[]), ("server", &["--server-side", "--field-manager=argocd-controller", "--force-conflicts"])];

fn git(space: &Space, objects: &[Value]) -> std::path::PathBuf {
    let path = space.env.dir.join(format!("{}.json", space.namespace));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    std::fs::write(&path, list.to_string()).expect("a file");
    path
}

fn apply(space: &Space, file: &Path, how: &[&str]) {
    let dir = &space.env.dir;
    let mut kubectl = Command::new(dir.join("bin/kubectl"));
    kubectl.args(["apply", "-f"]).arg(file).args(how).env("KUBECONFIG", dir.join("kubeconfig"));
    let done = kubectl.output().expect("kubectl");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn account(space: &Space, name: &str, annotations: Value) -> Value {
    let metadata = json!({"name": name, "namespace": space.namespace, "annotations": annotations});
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
}

/// As it is in Git, with what Argo CD puts on it to know it again.
fn binding(space: &Space, name: &str, spec: Value) -> Value {
    let mut object = space.binding_object(name, spec);
    object["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": format!("app:irsa/{name}")});
    object["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "app"});
    object
}

/// A class, and a binding for each way in which a ServiceAccount can be in Git.
fn tree(space: &Space) -> Vec<Value> {
    let class = &space.namespace;
    let policies = json!({"managed": ["aws:ReadOnlyAccess"]});
    let of = |name: &str| json!({"className": class, "serviceAccount": {"name": name}, "policies": policies});
    let with = |name: &str, key: &str, value: Value| {
        let mut spec = of(name);
        spec[key] = value;
        spec
    };
    let mut plain = of("plain");
    plain.as_object_mut().unwrap().remove("className");
    let same = json!({ROLE_ARN: space.role_arn("same")});
    vec![
        json!({"apiVersion": "irsa-operator.io/v1alpha1", "kind": "IrsaClass", "metadata": {"name": class}, "spec": {"allow": everything()}}),
        account(space, "plain", json!({})),
        binding(space, "plain", plain),
        account(
            space,
            "noted",
            json!({"example.com/team": "billing", "eks.amazonaws.com/audience": "sts.amazonaws.com"}),
        ),
        binding(space, "noted", of("noted")),
        account(space, "same", same),
        binding(space, "same", of("same")),
        account(space, "other", json!({ROLE_ARN: THEIRS})),
        binding(space, "other", of("other")),
        account(space, "seen", json!({})),
        binding(space, "seen", with("seen", "mode", json!("Observe"))),
        binding(space, "made", with("made", "serviceAccount", json!({"name": "made", "create": true}))),
        // Its ServiceAccount comes in a later wave, with the workload.
        binding(space, "late", of("late")),
    ]
}

/// All that may be written, by name. `resourceVersion` moves with each write that changes anything, `managedFields` and
/// status among it.
async fn state(space: &Space) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for path in [paths::bindings(&space.namespace), paths::accounts(&space.namespace)] {
        for object in space.kube.list(&path).await {
            let key = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap_or_default());
            all.insert(key, object);
        }
    }
    all.insert("class".to_owned(), space.class(&space.namespace).await);
    all
}

async fn environment(name: &str) -> (Arc<Env>, Operator) {
    let env = Env::own(name);
    env.emulator.switch(&json!({"propagation": {"pattern": [], "lapseMs": 0}})).await;
    let mut operator = Operator::start(&env, &["--resync", "2s", "--settle", "2s", "--contested-window", "1h"]);
    operator.ready().await;
    env.default_class().await;
    (env, operator)
}

#[tokio::test]
async fn what_is_in_git_is_applied_for_minutes_and_nobody_writes_anything() {
    let (env, operator) = environment("self-heal").await;
    let mut trees = Vec::new();
    for (tool, how) in TOOLS {
        let space = env.space(&format!("heal-{tool}"), &operator).await;
        let file = git(&space, &tree(&space));
        apply(&space, &file, how);
        trees.push((space, file, how));
    }
    let mut before = Vec::new();
    for (space, file, how) in &trees {
        for name in ["plain", "noted", "same", "made", "late"] {
            space.ready(name).await;
        }
        space.annotated("noted", Some(&space.role_arn("noted"))).await;
        assert_eq!(space.annotations("noted").await["example.com/team"], "billing");
        let late = space.binding("late").await;
        assert_eq!(reason(&late, "ServiceAccountReady"), "ServiceAccountNotFound", "a wave waits for no later one");
        assert!(condition(&late, "Reconciling").is_null() && condition(&late, "Stalled").is_null(), "{late}");
        let seen = space.until("seen", "is looked at", |b| is(b, "Ready", "True")).await;
        assert_eq!(reason(&seen, "Ready"), "Observed", "{seen}");
        // It is told and not fought for, and nothing is made in AWS for it.
        let other = space.not_ready("other", "Conflict").await;
        assert!(is(&other, "Stalled", "True") && message(&other, "Stalled").contains(THEIRS), "{other}");
        assert_eq!(space.annotated_role("other").await, THEIRS);
        assert!(space.role("other").await.is_null());
        space
            .class_until(&space.namespace, "is Ready and has counted", |c| {
                // Some of them become ready while it counts.
                let counted = c["status"]["bindings"] == json!({"total": 6, "ready": 5, "stalled": 1, "deleting": 0});
                is(c, "Ready", "True") && is(c, "SnapshotReady", "True") && counted
            })
            .await;
        apply(space, file, how);
        before.push((state(space).await, space.writes(), space.mark().await));
    }
    let (begin, mut times) = (Instant::now(), 0);
    while begin.elapsed() < LASTS {
        for (space, file, how) in &trees {
            apply(space, file, how);
        }
        times += 1;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    println!("applied {times} times in {} s by each of two tools", LASTS.as_secs());
    for ((space, ..), (objects, writes, mark)) in trees.iter().zip(before) {
        let after = state(space).await;
        for (name, object) in &objects {
            assert_eq!(after.get(name), Some(object), "{name} was written");
        }
        assert_eq!(after.len(), objects.len());
        assert_eq!(space.writes(), writes, "not even one that changed nothing");
        for name in ["plain", "noted", "same", "other", "seen", "made", "late"] {
            assert_eq!(space.changes(name, mark).await, [""; 0], "{name}");
        }
    }
    // It is not because nobody looks.
    let (space, file, how) = &trees[0];
    space.make_account("late").await;
    space.annotated("late", Some(&space.role_arn("late"))).await;
    apply(space, file, how);
    assert_eq!(space.annotated_role("late").await, space.role_arn("late"));
}

/// The binding may replace just the role that Git goes on asking for: it ends in a word and not in a war.
#[tokio::test]
async fn an_annotation_that_git_writes_back_is_contested_and_left() {
    let (env, operator) = environment("git-back").await;
    let mut trees = Vec::new();
    for (tool, how) in TOOLS {
        let space = env.space(&format!("back-{tool}"), &operator).await;
        let spec = json!({"serviceAccount": {"name": "app", "replaceRoleArn": THEIRS}});
        let objects = [account(&space, "app", json!({ROLE_ARN: THEIRS})), binding(&space, "app", spec)];
        let file = git(&space, &objects);
        trees.push((space, file, how));
    }
    for (space, file, how) in &trees {
        let annotated = |space: &Space| {
            let writes = space.writes().into_iter();
            writes.filter(|write| write == "patch serviceaccounts app 200").count()
        };
        let begin = Instant::now();
        let contested = loop {
            apply(space, file, how);
            let binding = space.binding("app").await;
            if reason(&binding, "Stalled") == "Contested" {
                break binding;
            }
            assert!(begin.elapsed() < Duration::from_secs(180), "{binding}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        assert!(is(&contested, "Ready", "True") && is(&contested, "ServiceAccountReady", "False"), "{contested}");
        assert!(annotated(space) <= 4, "{:?}", space.writes());
        apply(space, file, how);
        let path = space.account_path("app");
        let before = (space.binding("app").await, space.kube.get(&path).await, annotated(space));
        for _ in 0..10 {
            apply(space, file, how);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!((space.binding("app").await, space.kube.get(&path).await, annotated(space)), before);
        assert_eq!(before.1["metadata"]["annotations"][ROLE_ARN], THEIRS, "as Git has it, until it has another turn");
    }
}
