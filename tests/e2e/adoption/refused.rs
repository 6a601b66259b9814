//! Anything less than consent: the binding says what to do, and nothing is written.

use super::*;
use crate::harness::message;

/// The binding waits with this sentence, and the role stays exactly as it is, also when the binding goes.
async fn refused(space: &Space, role: &str, spec: Value, says: &[&str]) {
    let (before, since) = (space.emulator.role(role).await, space.mark().await);
    space.make_binding("app", spec).await;
    let binding = space.not_ready("app", "Conflict").await;
    for part in says {
        assert!(message(&binding, "Stalled").contains(part), "{part} in {binding}");
    }
    assert_eq!(binding["status"]["roleArn"], Value::Null, "people copy it");
    space.event("app", "Conflict", says[0]).await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(changes(space, role, since).await, [""; 0], "{says:?}");
    assert_eq!(space.emulator.role(role).await, before);
    assert_eq!(space.annotated_role("app").await, Value::Null);
}

#[tokio::test]
async fn less_than_consent_is_a_conflict_that_says_what_to_do() {
    let (env, operator) = adopting("adoption-refused", &["--resync", "2s", "--fuse", "off"]).await;
    // Roles are made anew under one name: what was there before must not be seen.
    env.emulator.switch(&json!({"propagation": {"pattern": [], "lapseMs": 0}})).await;
    let space = env.space("refused", &operator).await;
    space.make_account("app").await;
    let name = "eksctl-prod-Role1-ABC";
    let there = async |tags: Value| seed(&space.emulator, vec![theirs(&space, name, "/eks/", tags)]).await;
    let tag =
        format!("aws iam tag-role --role-name {name} --tags Key=irsa-operator.io/adoptable-by,Value=e2e/refused/app");

    // Nobody has offered it, so that the operator may not even look.
    there(json!({"owner": "somebody"})).await;
    refused(&space, name, spec(name), &[&tag, "irsa-operator iam-policy --adoption"]).await;
    space.emulator.delete_role(name).await;
    there(json!({"irsa-operator.io/adoptable-by": "green/refused/app"})).await;
    refused(&space, name, spec(name), &[&tag]).await;
    space.emulator.delete_role(name).await;
    there(json!({"irsa-operator.io/adoptable-by": "e2e/refused/other"})).await;
    refused(&space, name, spec(name), &[&format!("(it says e2e/refused/other): {tag}")]).await;

    // The spec does not ask for it; the class does not allow it.
    space.emulator.delete_role(name).await;
    there(offer(&space)).await;
    let mut never = spec(name);
    never["adoption"] = Value::Null;
    refused(&space, name, never, &["to have it taken over: set spec.adoption.policy to IfTagged"]).await;
    space.make_class("strict", json!({"allow": {"adopt": {"enabled": false}}})).await;
    let mut strict = spec(name);
    strict["className"] = json!("strict");
    refused(&space, name, strict.clone(), &["have it allowed by IrsaClass strict (spec.allow.adopt.enabled: true)"])
        .await;
    space
        .kube
        .patch(&format!("{}/strict", crate::harness::paths::CLASSES), &json!({"spec": {"allow": {"adopt": null}}}))
        .await;
    refused(&space, name, strict, &["have it allowed by IrsaClass strict"]).await;
    refused(&space, "nowhere", spec("nowhere"), &["there is no role nowhere in account"]).await;

    // In mode Observe it is told in the same words, and what would be done where all agree.
    let mut looked_at = spec(name);
    looked_at["mode"] = json!("Observe");
    let since = space.mark().await;
    space.make_binding("app", looked_at).await;
    let binding = space.until("app", "is planned", |b| reason(b, "Ready") == "Observed").await;
    let steps = binding["status"]["pendingSteps"].to_string();
    assert!(
        steps.contains("set the tags irsa-operator.io/adopted") && steps.contains("(waits for spec.adoption"),
        "{steps}"
    );
    assert!(message(&binding, "Ready").contains("more would wait for spec.adoption.acceptRemovals"), "{binding}");
    assert_eq!([&binding["status"]["roleArn"], &binding["status"]["roleId"]], [&Value::Null; 2], "it is not its own");
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(changes(&space, name, since).await, [""; 0]);

    stacks(&space, name, &there).await;
    let tags = offer(&space);
    space.emulator.delete_role(name).await;
    there(tags).await;
    let without = env.aws().iam.delete_role_policy().role_name("irsa-operator").policy_name("adoption");
    without.send().await.expect("deleted");
    refused(
        &space,
        name,
        spec(name),
        &["give the operator the IAM policy that irsa-operator iam-policy --adoption prints"],
    )
    .await;
}

/// What CloudFormation made it would delete with its stack.
async fn stacks(space: &Space, name: &str, there: &impl AsyncFn(Value)) {
    let mut tags = offer(space);
    tags["aws:cloudformation:stack-name"] = json!("eksctl-prod-addon-app");
    tags["aws:cloudformation:logical-id"] = json!("Role1");
    tags["alpha.eksctl.io/cluster-name"] = json!("prod");
    space.emulator.delete_role(name).await;
    there(tags).await;
    let left = "Key=irsa-operator.io/left-stack,Value=eksctl-prod-addon-app";
    refused(
        space,
        name,
        spec(name),
        &["its stack eksctl-prod-addon-app would delete it: give it DeletionPolicy: Retain", left],
    )
    .await;
    let tag = aws_sdk_iam::types::Tag::builder().key("irsa-operator.io/left-stack").value("eksctl-prod-addon-app");
    space.aws.iam.tag_role().role_name(name).tags(tag.build().unwrap()).send().await.expect("tagged");
    space.make_binding("app", spec(name)).await;
    awaits(space, "app").await;
    space.delete("app").await;
    space.gone("app").await;
    assert_eq!(space.emulator.role(name).await["tags"]["irsa-operator.io/released-by"], "e2e");
    space.kube.delete(&space.account_path("app")).await;
    space.make_account("app").await;

    let mut tags = offer(space);
    tags["alpha.eksctl.io/cluster-name"] = json!("prod");
    space.emulator.delete_role(name).await;
    there(tags).await;
    let untag = format!("aws iam untag-role --role-name {name} --tag-keys alpha.eksctl.io/cluster-name");
    refused(space, name, spec(name), &[&untag]).await;
}
