//! Bindings that have changed: each call that changes a role, each fate of it.

use super::subject::*;
use super::{FATES, Fate, Trap, kill_at};
use crate::harness::{Env, Operator, Space, condition, is};
use serde_json::{Value, json};
use std::sync::Arc;

const STALE: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

/// What the binding was before it became [`spec`].
async fn make_former(space: &Space, name: &str) -> Subject {
    let former = format!("{name}-former");
    space.make_account(name).await;
    space.make_account(&former).await;
    let mut before = spec(&former, false);
    before["policies"]["managed"] = json!(["aws:ReadOnlyAccess", "aws:AmazonS3ReadOnlyAccess"]);
    let mut other = document();
    other["Statement"][0]["Action"] = json!("s3:PutObject");
    before["policies"]["inline"] =
        json!([{"name": INLINE, "document": other}, {"name": "stale", "document": document()}]);
    before["role"] = json!({"tags": {"team": "a"}, "maxSessionDurationSeconds": 7200});
    space.make_binding(name, before).await;
    space.ready(name).await;
    let role_id = space.role(name).await["id"].take();
    Subject { name: name.to_owned(), creates: false, role_id }
}

pub async fn at_each_call(env: &Arc<Env>, operator: Operator) -> Operator {
    let space = env.space("kill-changed", &operator).await;
    let calls = [
        ("UntagRole", None),
        ("TagRole", None),
        ("DetachRolePolicy", Some(("PolicyArn", STALE))),
        ("DeleteRolePolicy", Some(("PolicyName", "stale"))),
        ("DeleteRolePolicy", Some(("PolicyName", INLINE))),
        ("UpdateAssumeRolePolicy", None),
        ("AttachRolePolicy", Some(("PolicyArn", SQS))),
        ("PutRolePolicy", Some(("PolicyName", INLINE))),
        ("UpdateRole", None),
    ];
    let points: Vec<_> = calls.into_iter().flat_map(|call| FATES.map(|fate| (call, fate))).collect();
    let (mut subjects, mut traps) = (Vec::new(), Vec::new());
    for (number, ((operation, policy), fate)) in points.into_iter().enumerate() {
        // A removal that arrives after the new policy of its name was written takes that away: as drift, it is put
        // right at the next look, which here is far.
        if fate == Fate::ArrivesLast && policy == Some(("PolicyName", INLINE)) && operation == "DeleteRolePolicy" {
            continue;
        }
        let subject = make_former(&space, &format!("app-{number}")).await;
        let mut params = json!({"RoleName": space.role_name(&subject.name)});
        if let Some((key, value)) = policy {
            params[key] = json!(value);
        }
        traps.push(Trap::set(&space.emulator, operation, params, fate).await);
        subjects.push(subject);
    }
    for subject in &subjects {
        let mut after = spec(&subject.name, false);
        after["role"] = json!({"tags": {"team": null, "cost": "b"}, "maxSessionDurationSeconds": null});
        space.patch_binding(&subject.name, json!({ "spec": after })).await;
    }
    let operator = kill_at(env, operator, &traps, async || {
        for subject in &subjects {
            let now = |b: &Value| condition(b, "Ready")["observedGeneration"] == b["metadata"]["generation"];
            space.until(&subject.name, "is Ready as changed", |b| is(b, "Ready", "True") && now(b)).await;
        }
    })
    .await;
    for subject in &subjects {
        check(&space, subject).await;
        let role = space.role(&subject.name).await;
        let tags = [&role["tags"]["team"], &role["tags"]["cost"]];
        assert_eq!(tags, [&Value::Null, &json!("b")], "{}", subject.name);
        assert_eq!(role["maxSessionDuration"], 3600, "{}", subject.name);
        let former = space.annotated_role(&format!("{}-former", subject.name)).await;
        assert_eq!(former, Value::Null, "{}: the former ServiceAccount", subject.name);
    }
    assert_eq!(warnings(&space).await, [Value::Null; 0]);
    operator
}
