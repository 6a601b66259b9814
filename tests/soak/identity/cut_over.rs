//! A binding moves from one cluster to another by edits of Git alone, while Pods of both use its role.

use super::*;
use crate::harness::{AwsAdmin, eventually, paths};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const GREEN: &str = "green";

/// Tokens of both clusters, exchanged each 100 ms.
#[derive(Default)]
struct Traffic {
    stop: AtomicBool,
    granted: AtomicUsize,
    refused: Mutex<Vec<String>>,
}

impl Traffic {
    async fn flows(&self, aws: AwsAdmin, role: String, tokens: [String; 2]) {
        while !self.stop.load(Ordering::Relaxed) {
            for token in &tokens {
                match aws.web_identity(&role, token).await {
                    Ok(_) => drop(self.granted.fetch_add(1, Ordering::Relaxed)),
                    Err(code) => self.refused.lock().unwrap().push(code),
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The operator of the other cluster: a role of its own, with what `iam-policy --adoption` prints for its id.
async fn green_operator(env: &Arc<Env>, space: &Space) -> Operator {
    let (iam, account) = (&space.aws.iam, &space.emulator.account);
    let printed = Command::new(env!("CARGO_BIN_EXE_irsa-operator"))
        .args(["iam-policy", "--cluster-id", GREEN, "--account", account, "--adoption"])
        .env_clear()
        .output()
        .expect("the operator's program");
    let policy = String::from_utf8(printed.stdout).expect("a policy");
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}}]});
    let create = iam.create_role().role_name(GREEN).assume_role_policy_document(trust.to_string());
    let arn = create.send().await.expect("a role").role.expect("a role").arn;
    iam.put_role_policy().role_name(GREEN).policy_name(GREEN).policy_document(policy).send().await.expect("a policy");
    let session = eventually("STS knows the role", async || {
        let assume = space.aws.sts.assume_role().role_arn(&arn).role_session_name(GREEN);
        assume.send().await.map_err(|error| format!("{error:?}"))
    });
    let keys = session.await.credentials.expect("credentials");
    let variables = [
        ("AWS_ACCESS_KEY_ID", keys.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key),
        ("AWS_SESSION_TOKEN", keys.session_token),
    ];
    let flags = ["--cluster-id", GREEN, "--resync", "2s"];
    let mut operator = Operator::start_as(Path::new(env!("CARGO_BIN_EXE_irsa-operator")), env, &flags, &variables);
    operator.ready().await;
    operator
}

/// What it was before goes: here it is another cluster from now on.
async fn empty(space: &Space) {
    for binding in space.kube.list(&paths::bindings(&space.namespace)).await {
        let name = binding["metadata"]["name"].as_str().expect("a name").to_owned();
        space.patch_binding(&name, json!({"metadata": {"finalizers": []}})).await;
        space.delete(&name).await;
    }
    space.kube.patch(CLASS, &json!({"metadata": {"finalizers": []}})).await;
    space.kube.delete(CLASS).await;
}

async fn in_mode(space: &Space, mode: &str) {
    let so = |b: &Value| {
        b["status"]["mode"] == mode
            && is(b, "Ready", "True")
            && b["status"]["observedGeneration"] == b["metadata"]["generation"]
    };
    space.until("app", &format!("is in mode {mode}"), so).await;
}

/// The changes of the role of this name, by the operator whose role or session has that name.
async fn changes_by(space: &Space, who: &str, since: u64) -> Vec<String> {
    let calls = space.emulator.journal(&format!("principal=*{who}&param.RoleName=shop_app&since={since}")).await;
    let names = calls.into_iter().map(|call| call.operation);
    names.filter(|name| !name.starts_with("Get") && !name.starts_with("List")).collect()
}

async fn offered(space: &Space, to: Option<&str>) {
    eventually(&format!("the role is offered to {to:?}"), async || {
        let tag = space.emulator.role("shop_app").await["tags"]["irsa-operator.io/adoptable-by"].clone();
        if tag.as_str() == to { Ok(()) } else { Err(tag.to_string()) }
    })
    .await;
}

pub(super) async fn by_edits_alone(first: &Space, blue: &Second) {
    empty(first).await;
    let (env, account) = (first.env.clone(), &first.emulator.account);
    let role = format!("arn:aws:iam::{account}:role/irsa/shop_app");
    let green_operator = green_operator(&env, first).await;
    let green = Space::within(env.clone(), "shop", &green_operator.log).await;
    let blue = Space::within(blue.env.clone(), "shop", &blue.operator.log).await;
    let names = json!({"nameTemplate": "$(namespace)_$(name)"});
    let shared = |issuer: &str| json!({"role": names, "trustedIssuers": [bare(issuer)]});
    blue.make_class("shared", shared(&green.env.issuer)).await;
    green.make_class("shared", shared(&blue.env.issuer)).await;
    let spec = |mode: &str| {
        let mut spec = spec("app");
        (spec["className"], spec["mode"]) = (json!("shared"), json!(mode));
        spec
    };
    for (space, mode) in [(&blue, "Manage"), (&green, "Annotate")] {
        space.make_account("app").await;
        space.make_binding("app", spec(mode)).await;
        in_mode(space, mode).await;
        space.annotated("app", Some(&role)).await;
    }
    let id = blue.emulator.role("shop_app").await["id"].clone();
    let tokens = [blue.token("app").await, green.token("app").await];
    for token in &tokens {
        blue.aws.credentials(&role, token).await;
    }
    // Not by one reader of STS alone.
    sweeps_of(&blue, "identity-2", 2).await;
    let traffic = Arc::new(Traffic::default());
    let flow = {
        let (traffic, aws) = (traffic.clone(), blue.aws.clone());
        tokio::spawn(async move { traffic.flows(aws, role, tokens).await })
    };

    // Blue lets go of it; takes it back; and lets it go for good.
    let since = blue.mark().await;
    let class = format!("{}/shared", paths::CLASSES);
    blue.kube.patch(&class, &json!({"spec": {"handOverTo": GREEN}})).await;
    for (mode, to) in [("Annotate", Some("green/shop/app")), ("Manage", None), ("Annotate", Some("green/shop/app"))] {
        blue.patch_binding("app", json!({"spec": {"mode": mode}})).await;
        in_mode(&blue, mode).await;
        offered(&blue, to).await;
    }
    assert_eq!(changes_by(&blue, "irsa-operator/identity-2", since).await, ["TagRole", "UntagRole", "TagRole"]);

    // Green takes it.
    let since = blue.mark().await;
    green.kube.patch(&class, &json!({"spec": {"allow": {"adopt": {"enabled": true}}}})).await;
    green.patch_binding("app", json!({"spec": {"mode": "Manage", "adoption": {"policy": "IfTagged"}}})).await;
    in_mode(&green, "Manage").await;
    let taken = green.emulator.role("shop_app").await;
    let tag = |key: &str| taken["tags"][format!("irsa-operator.io/{key}")].clone();
    assert_eq!((&taken["id"], tag("cluster"), tag("adoptable-by")), (&id, json!(GREEN), Value::Null));
    assert_eq!(tag("issuer"), bare(&green.env.issuer));
    assert_eq!(green.binding("app").await["status"]["pendingSteps"], Value::Null, "nothing waits for acceptRemovals");
    let changes = changes_by(&green, "assumed-role/green/*", since).await;
    assert!(!changes.iter().any(|change| change == "UpdateAssumeRolePolicy" || change == "CreateRole"), "{changes:?}");

    // Blue has no more to do with it, and its binding goes.
    let since = blue.mark().await;
    sweeps_of(&blue, "identity-2", 2).await;
    blue.delete("app").await;
    blue.gone("app").await;
    assert_eq!(changes_by(&blue, "irsa-operator/identity-2", since).await, [""; 0]);
    traffic.stop.store(true, Ordering::Relaxed);
    flow.await.expect("traffic");
    let granted = traffic.granted.load(Ordering::Relaxed);
    assert_eq!(*traffic.refused.lock().unwrap(), [""; 0], "of {granted}");
    assert!(granted > 50, "{granted}");

    // What is retained is offered as it is let go.
    blue.make_account("kept").await;
    let mut kept = spec("Manage");
    (kept["serviceAccount"], kept["deletionPolicy"]) = (json!({"name": "kept"}), json!("Retain"));
    blue.make_binding("kept", kept).await;
    blue.ready("kept").await;
    blue.delete("kept").await;
    blue.gone("kept").await;
    let kept = blue.emulator.role("shop_kept").await["tags"].clone();
    let marks = [&kept["irsa-operator.io/released-by"], &kept["irsa-operator.io/adoptable-by"]];
    assert_eq!(marks, [&json!("e2e"), &json!("green/shop/kept")]);
}
