//! Reads that are stale, fresh and stale again after a write; the two writes that know of it; STS.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Account, EC2, account, admin, trusts};

fn lagging(settings: Value) -> Account {
    let account = account();
    let switches = json!({"propagation": settings, "existence": true});
    admin("POST", &format!("accounts/{}/switches", account.id), switches);
    account
}

#[test]
fn a_new_role_comes_and_goes_before_it_stays() {
    let account = lagging(json!({"pattern": [true, false, true], "lapseMs": 60_000}));
    let aws = &account.admin;
    let role = ("RoleName", "r");
    aws.iam("CreateRole", &[role, ("AssumeRolePolicyDocument", EC2)]).ok();
    aws.iam("CreateRole", &[role, ("AssumeRolePolicyDocument", EC2)]).refused(409, "EntityAlreadyExists");
    let seen: Vec<u16> = (0..5).map(|_| aws.iam("GetRole", &[role]).status).collect();
    assert_eq!(seen, [404, 200, 404, 200, 200]);
    assert_eq!(account.role("r")["name"], "r");
    assert_eq!(account.calls("mark=stale").len(), 2);

    aws.iam("UpdateRole", &[role, ("Description", "new")]).ok();
    let list = || aws.iam("ListRoles", &[("PathPrefix", "/"), ("MaxItems", "1000")]).ok();
    let seen: Vec<String> = (0..4).map(|_| list().tag("Description")).collect();
    // What was before the first of these writes: no role at all.
    assert_eq!(seen, ["", "new", "", "new"]);
    aws.iam("DeleteRole", &[role]).ok();
    assert_eq!(account.role("r"), Value::Null);
}

#[test]
fn stale_answers_lapse() {
    let account = lagging(json!({"pattern": [true, true, true, true], "lapseMs": 300}));
    let aws = &account.admin;
    aws.iam("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", EC2)]).ok();
    aws.iam("GetRole", &[("RoleName", "r")]).refused(404, "NoSuchEntity");
    sleep(Duration::from_millis(350));
    aws.iam("GetRole", &[("RoleName", "r")]).ok();
    aws.iam("TagRole", &[("RoleName", "r"), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]).ok();
    assert_eq!(aws.iam("ListRoleTags", &[("RoleName", "r")]).ok().tag("Key"), "");
    sleep(Duration::from_millis(350));
    assert_eq!(aws.iam("ListRoleTags", &[("RoleName", "r")]).ok().tag("Key"), "a");
}

#[test]
fn deletion_does_not_know_of_the_detachment() {
    let account = lagging(json!({"pattern": [], "lapseMs": 60_000}));
    let aws = &account.admin;
    let (role, policy) = (("RoleName", "r"), ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"));
    aws.iam("CreateRole", &[role, ("AssumeRolePolicyDocument", EC2)]).ok();
    aws.iam("AttachRolePolicy", &[role, policy]).ok();
    admin("POST", &format!("accounts/{}/clock", account.id), json!({"offsetMs": 61_000}));
    aws.iam("DetachRolePolicy", &[role, policy]).ok();
    aws.iam("DeleteRole", &[role]).refused(409, "DeleteConflict").says("must detach all policies first");
    aws.iam("DeleteRole", &[role]).ok();
}

#[test]
fn a_principal_made_a_moment_ago_is_invalid_once() {
    let account = lagging(json!({"pattern": [], "lapseMs": 60_000}));
    let aws = &account.admin;
    let arn = aws.iam("CreateRole", &[("RoleName", "a"), ("AssumeRolePolicyDocument", EC2)]).ok().tag("Arn");
    let trust = trusts(&arn);
    let second = [("RoleName", "b"), ("AssumeRolePolicyDocument", trust.as_str())];
    aws.iam("CreateRole", &second).refused(400, "MalformedPolicyDocument").says("Invalid principal in policy");
    aws.iam("CreateRole", &second).ok();
}

#[test]
fn sts_refuses_what_is_too_young() {
    let account = lagging(json!({"pattern": [true], "lapseMs": 60_000, "youngMs": 250}));
    let aws = &account.admin;
    let trust = trusts(&format!("arn:aws:iam::{}:root", account.id));
    let arn = aws.iam("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", &trust)]).ok().tag("Arn");
    let assume = || aws.sts("AssumeRole", &[("RoleArn", &arn), ("RoleSessionName", "run")]);
    assume().refused(403, "AccessDenied");
    sleep(Duration::from_millis(300));
    assume().refused(403, "AccessDenied");
    assume().ok();
}

#[test]
fn providers_lag_too() {
    let account = lagging(json!({"pattern": [true, false, true], "lapseMs": 60_000}));
    let aws = &account.admin;
    let arn = aws
        .iam("CreateOpenIDConnectProvider", &[("Url", "https://lag.example/id/1")])
        .ok()
        .tag("OpenIDConnectProviderArn");
    let named = ("OpenIDConnectProviderArn", arn.as_str());
    let seen: Vec<u16> = (0..4).map(|_| aws.iam("GetOpenIDConnectProvider", &[named]).status).collect();
    assert_eq!(seen, [404, 200, 404, 200]);
    aws.iam("ListRoles", &[]).ok();
}
