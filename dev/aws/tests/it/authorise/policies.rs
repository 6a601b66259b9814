//! Which policy is attached, who asks and from where, and AssumeRole.

use serde_json::{Value, json};

use super::*;

#[test]
fn policies_attached_and_who_asks() {
    let w = World::new();
    let (queues, lax) = (w.own("policy/team/queues"), w.own("policy/lax"));
    let (boundary, provider) = (w.own("policy/irsa-boundary"), w.own("oidc-provider/a.example/id/1"));
    let (other, by_root, by_name) =
        (w.own("oidc-provider/b.example/id/2"), w.own("role/by-root"), w.own("role/by-name"));
    let attach = |operator: &str, pattern: &str| {
        when(allow("iam:AttachRolePolicy", "*"), json!({operator: {"iam:PolicyARN": pattern}}))
    };
    let on = |role, arn| vec![("RoleName", role), ("PolicyArn", arn)];
    let team = w.own("policy/team/*");
    let get = |condition: Value| when(allow("iam:GetRole", "*"), condition);
    let assume = |arn| vec![("RoleArn", arn), ("RoleSessionName", "next")];
    let cases: Vec<(&str, Value, &str, Vec<(&str, &str)>, &str)> = vec![
        (
            "iam:PolicyARN is the policy attached [IAM keys]",
            attach("ArnLike", &team),
            "AttachRolePolicy",
            on("mine", &queues),
            "",
        ),
        (
            "iam:PolicyARN is the policy attached [IAM keys]",
            attach("ArnLike", &team),
            "AttachRolePolicy",
            on("mine", &lax),
            IDENTITY,
        ),
        (
            "ArnLike checks each of the six parts by itself [condition operators]",
            attach("ArnLike", "arn:*:policy/team/*"),
            "AttachRolePolicy",
            on("mine", &queues),
            IDENTITY,
        ),
        (
            "ArnEquals and ArnLike behave the same [condition operators]",
            attach("ArnEquals", &team),
            "AttachRolePolicy",
            on("mine", &queues),
            "",
        ),
        (
            "StringLike takes * anywhere in the string [condition operators]",
            attach("StringLike", "arn:*:policy/team/*"),
            "AttachRolePolicy",
            on("mine", &queues),
            "",
        ),
        (
            "StringEquals takes no * [condition operators]",
            attach("StringEquals", &team),
            "AttachRolePolicy",
            on("mine", &queues),
            IDENTITY,
        ),
        (
            "Attaching: iam:PermissionsBoundary is the role's [boundaries]",
            when(allow("iam:AttachRolePolicy", "*"), json!({"StringEquals": {"iam:PermissionsBoundary": boundary}})),
            "AttachRolePolicy",
            on("mine", &queues),
            "",
        ),
        (
            "A role without a boundary has no such key [boundaries]",
            when(allow("iam:AttachRolePolicy", "*"), json!({"StringEquals": {"iam:PermissionsBoundary": boundary}})),
            "AttachRolePolicy",
            on("else", &queues),
            IDENTITY,
        ),
        (
            "A provider's ARN is its URL without the scheme [authorization reference]",
            allow("iam:AddClientIDToOpenIDConnectProvider", &provider),
            "AddClientIDToOpenIDConnectProvider",
            vec![("OpenIDConnectProviderArn", &provider), ("ClientID", "x")],
            "",
        ),
        (
            "A provider's ARN is its URL without the scheme [authorization reference]",
            allow("iam:AddClientIDToOpenIDConnectProvider", &provider),
            "AddClientIDToOpenIDConnectProvider",
            vec![("OpenIDConnectProviderArn", &other), ("ClientID", "x")],
            &other,
        ),
        (
            "aws:PrincipalArn of a session is its role's ARN [global keys]",
            get(json!({"ArnEquals": {"aws:PrincipalArn": w.arn}})),
            "GetRole",
            MINE.to_vec(),
            "",
        ),
        (
            "aws:PrincipalArn of a session is its role's ARN [global keys]",
            get(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:sts::*:assumed-role/*"}})),
            "GetRole",
            MINE.to_vec(),
            IDENTITY,
        ),
        (
            "A date condition compares the request's time [condition operators]",
            get(json!({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})),
            "GetRole",
            MINE.to_vec(),
            IDENTITY,
        ),
        (
            "aws:SourceIp is where the request came from [global keys]",
            get(json!({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})),
            "GetRole",
            MINE.to_vec(),
            "",
        ),
        (
            "aws:SourceIp is where the request came from [global keys]",
            get(json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
            "GetRole",
            MINE.to_vec(),
            IDENTITY,
        ),
        (
            "Boolean conditions compare true and false [condition operators]",
            get(json!({"Bool": {"aws:SecureTransport": "true"}})),
            "GetRole",
            MINE.to_vec(),
            "",
        ),
        (
            "IAM is a service of us-east-1: aws:RequestedRegion [global keys]",
            get(json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}})),
            "GetRole",
            MINE.to_vec(),
            "",
        ),
        (
            "Trust in the account leaves it to the account's policies [AssumeRole]",
            allow("iam:GetRole", "*"),
            "AssumeRole",
            assume(&by_root),
            IDENTITY,
        ),
        (
            "Trust in the account leaves it to the account's policies [AssumeRole]",
            allow("sts:AssumeRole", &by_root),
            "AssumeRole",
            assume(&by_root),
            "",
        ),
        (
            "In one account, trust in the caller itself is enough [AssumeRole]",
            allow("iam:GetRole", "*"),
            "AssumeRole",
            assume(&by_name),
            "",
        ),
        (
            "A deny of the caller's own stands all the same [evaluation logic]",
            json!({"Effect": "Deny", "Action": "sts:*", "Resource": "*"}),
            "AssumeRole",
            assume(&by_name),
            DENY,
        ),
    ];
    for (rests_on, statements, op, params, expected) in cases {
        w.case(rests_on, policy(statements), op, &params, expected);
    }
}
