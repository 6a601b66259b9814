//! Sessions: an administrator's AssumeRole, and a ServiceAccount's token.

use serde_json::json;

use super::client::{EC2, Keys, account, trusts, web_identity};

#[test]
fn a_session_calls_as_its_role() {
    let account = account();
    let aws = &account.admin;
    let trust = trusts(&format!("arn:aws:iam::{}:root", account.id));
    let role = [("RoleName", "operator"), ("Path", "/ops/"), ("AssumeRolePolicyDocument", trust.as_str())];
    let arn = aws.iam("CreateRole", &role).ok().tag("Arn");
    let id = account.role("operator")["id"].as_str().expect("an id").to_owned();
    let session = aws.assume(&arn, "run-1");
    assert!(session.id.starts_with("ASIA"));
    let me = session.sts("GetCallerIdentity", &[]).ok();
    assert_eq!(me.tag("Arn"), format!("arn:aws:sts::{}:assumed-role/operator/run-1", account.id));
    assert_eq!(me.tag("UserId"), format!("{id}:run-1"));
    session.iam("ListRoles", &[]).ok();
    assert_eq!(account.calls("principal=*assumed-role/operator/*&operation=ListRoles").len(), 1);
    Keys { token: None, ..session.clone() }.iam("ListRoles", &[]).refused(403, "InvalidClientTokenId");

    // Without its path the ARN is another's.
    let bare = arn.replace("/ops/", "/");
    aws.sts("AssumeRole", &[("RoleArn", &bare), ("RoleSessionName", "run")]).refused(403, "AccessDenied");
    aws.iam("UpdateAssumeRolePolicy", &[("RoleName", "operator"), ("PolicyDocument", EC2)]).ok();
    aws.sts("AssumeRole", &[("RoleArn", &arn), ("RoleSessionName", "run")])
        .refused(403, "AccessDenied")
        .says("is not authorized to perform: sts:AssumeRole on resource: ");

    // The same name again is not the same role.
    aws.iam("DeleteRole", &[("RoleName", "operator")]).ok();
    aws.iam("CreateRole", &role).ok();
    session.iam("ListRoles", &[]).refused(403, "InvalidClientTokenId");
}

#[test]
fn a_role_trusts_a_role() {
    let account = account();
    let aws = &account.admin;
    let root = trusts(&format!("arn:aws:iam::{}:root", account.id));
    let first = aws
        .iam("CreateRole", &[("RoleName", "first"), ("Path", "/a/"), ("AssumeRolePolicyDocument", &root)])
        .tag("Arn");
    let second =
        aws.iam("CreateRole", &[("RoleName", "second"), ("AssumeRolePolicyDocument", &trusts(&first))]).tag("Arn");
    aws.sts("AssumeRole", &[("RoleArn", &second), ("RoleSessionName", "no")]).refused(403, "AccessDenied");
    let chained = aws.assume(&first, "one").assume(&second, "two");
    assert!(chained.sts("GetCallerIdentity", &[]).tag("Arn").ends_with("assumed-role/second/two"));
}

fn token(issuer: &str, subject: &str, audience: &str, expires_in: i64) -> String {
    use base64::Engine;
    let part = |value: serde_json::Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let now = chrono::Utc::now().timestamp();
    let claims = json!({"iss": issuer, "sub": subject, "aud": [audience], "iat": now, "exp": now + expires_in});
    format!("{}.{}.c2ln", part(json!({"alg": "RS256", "kid": "k", "typ": "JWT"})), part(claims))
}

#[test]
fn a_service_account_gets_its_role_and_no_other() {
    let account = account();
    let aws = &account.admin;
    let host = "oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E";
    let issuer = format!("https://{host}");
    let provider = format!("arn:aws:iam::{}:oidc-provider/{host}", account.id);
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {
            format!("{host}:aud"): "sts.amazonaws.com", format!("{host}:sub"): "system:serviceaccount:billing:invoices"}}}]})
    .to_string();
    let arn = aws
        .iam("CreateRole", &[("RoleName", "r"), ("Path", "/irsa/"), ("AssumeRolePolicyDocument", &trust)])
        .tag("Arn");
    let subject = "system:serviceaccount:billing:invoices";
    let ask = |arn: &str, token: &str| {
        web_identity(&[("RoleArn", arn), ("RoleSessionName", "pod"), ("WebIdentityToken", token)])
    };
    let good = token(&issuer, subject, "sts.amazonaws.com", 600);
    ask(&arn, &good)
        .refused(400, "InvalidIdentityToken")
        .says(&format!("No OpenIDConnect provider found in your account for {issuer}"));
    aws.iam("CreateOpenIDConnectProvider", &[("Url", &issuer), ("ClientIDList.member.1", "sts.amazonaws.com")]).ok();

    let session = ask(&arn, &good).ok();
    assert_eq!(session.tag("Arn"), format!("arn:aws:sts::{}:assumed-role/r/pod", account.id));
    assert_eq!(session.tag("SubjectFromWebIdentityToken"), subject);
    assert_eq!(session.tag("Provider"), provider);
    Keys::of(&session).sts("GetCallerIdentity", &[]).ok();

    let other = token(&issuer, "system:serviceaccount:billing:other", "sts.amazonaws.com", 600);
    ask(&arn, &other).refused(403, "AccessDenied").says("Not authorized to perform sts:AssumeRoleWithWebIdentity");
    ask(&arn.replace("/irsa/", "/"), &good).refused(403, "AccessDenied");
    ask(&arn, &token(&issuer, subject, "other", 600))
        .refused(400, "InvalidIdentityToken")
        .says("Incorrect token audience");
    ask(&arn, &token(&issuer, subject, "sts.amazonaws.com", -5)).refused(400, "ExpiredTokenException");
    ask(&arn, "no-token").refused(400, "InvalidIdentityToken").says("not a valid JWT");
    ask("arn:aws:iam::1:role/x", &good).refused(400, "ValidationError").says("Request ARN is invalid");
    let long = [
        ("RoleArn", arn.as_str()),
        ("RoleSessionName", "pod"),
        ("WebIdentityToken", &good),
        ("DurationSeconds", "7200"),
    ];
    web_identity(&long).refused(400, "ValidationError").says("exceeds the MaxSessionDuration");
    let calls = account.calls("operation=AssumeRoleWithWebIdentity&code=AccessDenied");
    assert_eq!(calls.len(), 2);
}
