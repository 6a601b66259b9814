//! Bindings and their roles.

use super::subject::*;
use super::{FATES, Fate, Trap, kill_at, lag, start};
use crate::harness::{CLUSTER_ID, Env, Operator, Space, eventually, paths};
use serde_json::{Value, json};
use std::sync::Arc;

/// Each call of making a role, each fate of it, with and without a ServiceAccount to be made.
pub async fn made_and_deleted(env: &Arc<Env>, operator: Operator) -> Operator {
    let space = env.space("kill", &operator).await;
    let making = [
        ("CreateRole", None),
        ("AttachRolePolicy", Some(SQS)),
        ("AttachRolePolicy", Some(READ)),
        ("PutRolePolicy", None),
    ];
    let mut points: Vec<Option<(_, _, Fate)>> = Vec::new();
    for (operation, policy) in making {
        points.extend(FATES.map(|fate| Some((operation, policy, fate))));
    }
    // And some that have long been done: the kill and the start must mean nothing to them.
    points.extend([None, None]);

    let (mut subjects, mut traps, mut done_before) = (Vec::new(), Vec::new(), Vec::new());
    for creates in [false, true] {
        for (number, point) in points.iter().enumerate() {
            let name = format!("{}-{number}", if creates { "creates" } else { "finds" });
            if let Some((operation, policy, fate)) = *point {
                traps.push(Trap::set(&space.emulator, operation, params(&space, &name, policy), fate).await);
            } else {
                done_before.push(name.clone());
            }
            make(&space, &name, creates).await;
            subjects.push(Subject { name, creates, role_id: Value::Null });
        }
    }
    for name in &done_before {
        space.ready(name).await;
    }
    let first_seen = async |subjects: &mut [Subject]| {
        for subject in subjects.iter_mut().filter(|subject| subject.role_id.is_null()) {
            subject.role_id = space.role(&subject.name).await["id"].take();
        }
    };
    for trap in &traps {
        trap.caught(&space.emulator, 0).await;
    }
    first_seen(&mut subjects).await;
    let there = subjects.iter().filter(|subject| !subject.role_id.is_null()).count();
    assert_eq!(there, subjects.len() - 2 * 3, "all but those whose CreateRole is on its way");

    let since = space.mark().await;
    let operator = kill_at(env, operator, &traps, async || {
        for subject in &subjects {
            space.ready(&subject.name).await;
        }
        first_seen(&mut subjects).await;
    })
    .await;
    for subject in &subjects {
        check(&space, subject).await;
    }
    for name in &done_before {
        assert_eq!(space.changes(name, since).await, [""; 0], "{name} was done before");
    }
    let mut names: Vec<String> = subjects.iter().map(|subject| subject.name.clone()).collect();
    names.sort();
    assert_eq!(roles(&space).await, names);
    assert_eq!(warnings(&space).await, [Value::Null; 0]);
    deleted(env, &space, operator, &subjects).await
}

/// What tells the call on this role from all others.
fn params(space: &Space, name: &str, policy: Option<&str>) -> Value {
    let mut params = json!({"RoleName": space.role_name(name)});
    if let Some(policy) = policy {
        params["PolicyArn"] = json!(policy);
    }
    params
}

/// Each call of deleting a role, each fate of it.
async fn deleted(env: &Arc<Env>, space: &Space, operator: Operator, subjects: &[Subject]) -> Operator {
    let mut points = vec![("GetRole", None, Fate::NeverArrives), ("GetRole", None, Fate::AnswerLost)];
    let changes = [
        ("DetachRolePolicy", Some(SQS)),
        ("DetachRolePolicy", Some(READ)),
        ("DeleteRolePolicy", None),
        ("DeleteRole", None),
    ];
    for (operation, policy) in changes {
        points.extend(FATES.map(|fate| (operation, policy, fate)));
    }
    assert_eq!(points.len() * 2, subjects.len());
    let mut traps = Vec::new();
    for (subject, (operation, policy, fate)) in subjects.iter().zip(points.iter().cycle()) {
        let params = params(space, &subject.name, *policy);
        traps.push(Trap::set(&space.emulator, operation, params, *fate).await);
    }
    for subject in subjects {
        space.delete(&subject.name).await;
    }
    let operator = kill_at(env, operator, &traps, async || {
        for subject in subjects {
            space.gone(&subject.name).await;
        }
    })
    .await;
    for subject in subjects {
        check_account_left(space, subject).await;
    }
    assert_eq!(roles(space).await, [""; 0]);
    assert_eq!(warnings(space).await, [Value::Null; 0]);
    operator
}

/// Killed when the role is there and nothing tells of it yet, neither status nor annotation; and before anybody runs
/// again the binding is deleted, in some cases after it was made invalid.
pub async fn deleted_while_nobody_runs(env: &Arc<Env>, operator: Operator) -> Operator {
    let space = env.space("kill-deleted", &operator).await;
    let (mut subjects, mut traps) = (Vec::new(), Vec::new());
    for creates in [false, true] {
        for (number, operation) in ["CreateRole", "CreateRole", "AttachRolePolicy", "PutRolePolicy"].iter().enumerate()
        {
            let name = format!("{}-{number}", if creates { "creates" } else { "finds" });
            let params = params(&space, &name, (*operation == "AttachRolePolicy").then_some(SQS));
            traps.push(Trap::set(&space.emulator, operation, params, Fate::AnswerLost).await);
            make(&space, &name, creates).await;
            subjects.push(Subject { name, creates, role_id: Value::Null });
        }
    }
    // One whose class keeps roles, which has to be known although the spec that goes with it can't be used any more.
    space.make_class("keeps", json!({"role": {"deletionPolicy": "Retain"}})).await;
    space.make_account("kept").await;
    let mut kept = spec("kept", false);
    kept["className"] = json!("keeps");
    space.make_binding("kept", kept).await;
    space.ready("kept").await;
    for trap in &traps {
        trap.caught(&space.emulator, 0).await;
    }
    assert_eq!(roles(&space).await.len(), subjects.len() + 1);
    operator.kill();
    let wrong = json!([{"name": INLINE, "document": {"Version": "2012-10-17", "Statement": "none"}}]);
    let wrong = json!({"spec": {"policies": {"inline": wrong}}});
    for (number, subject) in subjects.iter().enumerate() {
        if number % 2 == 1 {
            space.patch_binding(&subject.name, wrong.clone()).await;
        }
        space.delete(&subject.name).await;
    }
    space.patch_binding("kept", wrong).await;
    space.delete("kept").await;
    let mut operator = start(env);
    operator.ready().await;
    for subject in &subjects {
        space.gone(&subject.name).await;
    }
    space.gone("kept").await;
    assert_eq!(roles(&space).await, ["kept"]);
    assert_eq!(space.role("kept").await["tags"]["irsa-operator.io/released-by"], CLUSTER_ID);
    assert_eq!(space.annotated_role("kept").await, space.role_arn("kept"));
    for subject in &subjects {
        // One that was not annotated yet has gone without a trace of us, and one that we made has gone.
        check_account_left(&space, subject).await;
    }
    operator
}

/// Killed when the role has been made, deleted before the next start, and that one is told first that there is no role.
pub async fn deleted_before_aws_shows_them(env: &Arc<Env>, operator: Operator) -> Operator {
    let space = env.space("kill-lag", &operator).await;
    lag(env, json!({"pattern": [true, true], "lapseMs": 2000})).await;
    let mut traps = Vec::new();
    for creates in [false, true] {
        let name = format!("creates-{creates}");
        let params = params(&space, &name, None);
        traps.push(Trap::set(&space.emulator, "PutRolePolicy", params, Fate::AnswerLost).await);
        make(&space, &name, creates).await;
    }
    for trap in &traps {
        trap.caught(&space.emulator, 0).await;
    }
    operator.kill();
    for creates in [false, true] {
        space.delete(&format!("creates-{creates}")).await;
    }
    let mut operator = start(env);
    operator.ready().await;
    for creates in [false, true] {
        space.gone(&format!("creates-{creates}")).await;
    }
    assert_eq!(roles(&space).await, [""; 0]);
    lag(env, Value::Null).await;
    operator
}

/// Killed between the two writes that make a ServiceAccount: it is there with its mark and no annotation.
pub async fn with_a_new_account_of_its_own(env: &Arc<Env>, operator: Operator) -> Operator {
    let space = env.space("kill-account", &operator).await;
    let trap = Trap::set(&space.emulator, "CreateRole", params(&space, "app", None), Fate::AnswerLost).await;
    make(&space, "app", true).await;
    let operator = {
        trap.caught(&space.emulator, 0).await;
        let half_made = json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "app", "annotations": {"irsa-operator.io/created-by": "app"}},
        });
        // Under the name that the operator itself writes it with.
        let path = format!("{}?fieldManager=irsa-operator", paths::accounts(&space.namespace));
        let kill = async || {
            space.ready("app").await;
        };
        space.kube.create(&path, &half_made).await;
        kill_at(env, operator, &[trap], kill).await
    };
    let subject = Subject { name: "app".into(), creates: true, role_id: space.role("app").await["id"].take() };
    check(&space, &subject).await;
    space.delete("app").await;
    space.gone("app").await;
    check_account_left(&space, &subject).await;
    assert_eq!(roles(&space).await, [""; 0]);
    operator
}

/// No kill: the answer to each call of making and deleting is lost, one call for each binding, and once more the call
/// that follows a lost `CreateRole`. It is found out that the role is ours.
pub async fn whose_answers_are_lost(env: &Arc<Env>, operator: &Operator) {
    let space = env.space("lost-answers", operator).await;
    let lost = async |operation: &str, name: &str, when: &str, skip: u64| {
        let matching = json!({"operation": operation, "params": {"RoleName": space.role_name(name)}});
        let rule = json!({"action": "close", "when": when, "match": matching, "count": 1, "skip": skip});
        space.emulator.rule(rule).await
    };
    let making = ["CreateRole", "AttachRolePolicy", "PutRolePolicy"];
    let mut subjects = Vec::new();
    let mut rules = Vec::new();
    for (number, operation) in making.into_iter().chain(["CreateRole"]).enumerate() {
        let name = format!("app-{number}");
        rules.push((name.clone(), operation, lost(operation, &name, "after", 0).await));
        if number == making.len() {
            // What is sent again is lost on its way there: nothing is known of the role until it is read.
            rules.push((name.clone(), operation, lost(operation, &name, "before", 1).await));
        }
        make(&space, &name, number % 2 == 1).await;
        subjects.push(Subject { name, creates: number % 2 == 1, role_id: Value::Null });
    }
    for subject in &mut subjects {
        subject.role_id = eventually(&format!("role of {}", subject.name), async || {
            let id = space.role(&subject.name).await["id"].take();
            if id.is_null() { Err(String::new()) } else { Ok(id) }
        })
        .await;
    }
    for subject in &subjects {
        space.ready(&subject.name).await;
        check(&space, subject).await;
    }
    for (name, operation, rule) in &rules {
        assert_eq!(space.emulator.fired(rule).await, 1, "an answer to {operation} for {name} was lost");
    }
    drop(rules);

    let removing = ["GetRole", "DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"];
    let mut rules = Vec::new();
    for (subject, operation) in subjects.iter().zip(removing) {
        rules.push((operation, lost(operation, &subject.name, "after", 0).await));
        space.delete(&subject.name).await;
    }
    for subject in &subjects {
        space.gone(&subject.name).await;
        check_account_left(&space, subject).await;
    }
    for (operation, rule) in &rules {
        assert_eq!(space.emulator.fired(rule).await, 1, "an answer to {operation} was lost");
    }
    assert_eq!(roles(&space).await, [""; 0]);
    assert_eq!(warnings(&space).await, [Value::Null; 0]);
}
