//! What tests ask of the admin API: an environment in one call, changes behind everybody's back, a snapshot, the
//! strict layers all at once, and the emulator's own speed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};

use super::client::{Account, Answer, EC2, Keys, admin, get, process};

struct Environment {
    account: Account,
    operator: Keys,
    made: Value,
}

fn environment(body: Value) -> Environment {
    let made = admin("POST", "environments", body);
    let text = |pointer: &str| made.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned();
    let keys = |who: &str, token| Keys {
        id: text(&format!("/{who}/accessKeyId")),
        secret: text(&format!("/{who}/secretAccessKey")),
        token,
    };
    let operator = keys("operator", Some(text("/operator/sessionToken")));
    let account = Account { id: text("/account"), admin: keys("admin", None) };
    Environment { account, operator, made }
}

#[test]
fn one_call_makes_all_that_a_test_needs() {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["iam:CreateRole", "iam:GetRole"], "Resource": "arn:aws:iam::*:role/irsa/*"},
        {"Effect": "Allow", "Action": "eks:DescribeCluster", "Resource": "*"}]});
    let anything = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let e = environment(json!({"region": "eu-west-1", "cluster": "blue", "operatorPolicy": policy,
        "boundary": {"name": "cap", "document": anything}, "switches": {"strict": true, "propagation": null}}));
    assert_eq!(e.made["boundaryArn"], format!("arn:aws:iam::{}:policy/cap", e.account.id));
    let shown = e.operator.eks("eu-west-1", "/clusters/blue").json();
    assert_eq!(shown["cluster"]["identity"]["oidc"]["issuer"], e.made["issuer"]);
    let boundary = e.made["boundaryArn"].as_str().expect("an ARN");
    let role =
        [("RoleName", "r"), ("Path", "/irsa/"), ("AssumeRolePolicyDocument", EC2), ("PermissionsBoundary", boundary)];
    e.operator.iam("CreateRole", &role).ok();
    e.operator.iam("GetRole", &[("RoleName", "r")]).ok();
    e.operator
        .iam("GetRole", &[("RoleName", "gone")])
        .refused(403, "AccessDenied")
        .says("on resource: role gone because");
    e.operator.iam("DeleteRole", &[("RoleName", "r")]).refused(403, "AccessDenied");
    assert_eq!(e.operator.sts("GetCallerIdentity", &[]).ok().tag("Arn"), e.made["operator"]["principal"]);
    e.account.admin.iam("DeleteRole", &[("RoleName", "r")]).ok();
    assert!(
        e.account.admin.iam("GetAccountSummary", &[]).ok().body.contains("<key>RolesQuota</key><value>1000</value>")
    );
}

#[test]
fn changes_behind_everybodys_back_and_a_snapshot() {
    let e = environment(json!({"switches": {"propagation": {"lapseMs": 60000}}}));
    let id = &e.account.id;
    let roles = json!([{"name": "a", "path": "/irsa/", "tags": {"k": "v"}, "attached": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "inline": {"p": {"Version": "2012-10-17", "Statement": []}}, "boundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, {"name": "b"}]);
    admin("POST", "state/roles", json!({"account": id, "roles": roles}));
    let role = e.account.role("a");
    assert_eq!(role["tags"], json!({"k": "v"}));
    assert_eq!(role["arn"], format!("arn:aws:iam::{id}:role/irsa/a"));
    // Nothing lags behind such a change, and nobody has read of it.
    assert_eq!(e.operator.iam("GetRolePolicy", &[("RoleName", "a"), ("PolicyName", "p")]).ok().tag("PolicyName"), "p");
    assert_eq!(e.account.calls("operation=CreateRole").len(), 0);

    admin("POST", &format!("accounts/{id}/snapshot"), Value::Null);
    admin(
        "POST",
        "state/roles",
        json!({"account": id, "roles": [{"name": "a", "attached": [], "boundary": null, "description": "x"}]}),
    );
    assert_eq!(e.account.role("a")["boundary"], Value::Null);
    assert_eq!(e.account.role("a")["tags"], json!({"k": "v"}));
    admin("DELETE", &format!("state/roles?account={id}&name=b"), Value::Null);
    admin("POST", &format!("accounts/{id}/restore"), Value::Null);
    assert_eq!(e.account.role("a")["attached"], json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]));
    assert_eq!(e.account.role("b")["name"], "b");

    let made = admin("POST", "state/providers", json!({"account": id, "url": "https://x.example", "clientIds": ["a"]}));
    let arn = made["arn"].as_str().expect("an ARN");
    assert_eq!(get(&format!("state/providers?account={id}"))["providers"][0]["clientIds"], json!(["a"]));
    admin("DELETE", &format!("state/providers?account={id}&arn={arn}"), Value::Null);
}

/// With every layer on, whoever looks again gets there.
#[test]
fn patience_gets_through_all_layers() {
    let e = environment(json!({"switches": {"strict": true}}));
    let aws = &e.operator;
    let role = ("RoleName", "r");
    aws.iam("CreateRole", &[role, ("Path", "/irsa/"), ("AssumeRolePolicyDocument", EC2)]).ok();
    aws.iam("AttachRolePolicy", &[role, ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")]).ok();
    let again = |op: &str, params: &[(&str, &str)], done: &dyn Fn(&Answer) -> bool| {
        let tries = (1..=4).find(|_| done(&aws.iam(op, params)));
        tries.unwrap_or_else(|| panic!("{op} never got there"))
    };
    let seen = again("ListAttachedRolePolicies", &[role], &|answer| answer.body.contains("ReadOnlyAccess"));
    assert_eq!(seen, 2);
    again("GetRole", &[role], &|answer| answer.status == 200);
    aws.iam("DetachRolePolicy", &[role, ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")]).ok();
    again("DeleteRole", &[role], &|answer| answer.status == 200);
    again("GetRole", &[role], &|answer| answer.status == 404);
    assert_eq!(e.account.role("r"), Value::Null);
}

/// Reads one answer off a connection that stays.
fn answered(stream: &mut BufReader<TcpStream>) -> usize {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        stream.read_line(&mut line).expect("a line");
        if let Some(number) = line.to_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().expect("a number");
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the body");
    length
}

/// The processor's time that the emulator has used, in seconds, and its memory in MiB.
fn used() -> (f64, f64) {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process())).expect("its status");
    let after = stat.rsplit(") ").next().expect("fields").split(' ').collect::<Vec<_>>();
    let ticks = |at: usize| after[at].parse::<f64>().expect("ticks");
    let pages: f64 = after[21].parse().expect("pages");
    ((ticks(11) + ticks(12)) / 100.0, pages * 4096.0 / 1024.0 / 1024.0)
}

/// Run by itself: `cargo test --release speed -- --ignored --nocapture --test-threads 1`.
#[test]
#[ignore = "a measurement, for a quiet machine"]
fn speed() {
    let e = environment(json!({"switches": {"strict": true}, "quotas": {"roles": 20000}}));
    let start = Instant::now();
    admin("POST", "seed", json!({"account": e.account.id, "roles": 10_000, "path": "/irsa/", "tags": {"a": "b"}}));
    println!("10,000 roles seeded in {:?}", start.elapsed());
    let mut stream = BufReader::new(e.operator.connection());
    let mut run = |what: &str, op: &str, params: &[(&str, &str)], calls: u32| {
        let request = e.operator.request(op, params);
        let (before, start) = (used().0, Instant::now());
        for _ in 0..calls {
            stream.get_mut().write_all(request.as_bytes()).expect("sent");
            answered(&mut stream);
        }
        let cpu = used().0 - before;
        println!(
            "{what}: {:.0} a second of its processor, {:.1?} each",
            f64::from(calls) / cpu.max(0.01),
            start.elapsed() / calls
        );
        f64::from(calls) / cpu.max(0.01)
    };
    let point = run("GetRole", "GetRole", &[("RoleName", "seed-05000")], 20_000);
    run("ListRoles, pages of 1,000", "ListRoles", &[("MaxItems", "1000"), ("PathPrefix", "/irsa/")], 100);
    let page = run(
        "GetAccountAuthorizationDetails, pages of 1,000",
        "GetAccountAuthorizationDetails",
        &[("MaxItems", "1000"), ("Filter.member.1", "Role")],
        100,
    );
    println!("memory: {:.0} MiB", used().1);
    assert!(point > 2000.0 && page > 100.0 && used().1 < 100.0);
}
