//! What must be there, what comes back, and a bucket that runs dry.

use super::*;

#[test]
fn what_is_named_must_be_there() {
    let account = with(json!({"existence": true}));
    let aws = &account.admin;
    let own = |kind: &str| format!("arn:aws:iam::{}:{kind}", account.id);
    create(&account, "r", &[("PermissionsBoundary", &own("policy/none"))])
        .refused(404, "NoSuchEntity")
        .says(&format!("Scope ARN: {} does not exist or is not attachable.", own("policy/none")));
    create(&account, "r", &[("AssumeRolePolicyDocument", &trusts(&own("role/none")))])
        .refused(400, "MalformedPolicyDocument")
        .says(&format!("Invalid principal in policy: \"AWS\":\"{}\"", own("role/none")));
    create(&account, "r", &[("Path", "/aws-service-role/x.amazonaws.com/")]).refused(400, "InvalidInput");
    aws.iam("TagRole", &[("RoleName", "AWSServiceRoleForSupport"), ("Tags.member.1.Key", "a")])
        .refused(400, "UnmodifiableEntity")
        .says("Cannot perform the operation on the protected role 'AWSServiceRoleForSupport'");
    create(&account, "r", &[]).ok();
    let reserved = get("state/policies?account=000000000000");
    assert_eq!(reserved["count"], 0);
    aws.iam(
        "AttachRolePolicy",
        &[("RoleName", "r"), ("PolicyArn", "arn:aws:iam::aws:policy/aws-service-role/AmazonEKSServiceRolePolicy")],
    )
    .refused(400, "PolicyNotAttachable")
    .says("Cannot attach a Service Role Policy to a Customer Role.");

    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let arn = aws.iam("CreatePolicy", &[("PolicyName", "p"), ("PolicyDocument", document)]).ok().tag("Arn");
    let policy = ("PolicyArn", arn.as_str());
    aws.iam("AttachRolePolicy", &[("RoleName", "r"), policy]).ok();
    aws.iam("DeletePolicy", &[policy])
        .refused(409, "DeleteConflict")
        .says("Cannot delete a policy attached to entities.");
    aws.iam("DetachRolePolicy", &[("RoleName", "r"), policy]).ok();
    aws.iam("PutRolePermissionsBoundary", &[("RoleName", "r"), ("PermissionsBoundary", &arn)]).ok();
    aws.iam("DeletePolicy", &[policy]).refused(409, "DeleteConflict").says("boundary");
    let got = aws.iam("GetRole", &[("RoleName", "r")]).ok();
    assert_eq!(got.tag("PermissionsBoundaryType"), "Policy");
    aws.iam("DeleteRolePermissionsBoundary", &[("RoleName", "r")]).ok();
    aws.iam("CreatePolicyVersion", &[policy, ("PolicyDocument", document)]).ok();
    aws.iam("DeletePolicy", &[policy]).refused(409, "DeleteConflict").says("more than one version");
    aws.iam("DeletePolicyVersion", &[policy, ("VersionId", "v2")]).ok();
    aws.iam("DeletePolicy", &[policy]).ok();

    aws.iam("CreateInstanceProfile", &[("InstanceProfileName", "i")]).ok();
    aws.iam("AddRoleToInstanceProfile", &[("InstanceProfileName", "i"), ("RoleName", "r")]).ok();
    aws.iam("DeleteRole", &[("RoleName", "r")])
        .refused(409, "DeleteConflict")
        .says("must remove roles from instance profile first");
    assert_eq!(aws.iam("ListInstanceProfilesForRole", &[("RoleName", "r")]).ok().tag("InstanceProfileName"), "i");
    aws.iam("RemoveRoleFromInstanceProfile", &[("InstanceProfileName", "i"), ("RoleName", "r")]).ok();
    aws.iam("DeleteRole", &[("RoleName", "r")]).ok();
}

#[test]
fn a_deleted_role_leaves_its_id_where_it_was_trusted() {
    let (here, there) = (with(json!({"existence": true})), with(json!({})));
    let arn = create(&here, "caller", &[]).ok().tag("Arn");
    let id = here.role("caller")["id"].clone();
    for account in [&here, &there] {
        create(account, "target", &[("AssumeRolePolicyDocument", &trusts(&arn))]).ok();
    }
    here.admin.iam("DeleteRole", &[("RoleName", "caller")]).ok();
    create(&here, "caller", &[]).ok();
    for account in [&here, &there] {
        assert_eq!(account.role("target")["trust"]["Statement"][0]["Principal"]["AWS"], id);
    }
    let named = trusts(id.as_str().expect("an id"));
    here.admin
        .iam("UpdateAssumeRolePolicy", &[("RoleName", "target"), ("PolicyDocument", &named)])
        .refused(400, "MalformedPolicyDocument");
}

#[test]
fn what_comes_back_is_not_what_was_sent() {
    let account = with(json!({"rewrite": true, "shortPages": true, "gaadWithoutBoundary": true}));
    let aws = &account.admin;
    let sent = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::a", "arn:aws:s3:::b"]}]}"#;
    create(&account, "r", &[("PermissionsBoundary", "arn:aws:iam::aws:policy/ReadOnlyAccess")]).ok();
    aws.iam("PutRolePolicy", &[("RoleName", "r"), ("PolicyName", "p"), ("PolicyDocument", sent)]).ok();
    let got = aws.iam("GetRolePolicy", &[("RoleName", "r"), ("PolicyName", "p")]).ok().tag("PolicyDocument");
    assert!(got.contains("%22Action%22%3A%22s3%3A%2A%22"), "{got}");
    assert_eq!(
        account.role("r")["inline"]["p"]["Statement"][0]["Resource"],
        json!(["arn:aws:s3:::b", "arn:aws:s3:::a"])
    );

    let provider = aws
        .iam("CreateOpenIDConnectProvider", &[("Url", "https://x.example/id/1")])
        .ok()
        .tag("OpenIDConnectProviderArn");
    let got = aws.iam("GetOpenIDConnectProvider", &[("OpenIDConnectProviderArn", &provider)]).ok();
    assert_eq!(got.tag("member").len(), 40, "{got:?}");

    admin("POST", "seed", json!({"account": account.id, "roles": 12}));
    let page = aws.iam("ListRoles", &[("MaxItems", "9"), ("PathPrefix", "/seed/")]).ok();
    assert_eq!(page.tags("RoleName").len(), 6);
    assert_eq!(page.tag("IsTruncated"), "true");
    let details = aws.iam("GetAccountAuthorizationDetails", &[("Filter.member.1", "Role")]).ok();
    assert!(!details.body.contains("PermissionsBoundary"));
}

#[test]
fn a_bucket_runs_dry() {
    let account = with(json!({"bucket": {"rate": 0.001, "depth": 3, "perOperation": true}}));
    let aws = &account.admin;
    for _ in 0..3 {
        aws.iam("ListRoles", &[]).ok();
    }
    aws.iam("ListRoles", &[]).refused(400, "Throttling").says("Rate exceeded");
    aws.iam("GetAccountSummary", &[]).ok();
    assert_eq!(account.calls("mark=bucket").len(), 1);
}
