//! An annotation that replaces another role's: killed at each call before it, and while it waits for its time.

use super::subject::*;
use super::{FATES, Trap, kill_at, lag};
use crate::harness::{Env, Operator, Space, eventually, reason};
use futures::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;

fn theirs(space: &Space, name: &str) -> String {
    format!("arn:aws:iam::{}:role/theirs-{name}", space.emulator.account)
}

async fn make_replacing(space: &Space, name: &str) -> Subject {
    let theirs = theirs(space, name);
    let object = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "annotations": {"eks.amazonaws.com/role-arn": theirs}},
    });
    space.kube.apply(&space.account_path(name), "eksctl", &object).await;
    let mut spec = spec(name, false);
    spec["serviceAccount"]["replaceRoleArn"] = json!(theirs);
    space.make_binding(name, spec).await;
    Subject { name: name.to_owned(), creates: false, role_id: Value::Null }
}

/// From the moment in which the ServiceAccount names our role, that serves Pods.
async fn replaced(space: &Space, name: &str) {
    eventually(&format!("the annotation of {name} is replaced"), async || {
        let role = space.annotated_role(name).await;
        if role == theirs(space, name) {
            return Err(role.to_string());
        }
        assert_eq!(role, space.role_arn(name));
        let answer = space.aws.web_identity(&space.role_arn(name), &space.token(name).await).await;
        assert!(answer.is_ok(), "{name}: {answer:?}");
        let has = space.role(name).await;
        assert!(
            has["attached"].as_array().is_some_and(|all| all.len() == 2) && !has["inline"][INLINE].is_null(),
            "{has}"
        );
        Ok(())
    })
    .await;
}

pub async fn at_each_call(env: &Arc<Env>, operator: Operator) -> Operator {
    let space = env.space("kill-replaced", &operator).await;
    // A little less than the operator waits.
    lag(env, json!({"pattern": [], "lapseMs": 0, "youngMs": 2500})).await;
    let calls = [
        ("CreateRole", None),
        ("AttachRolePolicy", Some(SQS)),
        ("AttachRolePolicy", Some(READ)),
        ("PutRolePolicy", None),
    ];
    let (mut subjects, mut traps) = (Vec::new(), Vec::new());
    let points = calls.into_iter().flat_map(|call| FATES.map(|fate| (call, fate)));
    for (number, ((operation, policy), fate)) in points.enumerate() {
        let name = format!("app-{number}");
        let mut params = json!({"RoleName": space.role_name(&name)});
        if let Some(policy) = policy {
            params["PolicyArn"] = json!(policy);
        }
        traps.push(Trap::set(&space.emulator, operation, params, fate).await);
        subjects.push(make_replacing(&space, &name).await);
    }
    for trap in &traps {
        trap.caught(&space.emulator, 0).await;
    }
    for name in ["waits-1", "waits-2"] {
        subjects.push(make_replacing(&space, name).await);
        space.until(name, "waits", |binding| reason(binding, "Reconciling") == "Settling").await;
    }
    for subject in &subjects {
        assert_eq!(space.annotated_role(&subject.name).await, theirs(&space, &subject.name));
    }
    let operator = kill_at(env, operator, &traps, async || {
        join_all(subjects.iter().map(|subject| replaced(&space, &subject.name))).await;
    })
    .await;
    for subject in &mut subjects {
        space.ready(&subject.name).await;
        subject.role_id = space.role(&subject.name).await["id"].take();
        check(&space, subject).await;
    }
    assert_eq!(warnings(&space).await, [Value::Null; 0]);
    lag(env, Value::Null).await;
    operator
}
