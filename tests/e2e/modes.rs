//! How far the operator goes: the journal of AWS and the API server's audit log tell what it wrote.

use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Emulator, Space, eventually, is, message, paths, reason};
use aws_sdk_iam::types::Tag;
use serde_json::{Value, json};

fn policies() -> Value {
    json!({"managed": ["aws:ReadOnlyAccess"], "inline": [inline("bucket", allow("s3:GetObject"))]})
}

fn spec(mode: &str) -> Value {
    json!({"mode": mode, "serviceAccount": {"name": "app"}, "policies": policies()})
}

async fn set_mode(space: &Space, mode: &str) -> Value {
    space.patch_binding("app", json!({"spec": {"mode": mode}})).await;
    let so =
        |b: &Value| b["status"]["mode"] == mode && b["status"]["observedGeneration"] == b["metadata"]["generation"];
    space.until("app", &format!("is in mode {mode}"), so).await
}

/// What the operator wrote here beside statuses.
fn writes(space: &Space) -> Vec<String> {
    space.writes().into_iter().filter(|write| !write.contains("/status ")).collect()
}

async fn shows(space: &Space, steps: &[&str]) -> Value {
    let so = |b: &Value| b["status"]["pendingSteps"].as_array().cloned().unwrap_or_default() == steps;
    let binding = space.until("app", &format!("shows {steps:?}"), so).await;
    let untroubled = is(&binding, "Ready", "True") && reason(&binding, "Ready") == "Observed";
    assert!(untroubled && reason(&binding, "Stalled").is_empty(), "{binding}");
    assert!(reason(&binding, "Reconciling").is_empty(), "{binding}");
    binding
}

#[tokio::test]
async fn a_new_binding_is_planned_and_nothing_is_written() {
    let space = Space::new("observe-new").await;
    let since = space.mark().await;
    space.make_account("app").await;
    space.make_binding("app", spec("Observe")).await;
    let attach = format!("attach {}", aws("ReadOnlyAccess"));
    let put = "write the inline policy bucket";
    let binding = shows(&space, &["create the role", "annotate the ServiceAccount", &attach, put]).await;
    assert_eq!(binding["metadata"]["finalizers"], Value::Null, "{binding}");
    assert_eq!((&binding["spec"]["className"], &binding["status"]["roleArn"]), (&Value::Null, &Value::Null));
    assert!(message(&binding, "Ready").starts_with("mode Manage would take 4 steps"), "{binding}");
    assert_eq!(reason(&binding, "RoleReady"), "Observed");

    // It is not looked for at each sweep, nor as often as another class comes or goes, but found when it comes.
    space.sweeps(1).await;
    let calm = space.mark().await;
    space.make_class("observe-other", json!({})).await;
    space.class_until("observe-other", "is Ready", |class| is(class, "Ready", "True")).await;
    space.kube.delete(&format!("{}/observe-other", paths::CLASSES)).await;
    space.class_until("observe-other", "is gone", Value::is_null).await;
    space.sweeps(2).await;
    assert_eq!(space.operations("app", calm).await, [""; 0]);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let mut create = space.aws.iam.create_role().role_name(space.role_name("app")).path("/irsa/");
    let issuer = space.env.issuer.trim_start_matches("https://");
    let owner = [("cluster", "e2e"), ("namespace", "observe-new"), ("binding", "app"), ("issuer", issuer)];
    for (key, value) in [&owner[..], &[("class", "default"), ("schema", "1")]].concat() {
        create = create.tags(Tag::builder().key(format!("irsa-operator.io/{key}")).value(value).build().unwrap());
    }
    create.assume_role_policy_document(trust).send().await.expect("a role");
    let steps = ["annotate the ServiceAccount", put, "write the trust policy", &attach];
    let binding = space.until("app", "shows what the role lacks", |b| !b["status"]["roleId"].is_null()).await;
    let mut shown: Vec<&str> =
        binding["status"]["pendingSteps"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    shown.sort_unstable();
    let mut steps = steps.to_vec();
    steps.sort_unstable();
    assert_eq!(shown, steps);

    let role = space.role("app").await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.changes("app", since).await, [""; 0]);
    assert_eq!(writes(&space), [""; 0]);
    assert_eq!((space.role("app").await, space.annotated_role("app").await), (role, Value::Null));
}

#[tokio::test]
async fn a_role_that_was_managed_stays_as_it_is() {
    let space = Space::new("observe-role").await;
    space.make_ready("app", policies()).await;
    space.event("app", "RoleCreated", "").await;
    let (since, before) = (space.mark().await, writes(&space));
    let binding = set_mode(&space, "Observe").await;
    assert!(message(&binding, "Ready").starts_with("nothing differs"), "{binding}");
    assert_eq!(binding["metadata"]["finalizers"], json!(["irsa-operator.io/finalizer"]));
    assert_eq!(binding["status"]["roleArn"], space.role_arn("app"));

    // Drift is shown, and stays.
    let detach = space.aws.iam.detach_role_policy().role_name(space.role_name("app"));
    detach.policy_arn(aws("ReadOnlyAccess")).send().await.expect("detached");
    let off = json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": null}}});
    space.kube.patch(&space.account_path("app"), &off).await;
    let attach = format!("attach {}", aws("ReadOnlyAccess"));
    let binding = shows(&space, &["annotate the ServiceAccount", &attach]).await;
    assert!(message(&binding, "PoliciesReady").contains(&attach), "{binding}");
    // What it once read it reads again only when a sweep shows something else. One more read may be due to lag.
    space.sweeps(2).await;
    let calm = space.mark().await;
    space.sweeps(3).await;
    assert_eq!(space.operations("app", calm).await, [""; 0]);
    assert_eq!(space.changes("app", since).await, [""; 0]);
    assert_eq!(writes(&space), before);
    assert_eq!(
        (space.role("app").await["attached"].clone(), space.annotated_role("app").await),
        (json!([]), Value::Null)
    );
    assert!(space.events("app", "DriftCorrected").await.is_empty());

    // Back again it goes on with the same role.
    let id = binding["status"]["roleId"].clone();
    space.patch_binding("app", json!({"spec": {"mode": "Manage"}})).await;
    let binding = space.until("app", "is managed", |b| reason(b, "Ready") == "Ready").await;
    assert_eq!((&binding["status"]["roleId"], &binding["status"]["pendingSteps"]), (&id, &Value::Null));
    space.role_until("app", "has its policy", |role| role["attached"] == json!([aws("ReadOnlyAccess")])).await;
    space.annotated("app", Some(&space.role_arn("app"))).await;

    // Its deletion is Retain: nothing is taken away, and the role says that it was let go.
    set_mode(&space, "Observe").await;
    let since = space.mark().await;
    let role = space.role("app").await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.changes("app", since).await, ["TagRole"]);
    let now = space.role("app").await;
    assert_eq!(now["tags"]["irsa-operator.io/released-by"], "e2e");
    assert_eq!([&now["id"], &now["attached"], &now["inline"]], [&role["id"], &role["attached"], &role["inline"]]);
    assert_eq!(space.annotated_role("app").await, space.role_arn("app"));
}

/// Where the role is another cluster's: its ARN is written, and of the role nothing is asked.
#[tokio::test]
async fn only_the_service_account_is_written() {
    let space = Space::quiet("annotate").await;
    space.make_class("annotate", json!({"role": {"nameTemplate": "$(namespace)_$(name)"}})).await;
    let arn = format!("arn:aws:iam::{}:role/irsa/annotate_app", space.emulator.account);
    let query = "principal=*assumed-role/irsa-operator/*&param.RoleName=annotate_app";
    let mut spec = spec("Annotate");
    spec["className"] = json!("annotate");
    spec["serviceAccount"]["create"] = json!(true);
    space.make_binding("app", spec).await;
    let binding = space.ready("app").await;
    assert_eq!((&binding["status"]["mode"], &binding["status"]["roleArn"]), (&json!("Annotate"), &json!(arn)));
    assert_eq!(binding["metadata"]["finalizers"], json!(["irsa-operator.io/finalizer"]));
    let kinds: Vec<&Value> = binding["status"]["conditions"].as_array().unwrap().iter().map(|c| &c["type"]).collect();
    assert_eq!(kinds, ["Ready", "ServiceAccountReady"]);
    space.annotated("app", Some(&arn)).await;
    space
        .kube
        .patch(&space.account_path("app"), &json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": null}}}))
        .await;
    space.annotated("app", Some(&arn)).await;
    space.delete("app").await;
    space.gone("app").await;
    assert!(space.kube.get(&space.account_path("app")).await.is_null(), "it was made for the binding");
    assert!(space.emulator.journal(query).await.is_empty());

    // And stays where the binding asks for that.
    space.make_account("app").await;
    let retained = json!({"mode": "Annotate", "className": "annotate", "serviceAccount": {"name": "app"}, "deletionPolicy": "Retain"});
    space.make_binding("app", retained).await;
    space.ready("app").await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.annotated_role("app").await, arn.as_str());
    assert!(space.emulator.journal(query).await.is_empty());
    space.kube.delete(&space.account_path("app")).await;

    // Another's annotation stays, and not even the role that it names is looked at.
    let foreign = format!("arn:aws:iam::{}:role/somebody", space.emulator.account);
    space.make_account("app").await;
    space
        .kube
        .patch(
            &space.account_path("app"),
            &json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": foreign}}}),
        )
        .await;
    space
        .make_binding("app", json!({"mode": "Annotate", "className": "annotate", "serviceAccount": {"name": "app"}}))
        .await;
    let binding = space.not_ready("app", "Conflict").await;
    assert!(message(&binding, "Stalled").contains(&foreign), "{binding}");
    let looked = space.emulator.journal("principal=*assumed-role/irsa-operator/*&param.RoleName=somebody").await;
    assert!(looked.is_empty() && space.annotated_role("app").await == foreign.as_str());
}

/// The role of this cluster's binding is left to somebody else, and the binding goes later.
#[tokio::test]
async fn a_role_is_left_to_another() {
    let space = Space::quiet("annotate-left").await;
    space.make_class("annotate-left", json!({"role": {"nameTemplate": "$(namespace)_$(name)"}})).await;
    space.make_account("app").await;
    let mut spec = spec("Manage");
    spec["className"] = json!("annotate-left");
    space.make_binding("app", spec).await;
    space.ready("app").await;
    let name = "annotate-left_app";
    let query = |since| format!("principal=*assumed-role/irsa-operator/*&param.RoleName={name}&since={since}");
    let (since, role) = (space.mark().await, space.emulator.role(name).await);
    let binding = set_mode(&space, "Annotate").await;
    assert!(is(&binding, "Ready", "True") && reason(&binding, "RoleReady").is_empty(), "{binding}");
    space.patch_binding("app", json!({"spec": {"policies": {"managed": []}}})).await;
    space.ready("app").await;
    assert!(space.emulator.journal(&query(since)).await.is_empty());
    space.delete("app").await;
    space.gone("app").await;
    let calls = space.emulator.journal(&query(since)).await;
    assert_eq!(calls.iter().map(|call| call.operation.as_str()).collect::<Vec<_>>(), ["GetRole", "TagRole"]);
    let now = space.emulator.role(name).await;
    assert_eq!([&now["id"], &now["attached"], &now["inline"]], [&role["id"], &role["attached"], &role["inline"]]);
    assert_eq!(now["tags"]["irsa-operator.io/released-by"], "e2e");
    assert_eq!(space.annotated_role("app").await, Value::Null);
}

#[tokio::test]
async fn a_name_with_this_clusters_id_is_nobody_elses() {
    let space = Space::quiet("annotate-name").await;
    space.make_account("app").await;
    space.make_binding("app", spec("Annotate")).await;
    let binding = space.not_ready("app", "Invalid").await;
    assert!(message(&binding, "Stalled").contains("such as $(namespace)_$(name)"), "{binding}");
    assert_eq!(space.operations("app", 0).await, [""; 0]);
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.operations("app", 0).await, [""; 0]);
}

/// In an account of its own: whatever bindings ask for, nothing is written, no provider either; and then all is.
#[tokio::test]
async fn a_class_limits_its_bindings_and_itself() {
    let space = Space::quiet("class-observe").await;
    let number = "555566667777";
    let assume = crate::elsewhere::account(&space, number).await;
    let there = Emulator { account: number.to_owned(), ..space.emulator.clone() };
    let changes = async || {
        let mut calls = there.journal("principal=*assumed-role/irsa-operator/*").await;
        calls.retain(|call| !call.operation.starts_with("Get") && !call.operation.starts_with("List"));
        calls.into_iter().map(|call| call.operation).collect::<Vec<_>>()
    };
    let class = json!({
        "mode": "Observe",
        "account": {"assumeRoleArn": assume},
        "oidcProvider": {"deletionPolicy": "Delete"},
    });
    space.make_class("class-observe", class).await;
    let class = space.class_until("class-observe", "is observed", |c| reason(c, "Ready") == "Observed").await;
    assert!(is(&class, "Ready", "True") && is(&class, "ProviderReady", "False"), "{class}");
    assert!(message(&class, "ProviderReady").contains("does not exist, and is not made in mode Observe"), "{class}");
    assert_eq!(class["metadata"]["finalizers"], Value::Null);
    space.make_account("app").await;
    let mut spec = spec("Manage");
    spec["className"] = json!("class-observe");
    space.make_binding("app", spec).await;
    let binding = space.ready("app").await;
    assert_eq!((&binding["status"]["mode"], reason(&binding, "Ready")), (&json!("Observe"), "Observed"));
    assert_eq!(binding["status"]["pendingSteps"][0], "create the role");
    assert_eq!((changes().await, there.providers().await), (vec![], vec![]));
    assert_eq!(writes(&space), [""; 0]);

    // It allows all, and all is done.
    let set = async |mode: &str| {
        space.kube.patch(&format!("{}/class-observe", paths::CLASSES), &json!({"spec": {"mode": mode}})).await;
    };
    set("Manage").await;
    space.until("app", "is managed", |b| is(b, "Ready", "True") && reason(b, "Ready") == "Ready").await;
    assert_eq!(there.providers().await.len(), 1);
    let made = changes().await;
    assert_eq!(made, ["CreateOpenIDConnectProvider", "CreateRole", "AttachRolePolicy", "PutRolePolicy"]);

    // And nothing again: deletions take the operator's finalizers off, and that is all.
    set("Observe").await;
    space.until("app", "is observed", |b| b["status"]["mode"] == "Observe").await;
    let role = there.role("e2e_class-observe_app").await;
    space.delete("app").await;
    space.gone("app").await;
    space.kube.delete(&format!("{}/class-observe", paths::CLASSES)).await;
    space.class_until("class-observe", "is gone", Value::is_null).await;
    assert_eq!(changes().await, made);
    assert_eq!((there.role("e2e_class-observe_app").await, there.providers().await.len()), (role, 1));
    assert!(!space.annotated_role("app").await.is_null());
}

/// Where AWS does not show the role in the moment of the offer, that is made later.
#[tokio::test]
async fn a_role_that_is_not_shown_is_offered_once_it_is() {
    let space = Space::quiet("offer").await;
    space.make_class("offer", json!({"handOverTo": "green"})).await;
    space.make_account("app").await;
    space.make_binding("app", json!({"className": "offer", "serviceAccount": {"name": "app"}})).await;
    space.ready("app").await;
    let unseen = json!({"action": "fail", "status": 404, "code": "NoSuchEntity", "message": "not visible yet",
        "match": {"operation": "GetRole", "params": {"RoleName": space.role_name("app")}}});
    let rule = space.emulator.rule(unseen).await;
    set_mode(&space, "Observe").await;
    assert_ne!(space.emulator.fired(&rule).await, 0);
    drop(rule);
    let tag = async || space.role("app").await["tags"]["irsa-operator.io/adoptable-by"].take();
    assert_eq!(tag().await, Value::Null);
    space.patch_binding("app", json!({"spec": {"role": {"description": "another look"}}})).await;
    eventually("the role is offered", async || {
        let now = tag().await;
        if now == "green/offer/app" { Ok(()) } else { Err(now.to_string()) }
    })
    .await;
}
