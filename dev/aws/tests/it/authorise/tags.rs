//! Tags and boundaries: of the request, of the role, of the caller.

use serde_json::{Value, json};

use super::*;

#[test]
fn tags_and_boundaries_of_requests_and_roles() {
    let w = World::new();
    let boundary = w.own("policy/irsa-boundary");
    let lax = w.own("policy/lax");
    let both = json!(["iam:CreateRole", "iam:TagRole"]);
    let create = |condition: Value| {
        let mut one = when(allow("x", "*"), condition);
        one["Action"] = both.clone();
        one
    };
    let plain = |name: &str| vec![("RoleName", name.to_owned()), ("AssumeRolePolicyDocument", EC2.to_owned())];
    let tagged = |name: &str, value: &str| {
        let tag = [("Tags.member.1.Key", "irsa-operator.io/cluster"), ("Tags.member.1.Value", value)];
        [plain(name), tag.map(|(a, b)| (a, b.to_owned())).to_vec()].concat()
    };
    let request = |value: &str| json!({"StringEquals": {"aws:RequestTag/irsa-operator.io/cluster": value}});
    let names = |operator: &str| json!({operator: {"aws:TagKeys": ["irsa-operator.io/cluster"]}});
    let bounded = |arn: &str| json!({"StringEquals": {"iam:PermissionsBoundary": arn}});
    let with_boundary = |name: &str| [plain(name), vec![("PermissionsBoundary", boundary.clone())]].concat();
    let two = |name: &str| {
        let more = [("Tags.member.2.Key", "other"), ("Tags.member.2.Value", "y")];
        [tagged(name, "blue"), more.map(|(a, b)| (a, b.to_owned())).to_vec()].concat()
    };
    let cases: Vec<(&str, Value, Vec<(&str, String)>, &str)> = vec![
        (
            "CreateRole alone makes a role without tags [authorization reference]",
            allow("iam:CreateRole", "*"),
            plain(&w.fresh()),
            "",
        ),
        (
            "Tags on creation need TagRole too [tagging roles]",
            allow("iam:CreateRole", "*"),
            tagged(&w.fresh(), "blue"),
            "iam:TagRole on resource: ",
        ),
        (
            "aws:RequestTag is the tag in the request [global keys]",
            create(request("blue")),
            tagged(&w.fresh(), "blue"),
            "",
        ),
        (
            "aws:RequestTag is the tag in the request [global keys]",
            create(request("blue")),
            tagged(&w.fresh(), "green"),
            IDENTITY,
        ),
        (
            "A positive operator on an absent key is false [condition operators]",
            create(request("blue")),
            plain(&w.fresh()),
            IDENTITY,
        ),
        (
            "Tag keys in condition keys are not case sensitive [global keys]",
            create(json!({"StringEquals": {"aws:requesttag/IRSA-operator.io/Cluster": "blue"}})),
            tagged(&w.fresh(), "blue"),
            "",
        ),
        (
            "Values are case sensitive in StringEquals [condition operators]",
            create(request("BLUE")),
            tagged(&w.fresh(), "blue"),
            IDENTITY,
        ),
        (
            "ForAllValues: every value of the request is in the list [multivalued keys]",
            create(names("ForAllValues:StringEquals")),
            tagged(&w.fresh(), "blue"),
            "",
        ),
        (
            "ForAllValues: every value of the request is in the list [multivalued keys]",
            create(names("ForAllValues:StringEquals")),
            two(&w.fresh()),
            IDENTITY,
        ),
        (
            "ForAllValues is true when the key is absent [multivalued keys]",
            create(names("ForAllValues:StringEquals")),
            plain(&w.fresh()),
            "",
        ),
        (
            "ForAnyValue: at least one [multivalued keys]",
            create(names("ForAnyValue:StringEquals")),
            two(&w.fresh()),
            "",
        ),
        (
            "ForAnyValue is false when the key is absent [multivalued keys]",
            create(names("ForAnyValue:StringEquals")),
            plain(&w.fresh()),
            IDENTITY,
        ),
        (
            "iam:PermissionsBoundary is the boundary in the request [boundaries]",
            create(bounded(&boundary)),
            with_boundary(&w.fresh()),
            "",
        ),
        (
            "iam:PermissionsBoundary is the boundary in the request [boundaries]",
            create(bounded(&lax)),
            with_boundary(&w.fresh()),
            IDENTITY,
        ),
        (
            "Without a boundary there is no such key [boundaries]",
            create(bounded(&boundary)),
            plain(&w.fresh()),
            IDENTITY,
        ),
    ];
    for (rests_on, statements, params, expected) in cases {
        let params: Vec<(&str, &str)> = params.iter().map(|(a, b)| (*a, b.as_str())).collect();
        w.case(rests_on, policy(statements), "CreateRole", &params, expected);
    }

    let fence = |operator: &str, value: &str| json!({operator: {"aws:ResourceTag/irsa-operator.io/cluster": value}});
    let get = |condition: Value| when(allow("iam:GetRole", "*"), condition);
    let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
    let cases: Vec<(&str, Value, &str, Vec<(&str, &str)>, &str)> = vec![
        (
            "aws:ResourceTag is the tag on the role [global keys]",
            get(fence("StringEquals", "blue")),
            "GetRole",
            MINE.to_vec(),
            "",
        ),
        (
            "aws:ResourceTag is the tag on the role [global keys]",
            get(fence("StringEquals", "blue")),
            "GetRole",
            FOREIGN.to_vec(),
            IDENTITY,
        ),
        (
            "iam:ResourceTag says the same [IAM keys]",
            get(json!({"StringEquals": {"iam:ResourceTag/irsa-operator.io/Cluster": "blue"}})),
            "GetRole",
            MINE.to_vec(),
            "",
        ),
        (
            "…IfExists is true where the key is absent [condition operators]",
            get(fence("StringEqualsIfExists", "blue")),
            "GetRole",
            ELSE.to_vec(),
            "",
        ),
        (
            "…IfExists is evaluated where the key is there [condition operators]",
            get(fence("StringEqualsIfExists", "blue")),
            "GetRole",
            FOREIGN.to_vec(),
            IDENTITY,
        ),
        (
            "Null true: the key is absent [condition operators]",
            get(fence("Null", "true")),
            "GetRole",
            ELSE.to_vec(),
            "",
        ),
        (
            "Null true: the key is absent [condition operators]",
            get(fence("Null", "true")),
            "GetRole",
            MINE.to_vec(),
            IDENTITY,
        ),
        (
            "A negated operator is true where the key is absent [condition operators]",
            json!([allow("*", "*"), when(deny.clone(), fence("StringNotEquals", "blue"))]),
            "GetRole",
            ELSE.to_vec(),
            DENY,
        ),
        (
            "Several keys in a condition are ANDed [conditions]",
            get(
                json!({"StringEquals": {"aws:ResourceTag/irsa-operator.io/cluster": "blue", "aws:PrincipalTag/team": "y"}}),
            ),
            "GetRole",
            MINE.to_vec(),
            IDENTITY,
        ),
        (
            "aws:PrincipalTag is the tag on the caller's role [global keys]",
            get(json!({"StringEquals": {"aws:PrincipalTag/team": "x"}})),
            "GetRole",
            MINE.to_vec(),
            "",
        ),
        (
            "UntagRole has the keys in aws:TagKeys [authorization reference]",
            json!([allow("*", "*"), when(deny, names("ForAnyValue:StringEquals"))]),
            "UntagRole",
            vec![("RoleName", "mine"), ("TagKeys.member.1", "irsa-operator.io/cluster")],
            DENY,
        ),
        (
            "PutRolePermissionsBoundary: the boundary in the request [boundaries]",
            when(allow("iam:PutRolePermissionsBoundary", "*"), bounded(&boundary)),
            "PutRolePermissionsBoundary",
            vec![("RoleName", "mine"), ("PermissionsBoundary", &lax)],
            IDENTITY,
        ),
        (
            "PutRolePermissionsBoundary: the boundary in the request [boundaries]",
            when(allow("iam:PutRolePermissionsBoundary", "*"), bounded(&boundary)),
            "PutRolePermissionsBoundary",
            vec![("RoleName", "mine"), ("PermissionsBoundary", &boundary)],
            "",
        ),
        (
            "A provider's tags are aws:ResourceTag [authorization reference]",
            when(allow("iam:GetOpenIDConnectProvider", "*"), json!({"StringEquals": {"aws:ResourceTag/kind": "eks"}})),
            "GetOpenIDConnectProvider",
            vec![("OpenIDConnectProviderArn", "ARN")],
            "",
        ),
    ];
    let provider = w.own("oidc-provider/a.example/id/1");
    for (rests_on, statements, op, mut params, expected) in cases {
        for (_, value) in &mut params {
            if *value == "ARN" {
                *value = &provider;
            }
        }
        w.case(rests_on, policy(statements), op, &params, expected);
    }
}
