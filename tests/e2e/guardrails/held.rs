//! Roles whose bindings do not see to them follow their class all the same.

use crate::harness::allow::everything;
use crate::harness::documents::allow;
use crate::harness::{Env, Operator, Space, eventually, message, paths, reason};
use serde_json::json;

const APPS: [&str; 3] = ["observe", "annotate", "invalid"];

/// Boundary, tags, trust and longest session, and no policy, as the class keeps them.
#[tokio::test]
async fn what_always_follows_the_class_does_so_whatever_a_binding_says() {
    let name = "held-keep";
    let space = Space::new(name).await;
    let class = json!({"allow": everything(), "role": {"nameTemplate": "held_$(namespace)_$(name)"}});
    space.make_class(name, class).await;
    for app in APPS {
        space.make_account(app).await;
        let spec = json!({"className": name, "serviceAccount": {"name": app}, "policies": {"managed": ["aws:ReadOnlyAccess"]},
            "role": {"maxSessionDurationSeconds": 7200}, "trust": {"serviceAccounts": ["web"]}});
        space.make_binding(app, spec).await;
        space.ready(app).await;
    }
    space.patch_binding("observe", json!({"spec": {"mode": "Observe"}})).await;
    space.patch_binding("annotate", json!({"spec": {"mode": "Annotate"}})).await;
    space.patch_binding("invalid", json!({"spec": {"trust": {"audience": "vault"}}})).await;
    space.until("observe", "looks", |b| b["status"]["mode"] == "Observe").await;
    space.until("annotate", "annotates", |b| b["status"]["mode"] == "Annotate").await;
    space.not_ready("invalid", "Invalid").await;
    let role = |app: &'static str| format!("held_{name}_{app}");
    let of = async |app: &'static str| space.emulator.role(&role(app)).await;
    let mut before = Vec::new();
    for app in APPS {
        before.push(of(app).await);
    }

    let boundary = space.aws.policy("held-keep", &allow("s3:*").to_string()).await;
    let mut allowed = everything();
    allowed["managedPolicies"] = json!([]);
    allowed["maxSessionDurationSeconds"] = json!(3600);
    allowed["serviceAccounts"]["additional"] = json!(false);
    let spec = json!({"allow": allowed, "role": {"permissionsBoundaryArn": boundary, "tags": {"cost": "1"}}});
    let since = space.mark().await;
    space.kube.patch(&format!("{}/{name}", paths::CLASSES), &json!({"spec": spec})).await;
    for (app, before) in APPS.into_iter().zip(before) {
        eventually(&format!("the role of {app} follows"), async || {
            let now = of(app).await;
            let trust = now["trust"].to_string();
            let follows = now["boundary"] == json!(boundary)
                && (&now["tags"]["cost"], &now["maxSessionDuration"]) == (&json!("1"), &json!(3600))
                && trust.contains(&format!(":{app}"))
                && !trust.contains(":web");
            if follows { Ok(()) } else { Err(now.to_string()) }
        })
        .await;
        let now = of(app).await;
        assert_eq!(
            (&now["attached"], &now["id"]),
            (&before["attached"], &before["id"]),
            "{app}: the class keeps policies"
        );
    }
    assert_eq!(reason(&space.binding("invalid").await, "Ready"), "Invalid");

    // Once is enough, and what sweeps show then is read once.
    eventually("nothing is asked", async || {
        let since = space.mark().await;
        space.sweeps(2).await;
        let asked = space.emulator.journal(&format!("param.RoleName=held_{name}_*&since={since}")).await;
        if asked.is_empty() { Ok(()) } else { Err(format!("{asked:?}")) }
    })
    .await;
    for app in APPS {
        let query = format!("param.RoleName={}", role(app));
        let calls =
            space.emulator.journal(&format!("{query}&since={since}")).await.into_iter().map(|call| call.operation);
        let mut words: Vec<String> =
            calls.filter(|name| !name.starts_with("Get") && !name.starts_with("List")).collect();
        words.sort();
        assert_eq!(words, ["PutRolePermissionsBoundary", "TagRole", "UpdateAssumeRolePolicy", "UpdateRole"], "{app}");
    }
}

/// Who was looked at before waits for the first sweep, as others do; only what differs is read again.
#[tokio::test]
async fn a_restart_reads_only_what_differs() {
    let env = Env::own("observe-restart");
    let flags = &["--resync", "3s"];
    let mut operator = Operator::start(&env, flags);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("observe-restart", &operator).await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    space.patch_binding("app", json!({"spec": {"mode": "Observe"}})).await;
    let binding = space.until("app", "looks", |b| b["status"]["mode"] == "Observe").await;
    assert!(message(&binding, "Ready").starts_with("nothing differs"), "{binding}");
    space.make_account("new").await;
    space.make_binding("new", json!({"mode": "Observe", "serviceAccount": {"name": "new"}})).await;
    space.ready("new").await;
    space.make_account("partner").await;
    space.make_binding("partner", json!({"serviceAccount": {"name": "partner"}})).await;
    space.ready("partner").await;
    space.patch_binding("partner", json!({"spec": {"mode": "Annotate"}})).await;
    space.until("partner", "annotates", |b| b["status"]["mode"] == "Annotate").await;
    space.sweeps(2).await;
    operator.terminate();
    eventually("the operator ends", async || operator.ended().ok_or_else(String::new)).await;
    let (since, before) = (space.mark().await, space.writes());
    let mut operator = Operator::start(&env, flags);
    operator.ready().await;
    space.sweeps(3).await;
    assert_eq!(space.operations("app", since).await, [""; 0]);
    assert_eq!(space.operations("new", since).await, ["GetRole"]);
    // Whether that one is as its class says nobody knows but who looks.
    let once = ["GetRole", "GetRole", "ListAttachedRolePolicies", "ListRolePolicies"];
    assert_eq!(space.operations("partner", since).await, once);
    assert_eq!(space.writes(), before);

    // All the same they follow their class.
    let tags = json!({"spec": {"role": {"tags": {"late": "1"}}}});
    space.kube.patch(&format!("{}/default", paths::CLASSES), &tags).await;
    for name in ["app", "partner"] {
        eventually(&format!("the role of {name} follows"), async || {
            let role = space.role(name).await;
            if role["tags"]["late"] == "1" { Ok(()) } else { Err(role.to_string()) }
        })
        .await;
    }
    drop(operator);
}
