//! Another tool that wants it otherwise: it is named, and not fought.

use crate::harness::documents::aws;
use crate::harness::openmetrics::Scrape;
use crate::harness::{Env, Operator, Space, eventually, is, message, reason};
use aws_sdk_iam::types::Tag;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";

/// Does the same again and again until it is stopped, and fails the test if that fails.
struct Tool(Arc<AtomicBool>, JoinHandle<()>);

impl Tool {
    fn start(mut undo: impl AsyncFnMut() + 'static) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let on = goes_on.clone();
        let work = async move {
            while on.load(Ordering::Relaxed) {
                undo().await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        Self(goes_on, tokio::task::spawn_local(work))
    }

    async fn stop(self) {
        self.0.store(false, Ordering::Relaxed);
        self.1.await.expect("the tool");
    }
}

fn contested(operator: &Operator) -> f64 {
    let (_, text) = operator.health("/metrics").expect("an answer");
    Scrape::parse(&text).expect("metrics").sum("irsa_operator_contested", &[])
}

async fn environment(name: &str) -> (Arc<Env>, Operator, Space) {
    let env = Env::own(name);
    env.emulator.switch(&json!({"propagation": {"pattern": [], "lapseMs": 0}})).await;
    let mut operator = Operator::start(&env, &["--resync", "1s", "--settle", "1s", "--contested-window", "20s"]);
    operator.ready().await;
    env.default_class().await;
    let space = env.space(name, &operator).await;
    (env, operator, space)
}

#[tokio::test]
async fn who_undoes_a_role_again_and_again_is_named_and_not_fought() {
    tokio::task::LocalSet::new().run_until(undone_roles()).await;
}

async fn undone_roles() {
    let (_env, operator, space) = environment("contested").await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    space.make_ready("other", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    let (iam, emulator, role) = (space.aws.iam.clone(), space.emulator.clone(), space.role_name("app"));
    let mark = Tag::builder().key("managed-by").value("Terraform").build().unwrap();
    iam.tag_role().role_name(&role).tags(mark).send().await.expect("tagged");
    let tool = Tool::start(async move || {
        if emulator.role(&role).await["attached"] == json!([aws("ReadOnlyAccess")]) {
            let detach = iam.detach_role_policy().role_name(&role).policy_arn(aws("ReadOnlyAccess"));
            detach.send().await.expect("detached");
        }
    });

    // It is said from the third time on, also while nothing differs.
    space.until("app", "says it", |b| reason(b, "RoleReady") == "Contested").await;
    assert_eq!(
        space.changes("app", 0).await,
        ["CreateRole"].into_iter().chain(["AttachRolePolicy"; 4]).collect::<Vec<_>>()
    );
    let binding = space.until("app", "waits", |b| reason(b, "Stalled") == "Contested").await;
    assert!(is(&binding, "Ready", "True") && is(&binding, "RoleReady", "True"), "{binding}");
    assert!(is(&binding, "PoliciesReady", "False") && reason(&binding, "PoliciesReady") == "Contested", "{binding}");
    assert_eq!(binding["status"]["pendingSteps"], json!([format!("attach {}", aws("ReadOnlyAccess"))]));
    for part in ["managed-by=Terraform", "DetachRolePolicy", &space.role_arn("app"), "attach "] {
        assert!(message(&binding, "RoleReady").contains(part), "{part}: {binding}");
    }
    space.event("app", "Contested", "managed-by=Terraform").await;
    assert_eq!(contested(&operator).to_string(), "1");
    let (mark, writes) = (space.mark().await, space.writes());
    space.sweeps(3).await;
    assert_eq!(space.operations("app", mark).await, [""; 0], "no read at each sweep");
    assert_eq!(space.writes(), writes);

    // Once in a window it is put right, and undone.
    let ours = format!("principal=*assumed-role/irsa-operator/*&operation=AttachRolePolicy&since={mark}");
    space.emulator.journal_wait(1, &ours).await;
    space.until("app", "waits again", |b| reason(b, "Stalled") == "Contested").await;
    assert_eq!(space.changes("app", mark).await, ["AttachRolePolicy"]);

    // What nobody fights for is put right at once.
    let mark = space.mark().await;
    let open = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    let update = space.aws.iam.update_assume_role_policy().role_name(space.role_name("app")).policy_document(open);
    update.send().await.expect("updated");
    let subject = "system:serviceaccount:contested:app";
    space.role_until("app", "trusts the ServiceAccount", |role| role["trust"].to_string().contains(subject)).await;
    space.event("app", "DriftCorrected", "write the trust policy").await;
    assert_eq!(space.changes("app", mark).await, ["UpdateAssumeRolePolicy"]);

    // And so is everything when somebody changes the spec, which is no end of the fight.
    tool.stop().await;
    space.nudge("app").await;
    space.until("app", "is as declared", |b| is(b, "PoliciesReady", "True")).await;
    assert_eq!(space.changes("app", mark).await, ["UpdateAssumeRolePolicy", "AttachRolePolicy"]);
    assert_eq!(reason(&space.binding("app").await, "RoleReady"), "Contested");
    let binding = space.until("app", "says it no longer", |b| reason(b, "RoleReady") == "Ready").await;
    assert_eq!(reason(&binding, "PoliciesReady"), "Ready", "{binding}");
    assert_eq!(contested(&operator).to_string(), "0");
    assert_eq!(space.events("app", "Contested").await.len(), 1, "said once");
    assert_eq!(space.changes("other", 0).await, ["CreateRole", "AttachRolePolicy"]);
}

#[tokio::test]
async fn who_writes_the_annotation_back_again_and_again_is_named() {
    tokio::task::LocalSet::new().run_until(written_back()).await;
}

async fn written_back() {
    let (env, operator, space) = environment("written-back").await;
    let theirs = format!("arn:aws:iam::{}:role/theirs", space.emulator.account);
    let (path, kube) = (space.account_path("app"), env.kube().await);
    let back = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "app", "namespace": space.namespace, "annotations": {ROLE_ARN: theirs}},
    });
    kube.apply(&path, "helm", &back).await;
    let mine = theirs.clone();
    let tool = Tool::start(async move || {
        if kube.get(&path).await["metadata"]["annotations"][ROLE_ARN] != mine.as_str() {
            kube.apply(&path, "helm", &back).await;
        }
    });
    let replaces = json!({"name": "app", "replaceRoleArn": theirs});
    space.make_binding("app", json!({"serviceAccount": replaces})).await;
    let binding = space.until("app", "waits", |b| reason(b, "Stalled") == "Contested").await;
    assert!(is(&binding, "Ready", "True") && reason(&binding, "RoleReady") == "Ready", "{binding}");
    assert!(is(&binding, "ServiceAccountReady", "False"), "{binding}");
    assert!(message(&binding, "ServiceAccountReady").contains("It was helm"), "{binding}");
    space.event("app", "Contested", "helm").await;
    assert_eq!(contested(&operator).to_string(), "1");
    let writes = space.writes();
    space.sweeps(3).await;
    assert_eq!(space.writes(), writes, "it is left alone for a while");
    tool.stop().await;
    space.annotated("app", Some(&space.role_arn("app"))).await;
    space.until("app", "says it no longer", |b| reason(b, "ServiceAccountReady") == "Ready").await;
    let tries = space.writes().iter().filter(|write| *write == "patch serviceaccounts app 200").count();
    assert_eq!(tries, 1 + 3 + 1, "the first, three that were undone in vain, and the one that lasted");
    eventually("the metric says so", async || match contested(&operator) {
        0.0 => Ok(()),
        value => Err(value.to_string()),
    })
    .await;
    assert_eq!(space.events("app", "Contested").await.len(), 1, "said once");
}
