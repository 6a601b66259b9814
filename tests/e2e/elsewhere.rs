//! Roles in another account.

use crate::harness::{
    AwsAdmin, Env, Keys, Operator, Space, eventually, is, message, operator_elsewhere, paths, reason,
};
use serde_json::{Value, json};

/// Another account with a role for the operator in it; the ARN of that role.
pub async fn account(space: &Space, account: &str) -> String {
    let body = json!({ "account": account });
    let keys = space.emulator.ask("POST", "/_admin/accounts".to_owned(), Some(body)).await;
    let of = |name: &str| keys[name].as_str().expect("keys").to_owned();
    let keys = Keys {
        endpoint: format!("http://{}", space.emulator.address),
        region: "us-east-1".to_owned(),
        id: of("accessKeyId"),
        secret: of("secretAccessKey"),
        token: None,
    };
    let operator = format!("arn:aws:iam::{}:role/irsa-operator", space.emulator.account);
    operator_elsewhere(&AwsAdmin::new(&keys), account, &operator).await
}

/// All names of roles that the operator made there.
async fn roles(space: &Space, account: &str) -> Vec<Value> {
    let path = format!("/_admin/state/roles?account={account}&path=/irsa/");
    let answer = space.emulator.ask("GET", path, None).await;
    answer["roles"].as_array().into_iter().flatten().map(|role| role["name"].clone()).collect()
}

#[tokio::test]
async fn provider_and_role_are_made_where_the_class_says() {
    let space = Space::quiet("elsewhere").await;
    let assume = account(&space, "444455556666").await;
    space.make_class("elsewhere", json!({"account": {"assumeRoleArn": assume}})).await;
    space.make_account("app").await;
    space.make_binding("app", json!({"className": "elsewhere", "serviceAccount": {"name": "app"}})).await;
    let binding = space.ready("app").await;
    assert_eq!(binding["status"]["accountId"], "444455556666");
    assert_eq!(roles(&space, "444455556666").await, [json!("e2e_elsewhere_app")]);
    assert!(space.role("app").await.is_null(), "none in the operator's own account");
    let role = binding["status"]["roleArn"].as_str().expect("an ARN").to_owned();
    let session = space.aws.credentials(&role, &space.token("app").await).await;
    assert_eq!(session.arn, "arn:aws:sts::444455556666:assumed-role/e2e_elsewhere_app/pod");

    // A role can't move to another account, and is not made there a second time.
    space.patch_binding("app", json!({"spec": {"className": "default"}})).await;
    let binding = space.until("app", "says it", |b| reason(b, "Stalled") == "IdentityChanged").await;
    assert!(message(&binding, "Stalled").contains(&role), "{binding}");
    assert!(space.role("app").await.is_null());
    space.patch_binding("app", json!({"spec": {"className": "elsewhere"}})).await;
    space.ready("app").await;
    space.delete("app").await;
    space.gone("app").await;
    assert!(roles(&space, "444455556666").await.is_empty());
}

/// Who names another class, and is deleted while nobody knows the account of the one that the role is under, leaves no role
/// behind.
#[tokio::test]
async fn a_deletion_waits_for_the_class_that_reaches_the_role() {
    let env = Env::own("elsewhere-restart");
    let mut operator = Operator::start(&env, &["--resync", "10m"]);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("moved", &operator).await;
    let assume = account(&space, "444455556666").await;
    space.make_class("elsewhere", json!({"account": {"assumeRoleArn": assume}})).await;
    space.make_account("app").await;
    space.make_binding("app", json!({"className": "elsewhere", "serviceAccount": {"name": "app"}})).await;
    space.ready("app").await;
    space.patch_binding("app", json!({"spec": {"className": "default"}})).await;
    space.until("app", "says it", |b| reason(b, "Stalled") == "IdentityChanged").await;
    operator.terminate();
    eventually("the operator ends", async || operator.ended().ok_or_else(String::new)).await;

    let denied = json!({"action": "fail", "status": 403, "code": "AccessDenied", "message": "no",
        "match": {"operation": "AssumeRole"}});
    let rule = env.emulator.rule(denied).await;
    let mut operator = Operator::start(&env, &["--resync", "10m"]);
    operator.ready().await;
    space.class_until("default", "is Ready", |c| is(c, "Ready", "True")).await;
    space.delete("app").await;
    let waits = "only IrsaClass elsewhere reaches, which is not ready; see kubectl describe irsaclass elsewhere";
    eventually("the deletion waits", async || {
        let log = std::fs::read_to_string(&operator.log).expect("its log");
        if log.contains(waits) { Ok(()) } else { Err(log) }
    })
    .await;
    assert_eq!(roles(&space, "444455556666").await, [json!("e2e_moved_app")]);
    drop(rule);
    space.gone("app").await;
    assert!(roles(&space, "444455556666").await.is_empty());
    drop(operator);
}

#[tokio::test]
async fn a_class_whose_account_can_not_be_reached_says_so_and_stops_no_other() {
    let space = Space::quiet("unreachable").await;
    let assume = "arn:aws:iam::777788889999:role/nobody-made-it";
    let class = json!({
        "apiVersion": "irsa-operator.io/v1alpha1",
        "kind": "IrsaClass",
        "metadata": {"name": "unreachable"},
        "spec": {"account": {"assumeRoleArn": assume}},
    });
    space.kube.create(paths::CLASSES, &class).await;
    let class = space.class_until("unreachable", "says it", |c| is(c, "Ready", "False")).await;
    assert_eq!(reason(&class, "Ready"), "Credentials", "{class}");
    assert!(message(&class, "Ready").contains(assume), "{class}");
    space.make_ready("other", json!({})).await;
}
