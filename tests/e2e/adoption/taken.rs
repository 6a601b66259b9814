//! A role is taken over: in which order, what waits, and what becomes of it.

use super::*;
use crate::harness::documents::aws;
use crate::harness::{Operator, message};

const NAME: &str = "app-irsa-20240301";

fn arn(space: &Space) -> String {
    format!("arn:aws:iam::{}:role/team/{NAME}", space.emulator.account)
}

/// As Terraform has left it: the ServiceAccount names the role already.
async fn terraform(space: &Space) -> Value {
    let mut role = theirs(space, NAME, "/team/", offer(space));
    let subject = format!("system:serviceaccount:{}:app", space.namespace);
    role["trust"] = trust(&space.env, "StringLike", &subject);
    role["tags"]["team"] = json!("payments");
    seed(&space.emulator, vec![role]).await;
    space.make_account("app").await;
    let annotated = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "app", "annotations": {"eks.amazonaws.com/role-arn": arn(space)}}});
    space.kube.apply(&space.account_path("app"), "terraform", &annotated).await;
    space.emulator.role(NAME).await
}

#[tokio::test]
async fn a_role_is_taken_over_and_loses_nothing_before_somebody_says_so() {
    let flags = ["--resync", "2s", "--fuse", "off"];
    let (env, operator) = adopting("adoption-taken", &flags).await;
    let space = env.space("taken", &operator).await;
    let (before, since) = (terraform(&space).await, space.mark().await);
    let token = space.token("app").await;
    space.aws.credentials(&arn(&space), &token).await;
    let mut wanted = spec(NAME);
    wanted["role"]["tags"] = json!({"team": "billing", "cost": "1"});
    space.make_binding("app", wanted).await;

    let binding = awaits(&space, "app").await;
    assert_eq!(
        changes(&space, NAME, since).await,
        ["TagRole", "UntagRole"],
        "first whose it is, and then the consent goes"
    );
    let status = &binding["status"];
    assert_eq!((&status["roleArn"], &status["roleId"]), (&json!(arn(&space)), &before["id"]));
    let mut pending: Vec<&str> = status["pendingSteps"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    pending.sort_unstable();
    let waits = |step: &str| format!("{step} (waits for spec.adoption.acceptRemovals)");
    let mut expected: Vec<String> = [
        "write the trust policy".to_owned(),
        format!("attach {}", aws("AmazonS3ReadOnlyAccess")),
        format!("detach {}", aws("ReadOnlyAccess")),
        "remove the inline policy bucket".into(),
        "set description and session length".into(),
        "set the tags team".into(),
    ]
    .iter()
    .map(|step| waits(step))
    .collect();
    expected.sort();
    assert_eq!(pending, expected);
    assert!(
        message(&binding, "Ready").starts_with(&format!("role {} was taken over as it was", arn(&space))),
        "{binding}"
    );
    let reasons = ["RoleReady", "PoliciesReady", "ServiceAccountReady"].map(|kind| reason(&binding, kind));
    assert_eq!(reasons, ["AwaitingAcceptRemovals", "AwaitingAcceptRemovals", "Ready"], "{binding}");
    let now = space.emulator.role(NAME).await;
    for kept in ["id", "path", "trust", "attached", "inline", "boundary", "maxSessionDuration", "description"] {
        assert_eq!(now[kept], before[kept], "{kept}");
    }
    let tag = |key: &str| now["tags"][key].clone();
    assert_eq!(
        [tag("team"), tag("cost"), tag("irsa-operator.io/adoptable-by")],
        [json!("payments"), json!("1"), Value::Null]
    );
    assert_eq!([tag("irsa-operator.io/binding"), tag("irsa-operator.io/adopted")], [json!("app"), json!("e2e")]);

    // It is said before it is done.
    let told = space.event("app", "AdoptingRole", "waits for spec.adoption.acceptRemovals: ").await;
    let done = space.event("app", "RoleAdopted", &arn(&space)).await;
    assert!(told["eventTime"].as_str() <= done["eventTime"].as_str(), "{told} {done}");
    assert_eq!(space.events("app", "AdoptingRole").await.len(), 1);

    // While it waits it is not read again and again.
    space.sweeps(2).await;
    let query = |since: u64| format!("principal=*assumed-role/irsa-operator/*&param.RoleName={NAME}&since={since}");
    let calm = space.mark().await;
    space.sweeps(2).await;
    assert!(space.emulator.journal(&query(calm)).await.is_empty());
    space.aws.credentials(&arn(&space), &token).await;

    let since = space.mark().await;
    space.patch_binding("app", json!({"spec": {"adoption": {"acceptRemovals": true}}})).await;
    let binding = space.ready("app").await;
    assert_eq!((&binding["status"]["pendingSteps"], &binding["status"]["roleId"]), (&Value::Null, &before["id"]));
    let mut did = changes(&space, NAME, since).await;
    did.dedup();
    assert_eq!(
        did,
        ["TagRole", "UpdateRole", "DetachRolePolicy", "DeleteRolePolicy", "UpdateAssumeRolePolicy", "AttachRolePolicy"]
    );
    let now = space.emulator.role(NAME).await;
    assert_eq!(
        (&now["inline"], &now["maxSessionDuration"], &now["path"]),
        (&json!({}), &json!(3600), &json!("/team/"))
    );
    assert_eq!(now["tags"]["team"], "billing");
    space.aws.credentials(&arn(&space), &token).await;
    assert_eq!(space.annotated_role("app").await, arn(&space));

    // It is kept as all are, and by the next process, which looks at it in its sweeps alone.
    space.aws.iam.detach_role_policy().role_name(NAME).policy_arn(aws("AmazonS3ReadOnlyAccess")).send().await.unwrap();
    space.event("app", "DriftCorrected", "attach").await;
    space.ready("app").await;
    space.sweeps(2).await;
    operator.kill();
    let since = space.mark().await;
    let mut operator = Operator::start(&env, &flags);
    operator.ready().await;
    space.sweeps(3).await;
    let calls = space.emulator.journal(&query(since)).await;
    assert!(calls.is_empty(), "{:?}", calls.iter().map(|call| &call.operation).collect::<Vec<_>>());

    let after = identity(&space, &before).await;
    deleted(&env, &operator, &space, &after).await;
}

/// Another name is another role.
async fn identity(space: &Space, before: &Value) -> Value {
    let since = space.mark().await;
    for name in [json!("other"), Value::Null] {
        space.patch_binding("app", json!({"spec": {"role": {"name": name}}})).await;
        let binding = space.not_ready("app", "IdentityChanged").await;
        assert!(message(&binding, "Stalled").contains(&arn(space)), "{binding}");
    }
    // Nor is it left behind by who looks after none from now on.
    space.patch_binding("app", json!({"spec": {"mode": "Annotate", "role": {"name": "other"}}})).await;
    let binding = space.not_ready("app", "IdentityChanged").await;
    assert_eq!(binding["status"]["roleArn"], json!(arn(space)), "{binding}");
    space.patch_binding("app", json!({"spec": {"mode": "Manage", "role": {"name": NAME}}})).await;
    assert_eq!(space.ready("app").await["status"]["roleId"], before["id"]);
    let creates = format!("principal=*assumed-role/irsa-operator/*&operation=CreateRole&since={since}");
    assert!(space.emulator.journal(&creates).await.is_empty());
    space.emulator.role(NAME).await
}

/// Retained, taken again, moved to another namespace, and deleted where the class says so.
async fn deleted(env: &Arc<Env>, operator: &Operator, space: &Space, before: &Value) {
    let same = |now: &Value| ["id", "attached", "trust", "path"].iter().all(|part| now[part] == before[part]);
    let since = space.mark().await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(changes(space, NAME, since).await, ["TagRole"]);
    space.event("app", "RoleRetained", "as it was taken over and its class does not let it").await;
    let now = space.emulator.role(NAME).await;
    assert!(same(&now) && now["tags"]["irsa-operator.io/released-by"] == "e2e", "{now}");
    assert_eq!(space.annotated_role("app").await, arn(space), "it works on");

    // The same binding takes it again: no consent is asked for, nor the class's leave.
    allow(env, Value::Null).await;
    let mut again = spec(NAME);
    again["adoption"] = json!({"acceptRemovals": true});
    again["role"]["tags"] = json!({"team": "billing", "cost": "1"});
    space.make_binding("app", again.clone()).await;
    assert_eq!(space.ready("app").await["status"]["roleId"], before["id"]);
    allow(env, json!({"enabled": true, "delete": true})).await;

    // A move is that, and consent for the new place.
    let moved = env.space("moved", operator).await;
    moved.make_account("app").await;
    let tag = aws_sdk_iam::types::Tag::builder().key("irsa-operator.io/adoptable-by").value("e2e/moved/app");
    space.aws.iam.tag_role().role_name(NAME).tags(tag.build().unwrap()).send().await.expect("tagged");
    again["adoption"] = json!({"policy": "IfTagged", "acceptRemovals": true});
    // From the move on AWS shows for seconds what was before it.
    env.emulator.switch(&json!({"propagation": {"pattern": vec![true; 200], "lapseMs": 2500}})).await;
    moved.make_binding("app", again).await;
    let binding = moved.ready("app").await;
    assert_eq!(binding["status"]["roleId"], before["id"]);
    let now = space.emulator.role(NAME).await;
    assert_eq!(now["tags"]["irsa-operator.io/namespace"], "moved");
    assert_eq!(
        [&now["tags"]["irsa-operator.io/released-by"], &now["tags"]["irsa-operator.io/adoptable-by"]],
        [&Value::Null; 2]
    );
    assert!(now["trust"].to_string().contains("system:serviceaccount:moved:app"), "{now}");
    // Who had it goes without harm to the role, which AWS shows for a while as it was before the move.
    let since = space.mark().await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(changes(space, NAME, since).await, [""; 0]);
    space.make_binding("app", spec(NAME)).await;
    let binding = space.not_ready("app", "Conflict").await;
    assert!(message(&binding, "Stalled").contains("belongs to the binding e2e/moved/app"), "{binding}");
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(changes(space, NAME, since).await, [""; 0]);

    moved.delete("app").await;
    moved.gone("app").await;
    assert!(space.emulator.role(NAME).await.is_null());
    assert_eq!(moved.annotated_role("app").await, Value::Null);
}
