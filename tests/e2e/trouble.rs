//! What AWS refuses or fails to do: said, tried again, and no reason to call Ready what is not, or not what is.

use crate::harness::documents::{allow, aws};
use crate::harness::{Space, is, message, reason};
use serde_json::{Value, json};

/// What is true of a new binding that AWS refuses something: not Ready, tried again, and the rest is done.
async fn refused(space: &Space, why: &str, said: &str) -> Value {
    let binding = space.not_ready("app", why).await;
    assert!(is(&binding, "Reconciling", "True") && !is(&binding, "Stalled", "True"), "{binding}");
    assert!(message(&binding, "Reconciling").contains(said), "{said} in {binding}");
    space.event("app", why, said).await;
    binding
}

#[tokio::test]
async fn a_managed_policy_that_does_not_exist() {
    let space = Space::quiet("no-policy").await;
    space.make_account("app").await;
    let policies = json!({"managed": ["account:no-policy-yet", "aws:ReadOnlyAccess"]});
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}, "policies": policies})).await;
    let binding = refused(&space, "NotFound", "policy/no-policy-yet").await;
    assert!(is(&binding, "PoliciesReady", "False") && is(&binding, "RoleReady", "True"), "{binding}");
    assert!(binding["status"]["pendingSteps"].to_string().contains("attach"), "{binding}");
    // Another binding is not held up by it.
    space.make_ready("other", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    space.aws.policy("no-policy-yet", &allow("s3:*").to_string()).await;
    space.nudge("app").await;
    let binding = space.ready("app").await;
    assert_eq!(binding["status"]["pendingSteps"], Value::Null);
    assert_eq!(space.role("app").await["attached"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_boundary_that_does_not_exist() {
    let space = Space::quiet("no-boundary").await;
    let boundary = format!("arn:aws:iam::{}:policy/no-boundary-yet", space.emulator.account);
    space.make_class("no-boundary", json!({"role": {"permissionsBoundaryArn": boundary}})).await;
    space.make_account("app").await;
    space.make_binding("app", json!({"className": "no-boundary", "serviceAccount": {"name": "app"}})).await;
    refused(&space, "NotFound", "no-boundary-yet").await;
    assert!(space.role("app").await.is_null());
    space.aws.policy("no-boundary-yet", &allow("s3:*").to_string()).await;
    space.nudge("app").await;
    space.ready("app").await;
    assert_eq!(space.role("app").await["boundary"], boundary);
}

/// What the operator may not do is named as the action that a policy has to allow.
#[tokio::test]
async fn a_permission_that_the_operator_lacks() {
    let space = Space::quiet("denied").await;
    let text = "User: arn:aws:sts::111122223333:assumed-role/irsa-operator/x is not authorized to perform: \
                iam:AttachRolePolicy on resource: arn:aws:iam::111122223333:role/irsa/e2e_denied_app";
    let rule = json!({"action": "fail", "status": 403, "code": "AccessDenied", "message": text,
        "match": {"operation": "AttachRolePolicy", "params": {"RoleName": "e2e_denied_app"}}});
    let rule = space.emulator.rule(rule).await;
    space.make_account("app").await;
    let policies = json!({"managed": ["aws:ReadOnlyAccess"]});
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}, "policies": policies})).await;
    let binding = refused(&space, "AccessDenied", "iam:AttachRolePolicy").await;
    assert!(is(&binding, "RoleReady", "True") && is(&binding, "PoliciesReady", "False"), "{binding}");
    drop(rule);
    space.nudge("app").await;
    space.ready("app").await;
}

#[tokio::test]
async fn a_quota_that_is_used_up() {
    let space = Space::quiet("quota").await;
    let rule = json!({"action": "fail", "status": 409, "code": "LimitExceeded",
        "message": "Cannot exceed quota for RolesPerAccount: 1000",
        "match": {"operation": "CreateRole", "params": {"RoleName": "e2e_quota_app"}}});
    let rule = space.emulator.rule(rule).await;
    space.make_account("app").await;
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}})).await;
    refused(&space, "QuotaExceeded", "RolesPerAccount").await;
    drop(rule);
    space.nudge("app").await;
    space.ready("app").await;
}

/// A burst of throttling is waited out and not worth a word.
#[tokio::test]
async fn throttling_is_waited_out() {
    let space = Space::quiet("throttled").await;
    let rule = json!({"action": "throttle", "count": 2, "match": {"params": {"RoleName": "e2e_throttled_app"}}});
    let rule = space.emulator.rule(rule).await;
    space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    assert_eq!(space.emulator.fired(&rule).await, 2);
    let codes: Vec<String> = space.calls("app").await.into_iter().map(|call| call.code).collect();
    assert_eq!(codes.iter().filter(|code| *code == "Throttling").count(), 2, "{codes:?}");
    assert_eq!(space.events("app", "Throttled").await.len(), 0);
    space.event("app", "RoleCreated", "").await;
}

/// An outage of AWS turns nothing to not Ready that was Ready; it is said beside it, and ends by itself.
async fn an_outage(name: &str, fault: Value) {
    let space = Space::new(name).await;
    let before = space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    let mut rule = fault;
    let operator = "*assumed-role/irsa-operator/*";
    rule["match"] = json!({"principal": operator, "params": {"RoleName": space.role_name("app")}});
    let rule = space.emulator.rule(rule).await;
    // A reason to look at it.
    let detach = space.aws.iam.detach_role_policy().role_name(space.role_name("app"));
    detach.policy_arn(crate::harness::documents::aws("ReadOnlyAccess")).send().await.unwrap();
    let binding = space.until("app", "says it", |b| is(b, "Reconciling", "True")).await;
    assert_eq!(reason(&binding, "Reconciling"), "Unavailable");
    assert_eq!(crate::harness::condition(&binding, "Ready"), crate::harness::condition(&before, "Ready"));
    assert!(is(&binding, "RoleReady", "True") && is(&binding, "PoliciesReady", "True"), "{binding}");
    // A change that can't be carried out leaves what was said of the former one, with its generation.
    space.patch_binding("app", json!({"spec": {"policies": {"managed": []}}})).await;
    drop(rule);
    let binding = space.ready("app").await;
    assert!(!is(&binding, "Reconciling", "True"), "{binding}");
    assert_eq!(space.role("app").await["attached"], json!([]));
}

#[tokio::test]
async fn aws_that_answers_nothing_but_errors() {
    an_outage("outage-500", json!({"action": "fail", "status": 500})).await;
}

#[tokio::test]
async fn aws_that_closes_connections() {
    an_outage("outage-close", json!({"action": "close"})).await;
}

#[tokio::test]
async fn a_proxy_that_answers_for_aws() {
    an_outage("outage-html", json!({"action": "html"})).await;
}

/// An answer of CreateRole that is lost leaves one role, and it is ours.
#[tokio::test]
async fn a_lost_answer_makes_no_second_role() {
    let space = Space::quiet("lost").await;
    let rule = json!({"action": "close", "when": "after", "count": 1,
        "match": {"operation": "CreateRole", "params": {"RoleName": "e2e_lost_app"}}});
    let _rule = space.emulator.rule(rule).await;
    let binding = space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    assert_eq!(binding["status"]["roleId"], space.role("app").await["id"]);
    assert_eq!(space.role("app").await["attached"], json!([aws("ReadOnlyAccess")]));
    assert_eq!(space.events("app", "RoleRecreated").await.len(), 0);
}
