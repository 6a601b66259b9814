//! Roles from creation to deletion, pages, clusters, the door.

use std::time::Instant;

use serde_json::json;

use super::client::{EC2, Keys, account, admin, exchange, form, get, try_admin};

#[test]
fn a_role_lives_and_dies() {
    let account = account();
    let aws = &account.admin;
    let role = ("RoleName", "one");
    let arn = format!("arn:aws:iam::{}:role/irsa/one", account.id);
    let made = aws.iam(
        "CreateRole",
        &[
            role,
            ("Path", "/irsa/"),
            ("AssumeRolePolicyDocument", EC2),
            ("Tags.member.1.Key", "Owner"),
            ("Tags.member.1.Value", "a b"),
        ],
    );
    assert_eq!(made.ok().tag("Arn"), arn);
    aws.iam("CreateRole", &[role, ("AssumeRolePolicyDocument", EC2)]).refused(409, "EntityAlreadyExists");
    aws.iam("CreateRole", &[("RoleName", "ONE"), ("AssumeRolePolicyDocument", EC2)])
        .refused(409, "EntityAlreadyExists");

    let policy = ("PolicyArn", "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess");
    aws.iam("AttachRolePolicy", &[role, policy]).ok();
    aws.iam("AttachRolePolicy", &[role, policy]).ok();
    aws.iam("AttachRolePolicy", &[role, ("PolicyArn", "arn:aws:iam::aws:policy/Nonsense")])
        .refused(404, "NoSuchEntity")
        .says("Policy arn:aws:iam::aws:policy/Nonsense does not exist or is not attachable.");
    let inline = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    aws.iam("PutRolePolicy", &[role, ("PolicyName", "p"), ("PolicyDocument", inline)]).ok();
    aws.iam("DeleteRole", &[role]).refused(409, "DeleteConflict").says("must detach all policies first");
    aws.iam("DetachRolePolicy", &[role, policy]).ok();
    aws.iam("DeleteRole", &[role]).refused(409, "DeleteConflict").says("must delete policies first");
    assert_eq!(aws.iam("ListRolePolicies", &[role]).ok().tag("member"), "p");
    aws.iam("DeleteRolePolicy", &[role, ("PolicyName", "p")]).ok();

    let longer = EC2.replace(r#""sts:AssumeRole""#, r#"["sts:AssumeRole","sts:TagSession"]"#);
    aws.iam("UpdateAssumeRolePolicy", &[role, ("PolicyDocument", &longer)]).ok();
    assert_eq!(account.role("one")["trust"]["Statement"][0]["Action"][1], "sts:TagSession");
    aws.iam("TagRole", &[role, ("Tags.member.1.Key", "owner"), ("Tags.member.1.Value", "c")]).ok();
    assert_eq!(account.role("one")["tags"], json!({"owner": "c"}));
    aws.iam("UntagRole", &[role, ("TagKeys.member.1", "OWNER")]).ok();
    assert_eq!(account.role("one")["tags"], json!({}));

    aws.iam("DeleteRole", &[role]).ok();
    aws.iam("GetRole", &[role]).refused(404, "NoSuchEntity").says("The role with name one cannot be found.");

    let calls = account.calls("operation=CreateRole&param.RoleName=one");
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(calls[1]["code"], "EntityAlreadyExists");
    assert_eq!(calls[0]["principal"], format!("arn:aws:iam::{}:user/admin", account.id));
    assert_eq!(calls[0]["params"]["Path"], "/irsa/");
}

#[test]
fn pages_of_ten_thousand_roles() {
    let account = account();
    let start = Instant::now();
    admin("POST", "seed", json!({"account": account.id, "roles": 10_000, "path": "/irsa/", "tags": {"a": "b"}}));
    println!("seeded in {:?}", start.elapsed());
    for op in ["ListRoles", "GetAccountAuthorizationDetails"] {
        let (mut marker, mut names, mut pages) = (String::new(), 0, 0);
        let start = Instant::now();
        loop {
            let mut params = vec![("MaxItems", "1000"), ("Filter.member.1", "Role"), ("PathPrefix", "/irsa/")];
            if !marker.is_empty() {
                params.push(("Marker", &marker));
            }
            let page = account.admin.iam(op, &params).ok();
            names += page.tags("RoleName").iter().filter(|name| name.starts_with("seed-")).count();
            pages += 1;
            marker = page.tag("Marker");
            if page.tag("IsTruncated") == "false" {
                break;
            }
        }
        println!("{op}: {pages} pages in {:?}", start.elapsed());
        assert_eq!(names, 10_000);
        assert!(pages <= 11);
    }
    admin("DELETE", &format!("accounts/{}", account.id), serde_json::Value::Null);
}

#[test]
fn who_may_come_in() {
    let account = account();
    let none = exchange("POST", "/", &[], &form("GetRole", &[("RoleName", "x")])).expect("an answer");
    assert_eq!(none.code(), "MissingAuthenticationToken");
    let wrong = Keys { secret: "no".to_owned(), ..account.admin.clone() };
    wrong.iam("ListRoles", &[]).refused(403, "SignatureDoesNotMatch");
    let unknown = Keys { id: "AKIANOBODY".to_owned(), ..account.admin.clone() };
    unknown.iam("ListRoles", &[]).refused(403, "InvalidClientTokenId");
    let token = Keys { token: Some("x".to_owned()), ..account.admin.clone() };
    token.iam("ListRoles", &[]).refused(403, "InvalidClientTokenId");
    account.admin.iam("CreateUser", &[("UserName", "x")]).refused(400, "InvalidAction");
    assert_eq!(account.calls("mark=not-on-the-list").len(), 1);
    let me = account.admin.sts("GetCallerIdentity", &[]).ok();
    assert_eq!(me.tag("Account"), account.id);
}

#[test]
fn clusters_have_the_issuer_given() {
    let account = account();
    let issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF";
    admin("POST", "clusters", json!({"account": account.id, "region": "eu-west-1", "name": "blue", "issuer": issuer}));
    let shown = account.admin.eks("eu-west-1", "/clusters/blue").json();
    assert_eq!(shown["cluster"]["identity"]["oidc"]["issuer"], issuer);
    assert_eq!(shown["cluster"]["arn"], format!("arn:aws:eks:eu-west-1:{}:cluster/blue", account.id));
    let missing = account.admin.eks("us-east-1", "/clusters/blue");
    assert_eq!(missing.status, 404);
    assert!(missing.headers.contains("x-amzn-errortype: ResourceNotFoundException"), "{missing:?}");
    assert_eq!(account.admin.eks("eu-west-1", "/clusters").json()["clusters"], json!(["blue"]));
}

#[test]
fn providers_are_kept() {
    let account = account();
    let aws = &account.admin;
    let url = ("Url", "https://oidc.example.com/id/1");
    let arn = format!("arn:aws:iam::{}:oidc-provider/oidc.example.com/id/1", account.id);
    let made = aws.iam("CreateOpenIDConnectProvider", &[url, ("ClientIDList.member.1", "sts.amazonaws.com")]).ok();
    assert_eq!(made.tag("OpenIDConnectProviderArn"), arn);
    aws.iam("CreateOpenIDConnectProvider", &[url]).refused(409, "EntityAlreadyExists");
    let named = ("OpenIDConnectProviderArn", arn.as_str());
    aws.iam("AddClientIDToOpenIDConnectProvider", &[named, ("ClientID", "other")]).ok();
    let seen = get(&format!("state/providers?account={}", account.id));
    assert_eq!(seen["providers"][0]["clientIds"], json!(["sts.amazonaws.com", "other"]));
    assert_eq!(aws.iam("GetOpenIDConnectProvider", &[named]).ok().tag("Url"), "oidc.example.com/id/1");
}

#[test]
fn partitions_have_their_own_names() {
    let made = admin("POST", "environments", json!({"partition": "aws-cn", "region": "cn-north-1"}));
    let text = |pointer: &str| made.pointer(pointer).and_then(|text| text.as_str()).expect(pointer).to_owned();
    let operator = Keys {
        id: text("/operator/accessKeyId"),
        secret: text("/operator/secretAccessKey"),
        token: Some(text("/operator/sessionToken")),
    };
    let policy = ("PolicyArn", "arn:aws-cn:iam::aws:policy/AmazonSQSReadOnlyAccess");
    assert_eq!(operator.iam("GetPolicy", &[policy]).ok().tag("Arn"), policy.1);
    let role = [("RoleName", "r"), ("AssumeRolePolicyDocument", EC2)];
    assert!(operator.iam("CreateRole", &role).ok().tag("Arn").starts_with("arn:aws-cn:iam::"));
    operator.iam("AttachRolePolicy", &[role[0], policy]).ok();
    assert_eq!(operator.iam("ListAttachedRolePolicies", &[role[0]]).ok().tag("PolicyArn"), policy.1);
    let url = ("Url", "https://cn.example/id/1");
    let provider = operator.iam("CreateOpenIDConnectProvider", &[url]).ok().tag("OpenIDConnectProviderArn");
    assert!(provider.starts_with("arn:aws-cn:iam::"), "{provider}");
}

#[test]
fn the_admin_api_says_what_is_wrong() {
    assert_eq!(get("health")["status"], "ok");
    let (status, said) = try_admin("POST", "rules", json!({"action": "hold", "operation": "GetRole"}));
    assert_eq!(status, 400);
    assert!(said["error"].as_str().is_some_and(|why| why.contains("operation")), "{said}");
    assert_eq!(try_admin("POST", "accounts", json!({"account": "12"})).0, 400);
    assert_eq!(try_admin("GET", "nothing", json!(null)).0, 404);
}
