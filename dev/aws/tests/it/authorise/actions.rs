//! Which actions, on which resources.

use serde_json::{Value, json};

use super::*;

#[test]
fn actions_and_resources() {
    let w = World::new();
    let (mine, irsa) = (w.own("role/irsa/mine"), w.own("role/irsa/*"));
    let (whole, gone) = (format!("on resource: {mine} {IDENTITY}"), format!("on resource: role gone {IDENTITY}"));
    let cases: Vec<(&str, Value, &str, &[(&str, &str)], &str)> = vec![
        ("By default, all requests are implicitly denied [evaluation logic]", Value::Null, "GetRole", &MINE, IDENTITY),
        ("An explicit allow overrides the default [evaluation logic]", allow("iam:GetRole", "*"), "GetRole", &MINE, ""),
        ("You can use * in an action's name [Action]", allow("iam:Get*", "*"), "GetRole", &MINE, ""),
        ("You can use ? for one character [Action]", allow("iam:GetRol?", "*"), "GetRole", &MINE, ""),
        (
            "The prefix and the action name are case insensitive [Action]",
            allow("IAM:getrole", "*"),
            "GetRole",
            &MINE,
            "",
        ),
        (
            "What is not allowed stays denied [evaluation logic]",
            allow("iam:ListRoles", "*"),
            "GetRole",
            &MINE,
            IDENTITY,
        ),
        (
            "An explicit deny in any policy overrides any allows [evaluation logic]",
            json!([allow("iam:*", "*"), {"Effect": "Deny", "Action": "iam:GetRole", "Resource": "*"}]),
            "GetRole",
            &MINE,
            DENY,
        ),
        (
            "NotAction with Allow: all but the actions listed [NotAction]",
            json!({"Effect": "Allow", "NotAction": "iam:Delete*", "Resource": "*"}),
            "GetRole",
            &MINE,
            "",
        ),
        (
            "NotAction with Deny: denies what is not listed [NotAction]",
            json!([allow("*", "*"), {"Effect": "Deny", "NotAction": "iam:List*", "Resource": "*"}]),
            "GetRole",
            &MINE,
            DENY,
        ),
        ("A role's ARN has its path [IAM identifiers]", allow("iam:GetRole", &mine), "GetRole", &MINE, ""),
        (
            "A role's ARN has its path [IAM identifiers]",
            allow("iam:GetRole", &w.own("role/mine")),
            "GetRole",
            &MINE,
            &whole,
        ),
        ("A wildcard can span slashes [Resource]", allow("iam:GetRole", &w.own("role/i*")), "GetRole", &MINE, ""),
        (
            "A policy for one path is for no other [IAM identifiers]",
            allow("iam:GetRole", &irsa),
            "GetRole",
            &ELSE,
            IDENTITY,
        ),
        ("ARNs are case sensitive [Resource]", allow("iam:GetRole", &w.own("role/IRSA/*")), "GetRole", &MINE, IDENTITY),
        (
            "NotResource matches every resource but those listed [NotResource]",
            json!({"Effect": "Allow", "Action": "iam:GetRole", "NotResource": w.own("role/other/*")}),
            "GetRole",
            &ELSE,
            IDENTITY,
        ),
        (
            "A policy variable can stand after the fifth colon, with a default [policy variables]",
            allow("iam:GetRole", &w.own("role/${aws:PrincipalTag/where, 'irsa'}/*")),
            "GetRole",
            &MINE,
            "",
        ),
        (
            "You can't use a variable before the fifth colon, such as for the account [policy variables]",
            allow("iam:GetRole", "arn:aws:iam::${aws:PrincipalAccount}:role/irsa/*"),
            "GetRole",
            &MINE,
            IDENTITY,
        ),
        (
            "What is not there has no path [reported]",
            allow("iam:GetRole", &irsa),
            "GetRole",
            &[("RoleName", "gone")],
            &gone,
        ),
        (
            "What may be seen is said to be missing [GetRole]",
            allow("iam:GetRole", "*"),
            "GetRole",
            &[("RoleName", "gone")],
            "",
        ),
        (
            "ListRoles has no resource type: * [authorization reference]",
            allow("iam:ListRoles", &irsa),
            "ListRoles",
            &[],
            IDENTITY,
        ),
        (
            "ListRoles has no resource type: * [authorization reference]",
            allow("iam:ListRoles", "*"),
            "ListRoles",
            &[],
            "",
        ),
        (
            "DescribeCluster is asked of the cluster's ARN [EKS authorization reference]",
            allow("eks:DescribeCluster", &format!("arn:aws:eks:us-east-1:{}:cluster/blue", w.account.id)),
            "DescribeCluster",
            &[("name", "blue")],
            "",
        ),
        (
            "DescribeCluster is asked of the cluster's ARN [EKS authorization reference]",
            allow("eks:DescribeCluster", &format!("arn:aws:eks:us-east-1:{}:cluster/blue", w.account.id)),
            "DescribeCluster",
            &[("name", "green")],
            "is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:us-east-1",
        ),
        (
            "A role is passed to EC2 with its instance profile: PassRole [PassRole]",
            allow("iam:AddRoleToInstanceProfile", "*"),
            "AddRoleToInstanceProfile",
            &[("InstanceProfileName", "i"), ("RoleName", "mine")],
            "iam:PassRole on resource: ",
        ),
        (
            "No permission is needed to know who one is [GetCallerIdentity]",
            allow("iam:GetPolicy", "*"),
            "GetPolicy",
            &[("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")],
            "",
        ),
    ];
    for (rests_on, statements, op, params, expected) in cases {
        w.case(rests_on, policy(statements), op, params, expected);
    }
}
