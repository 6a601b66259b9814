//! Hold, fail and broken connections, before a call is applied and after it.

use std::thread;

use serde_json::{Value, json};

use super::client::{Account, EC2, account, admin, get};

fn create(account: &Account, name: &str) -> thread::JoinHandle<std::io::Result<super::client::Answer>> {
    let (keys, name) = (account.admin.clone(), name.to_owned());
    thread::spawn(move || keys.query("iam", "CreateRole", &[("RoleName", &name), ("AssumeRolePolicyDocument", EC2)]))
}

fn held(account: &Account) -> Value {
    let held = get(&format!("held/wait?account={}&count=1&timeout_ms=5000", account.id));
    assert_eq!(held["met"], true, "{held}");
    held["held"][0].clone()
}

fn decide(held: &Value, verdict: Value) {
    admin("POST", &format!("held/{}", held["id"]), verdict);
}

#[test]
fn held_before_it_is_applied() {
    let account = account();
    account.rule(
        json!({"action": "hold", "match": {"operation": "CreateRole", "params": {"RoleName": "a*"}}, "count": 2}),
    );
    create(&account, "b").join().expect("joined").expect("not held").ok();

    let waiting = create(&account, "a1");
    let first = held(&account);
    assert_eq!(first["params"]["RoleName"], "a1");
    assert_eq!(account.role("a1"), Value::Null);
    let open = account.calls("operation=CreateRole&param.RoleName=a1");
    assert_eq!(open[0]["open"], true);
    decide(&first, json!({"action": "release"}));
    waiting.join().expect("joined").expect("released").ok();
    assert_eq!(account.role("a1")["name"], "a1");

    let waiting = create(&account, "a2");
    decide(&held(&account), json!({"action": "drop"}));
    waiting.join().expect("joined").expect_err("no answer");
    assert_eq!(account.role("a2"), Value::Null);
    create(&account, "a3").join().expect("joined").expect("the rule is spent").ok();
}

#[test]
fn held_after_it_is_applied() {
    let account = account();
    account.rule(json!({"action": "hold", "when": "after", "match": {"operation": "CreateRole"}}));
    let waiting = create(&account, "x");
    let first = held(&account);
    assert_eq!(first["when"], "after");
    assert_eq!(account.role("x")["name"], "x");
    decide(&first, json!({"action": "fail", "status": 503, "code": "ServiceUnavailable", "message": "gone"}));
    waiting.join().expect("joined").expect("an answer").refused(503, "ServiceUnavailable").says("gone");
    let waited = get(&format!("journal/wait?account={}&code=ServiceUnavailable&count=1&timeout_ms=1000", account.id));
    assert_eq!(waited["met"], true);
}

#[test]
fn a_call_whose_client_has_gone_is_applied_all_the_same() {
    use std::io::Write;
    let account = account();
    account.rule(json!({"action": "hold", "match": {"operation": "CreateRole"}}));
    let keys = account.admin.clone();
    let waiting = thread::spawn(move || {
        keys.send_and_leave("CreateRole", &[("RoleName", "x"), ("AssumeRolePolicyDocument", EC2)])
    });
    let stream = waiting.join().expect("joined");
    let first = held(&account);
    let mut stream = stream;
    let _ = stream.flush();
    drop(stream);
    thread::sleep(std::time::Duration::from_millis(50));
    decide(&first, json!({"action": "release"}));
    let waited = get(&format!("journal/wait?account={}&operation=CreateRole&count=1&timeout_ms=2000", account.id));
    assert_eq!(waited["met"], true);
    assert_eq!(account.role("x")["name"], "x");
}

#[test]
fn failures_before_and_after() {
    let account = account();
    let aws = &account.admin;
    let rule = account
        .rule(json!({"action": "fail", "status": 409, "code": "ConcurrentModification", "message": "later",
        "match": {"operation": ["CreateRole", "TagRole"]}, "count": 1}));
    create(&account, "x")
        .join()
        .expect("joined")
        .expect("an answer")
        .refused(409, "ConcurrentModification")
        .says("later");
    assert_eq!(account.role("x"), Value::Null);
    assert_eq!(get(&format!("rules/{rule}"))["fired"], 1);

    account.rule(json!({"action": "fail", "when": "after", "match": {"operation": "CreateRole"}, "count": 1}));
    create(&account, "x").join().expect("joined").expect("an answer").refused(500, "ServiceFailure");
    assert_eq!(account.role("x")["name"], "x");

    account.rule(json!({"action": "throttle", "match": {}, "count": 1}));
    aws.iam("GetRole", &[("RoleName", "x")]).refused(400, "Throttling").says("Rate exceeded");
    for action in ["reset", "close"] {
        account.rule(json!({"action": action, "match": {}, "count": 1}));
        let error = aws.query("iam", "GetRole", &[("RoleName", "x")]).expect_err("no answer");
        println!("{action}: {error}");
    }
    account.rule(json!({"action": "html", "match": {}, "count": 1}));
    let page = aws.iam("GetRole", &[("RoleName", "x")]);
    assert_eq!(page.status, 502);
    assert!(page.body.starts_with("<html>"));
    let fired = get(&format!("fired?account={}", account.id));
    assert_eq!(fired["count"], 6, "{fired}");
}

#[test]
fn a_seeded_chance_is_the_same_twice() {
    let account = account();
    let run = || -> Vec<u16> {
        let rule = account.rule(json!({"action": "throttle", "match": {}, "probability": 0.3, "seed": 7}));
        let seen = (0..40).map(|_| account.admin.iam("ListRoles", &[]).status).collect();
        admin("DELETE", &format!("rules/{rule}"), Value::Null);
        seen
    };
    let first = run();
    assert_eq!(first, run());
    let refused = first.iter().filter(|status| **status == 400).count();
    assert!((4..=20).contains(&refused), "{refused} of 40");
}

#[test]
fn eks_throttles_in_its_own_form() {
    let account = account();
    account.rule(json!({"action": "throttle", "match": {"service": "eks"}, "count": 1}));
    let throttled = account.admin.eks("us-east-1", "/clusters");
    assert_eq!(throttled.status, 429);
    assert!(throttled.headers.contains("x-amzn-errortype: ThrottlingException"), "{throttled:?}");
    account.rule(json!({"action": "delay", "ms": 80, "match": {"service": "eks"}, "count": 1}));
    let start = std::time::Instant::now();
    assert_eq!(account.admin.eks("us-east-1", "/clusters").status, 200);
    assert!(start.elapsed().as_millis() >= 80);
}

#[test]
fn what_is_held_ends_with_its_account() {
    let account = account();
    account.rule(json!({"action": "hold", "match": {}}));
    let waiting = create(&account, "x");
    held(&account);
    admin("DELETE", &format!("accounts/{}", account.id), Value::Null);
    waiting.join().expect("joined").expect_err("no answer");
    let left = get(&format!("rules?account={}", account.id));
    assert_eq!(left["rules"], json!([]));
}
