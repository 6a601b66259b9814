//! Roles whose bindings do not see to them follow their class all the same.

use crate::harness::allow::everything;
use crate::harness::documents::allow;
use crate::harness::{Space, eventually, paths, reason};
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
