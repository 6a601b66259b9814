//! Roles that are being taken over: each call of it, each fate of it.

use super::{FATES, Fate, Trap, kill_at};
use crate::harness::adoption::allow_adoption;
use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Env, Operator, paths};
use serde_json::{Value, json};
use std::sync::Arc;

fn tags(namespace: &str, name: &str) -> Value {
    json!({"irsa-operator.io/adoptable-by": format!("e2e/{namespace}/{name}"), "owner": "somebody", "team": "theirs"})
}

fn spec(name: &str) -> Value {
    json!({"serviceAccount": {"name": name}, "adoption": {"policy": "IfTagged", "acceptRemovals": true},
        "className": "adopts", "role": {"name": format!("theirs-{name}"), "tags": {"team": "ours"}},
        "policies": {"managed": ["aws:AmazonSQSReadOnlyAccess"], "inline": [inline("bucket", allow("s3:GetObject"))]}})
}

pub async fn at_each_call(env: &Arc<Env>, operator: Operator) -> Operator {
    let space = env.space("kill-adopts", &operator).await;
    allow_adoption(env).await;
    space.make_class("adopts", json!({"allow": {"adopt": {"enabled": true}}})).await;
    let calls = [
        "TagRole",
        "UntagRole",
        "DetachRolePolicy",
        "DeleteRolePolicy",
        "UpdateAssumeRolePolicy",
        "AttachRolePolicy",
        "PutRolePolicy",
        "UpdateRole",
    ];
    let points: Vec<(&str, Fate)> = calls.into_iter().flat_map(|call| FATES.map(|fate| (call, fate))).collect();
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let (mut roles, mut traps) = (Vec::new(), Vec::new());
    for number in 0..=points.len() {
        let name = format!("app-{number}");
        roles.push(json!({"name": format!("theirs-{name}"), "path": "/theirs/", "tags": tags(&space.namespace, &name),
            "trust": trust, "maxSessionDuration": 7200, "attached": [aws("ReadOnlyAccess")],
            "inline": {"stray": allow("s3:*")}}));
    }
    // One that nobody has offered, between all the others.
    roles.push(json!({"name": "theirs-alone", "path": "/theirs/", "trust": trust, "tags": {"owner": "somebody"}}));
    let body = json!({"account": space.emulator.account, "roles": roles});
    space.emulator.ask("POST", "/_admin/state/roles".to_owned(), Some(body)).await;
    let mut before = Vec::new();
    for (number, (operation, fate)) in points.iter().enumerate() {
        let name = format!("app-{number}");
        let role = format!("theirs-{name}");
        before.push(space.emulator.role(&role).await);
        traps.push(Trap::set(&space.emulator, operation, json!({"RoleName": role}), *fate).await);
        space.make_account(&name).await;
        space.make_binding(&name, spec(&name)).await;
    }
    let alone = space.emulator.role("theirs-alone").await;
    space.make_account("alone").await;
    space.make_binding("alone", spec("alone")).await;
    let operator = kill_at(env, operator, &traps, async || {
        for number in 0..points.len() {
            space.ready(&format!("app-{number}")).await;
        }
    })
    .await;
    for (number, (point, before)) in points.iter().zip(&before).enumerate() {
        let name = format!("app-{number}");
        let role = space.emulator.role(&format!("theirs-{name}")).await;
        assert_eq!((&role["id"], &role["path"]), (&before["id"], &json!("/theirs/")), "{point:?}");
        let has = json!([role["attached"], role["inline"], role["maxSessionDuration"]]);
        assert_eq!(
            has,
            json!([[aws("AmazonSQSReadOnlyAccess")], {"bucket": allow("s3:GetObject")}, 3600]),
            "{point:?}"
        );
        assert!(role["trust"].to_string().contains(&format!(":{}:{name}\"", space.namespace)), "{point:?}: {role}");
        let tag = |key: &str| role["tags"][key].clone();
        let ours = ["irsa-operator.io/adopted", "irsa-operator.io/cluster"].map(&tag);
        assert_eq!((ours, tag("team"), tag("owner")), ([json!("e2e"), json!("e2e")], json!("ours"), json!("somebody")));
        assert_eq!(tag("irsa-operator.io/adoptable-by"), Value::Null, "{point:?}");
        let arn = format!("arn:aws:iam::{}:role/theirs/theirs-{name}", space.emulator.account);
        assert_eq!(
            (space.annotated_role(&name).await, &space.binding(&name).await["status"]["roleArn"]),
            (json!(arn), &json!(arn))
        );
    }
    space.not_ready("alone", "Conflict").await;
    assert_eq!(space.emulator.role("theirs-alone").await, alone);
    // Nobody was told to make or delete any of them.
    let query = "principal=*assumed-role/irsa-operator/*&param.RoleName=theirs-*&operation=CreateRole,DeleteRole";
    assert!(space.emulator.journal(query).await.is_empty());

    // And gone again: retained, each of them.
    for number in 0..points.len() {
        space.delete(&format!("app-{number}")).await;
    }
    for number in 0..points.len() {
        space.gone(&format!("app-{number}")).await;
        let role = space.emulator.role(&format!("theirs-app-{number}")).await;
        assert_eq!(role["tags"]["irsa-operator.io/released-by"], "e2e", "{role}");
    }
    space.delete("alone").await;
    space.gone("alone").await;
    space.kube.delete(&format!("{}/adopts", paths::CLASSES)).await;
    operator
}
