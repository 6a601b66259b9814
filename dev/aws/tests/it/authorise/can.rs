//! What a session of a role may do, asked of the admin API: by the role's own policies, and nobody needs a session.

use serde_json::{Value, json};

use super::{World, document};
use crate::client::{admin, try_admin};

fn ask(w: &World, role: &str, probes: &[(&str, &str)], context: &Value) -> Vec<bool> {
    let probes: Vec<Value> = probes.iter().map(|(a, r)| json!({"action": a, "resource": r})).collect();
    let asked = json!({"account": w.account.id, "role": role, "probes": probes, "context": context});
    let answers = admin("POST", "can", asked)["answers"].clone();
    answers.as_array().expect("answers").iter().map(|answer| answer["allowed"] == true).collect()
}

#[test]
fn what_a_role_has_is_what_its_sessions_may() {
    let w = World::new();
    let aws = &w.account.admin;
    let op = ("RoleName", "op");
    let mine = "arn:aws:s3:::mine/a";
    let probes =
        [("s3:GetObject", mine), ("S3:getobject", mine), ("s3:GetObject", "arn:aws:s3:::b"), ("iam:GetRole", "*")];
    let none = json!({});
    assert_eq!(ask(&w, "op", &probes, &none), [false; 4]);

    let allow = json!([
        {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/team}/*"},
        {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::mine/*"},
        {"Effect": "Allow", "Action": "iam:*", "Resource": "*", "Condition": {"StringEquals": {"a:b": "c"}}},
    ]);
    aws.iam("PutRolePolicy", &[op, ("PolicyName", "p"), ("PolicyDocument", &document(&allow))]).ok();
    assert_eq!(ask(&w, "op", &probes, &none), [true, true, false, false]);
    assert_eq!(ask(&w, "op", &[("s3:GetObject", "arn:aws:s3:::x/a")], &none), [true], "its tag: team=x");
    assert_eq!(ask(&w, "op", &probes, &json!({"a:b": "c"})), [true, true, false, true]);

    // The boundary holds, and an attached policy counts.
    let bound = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let made = [("PolicyName", "bound"), ("PolicyDocument", &*document(&bound))];
    let arn = aws.iam("CreatePolicy", &made).ok().tag("Arn");
    aws.iam("PutRolePermissionsBoundary", &[op, ("PermissionsBoundary", &arn)]).ok();
    aws.iam("AttachRolePolicy", &[op, ("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess")]).ok();
    assert_eq!(ask(&w, "op", &probes, &none), [true, true, true, false]);
    aws.iam("DeleteRolePermissionsBoundary", &[op]).ok();
    assert_eq!(ask(&w, "op", &probes, &none), [true; 4]);
}

/// IAM user guide, "IAM identifiers": an ARN that lacks parts is completed with `*`.
#[test]
fn what_an_arn_lacks_is_everything() {
    let w = World::new();
    let allow = json!({"Effect": "Allow", "Action": "*", "Resource": ["arn:aws:sqs", "arn:aws:s3:${aws:x}", "arn:aws:sns:::a"]});
    let asked = |resource: &str| {
        let policies = json!([{"Version": "2012-10-17", "Statement": [allow]}]);
        admin("POST", "evaluate", json!({"policies": policies, "action": "a:b", "resource": resource}))["allowed"]
            .clone()
    };
    assert_eq!(asked("arn:aws:sqs:eu-west-1:111122223333:q"), true);
    assert_eq!(asked("arn:aws:sns:eu-west-1:111122223333:a"), false);
    assert_eq!(asked("arn:aws:sns:::a"), true);
    assert_eq!(asked("arn:aws:sns:::ab"), false);
    let _ = w;
}

#[test]
fn questions_that_make_no_sense() {
    let w = World::new();
    let raw = |body: Value| try_admin("POST", "can", body).0;
    let asked = |role: &str, probes: Value| raw(json!({"account": w.account.id, "role": role, "probes": probes}));
    assert_eq!(asked("gone", json!([])), 404);
    assert_eq!(asked("op", json!("x")), 400);
    assert_eq!(asked("op", json!([{"action": "a:b"}])), 400);
    assert_eq!(asked("op", json!([])), 200);
}
