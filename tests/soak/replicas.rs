//! Leaders that die, stop, are cut off or replaced in the middle of their work. The journal of AWS is the witness: at
//! most the calls in flight overlap with those of the next leader, and nothing is doubled or left over.

use crate::harness::{
    Env, Replica, Space,
    documents::{allow, aws, inline},
    eventually, is, lease,
};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// From a leader's sudden end until the next one works.
const TAKEOVER: Duration = Duration::from_secs(20);
/// As many bindings as are worked on at a time.
const WORKERS: usize = 8;
/// Often, so that what was changed behind a leader's back is soon seen.
const FLAGS: [&str; 2] = ["--resync", "2s"];

async fn make(space: &Space, names: &[String]) {
    for name in names {
        space.make_account(name).await;
        let spec = json!({"serviceAccount": {"name": name}, "policies": {"managed": ["aws:ReadOnlyAccess"]}});
        space.make_binding(name, spec).await;
    }
}

/// Calls that match a query, as the journal has them.
async fn calls(space: &Space, query: &str) -> Vec<Value> {
    let path = format!("/_admin/journal?account={}&{query}", space.emulator.account);
    space.emulator.ask("GET", path, None).await["calls"].as_array().cloned().unwrap_or_default()
}

fn time(call: Option<&Value>) -> Timestamp {
    call.expect("a call")["time"].as_str().unwrap().parse().unwrap()
}

/// Each is Ready with a role that was made once; and there is no other.
async fn made_once(space: &Space, names: &[String]) {
    for name in names {
        space.ready(name).await;
        space.role_until(name, "is right", |role| role["attached"] == json!([aws("ReadOnlyAccess")])).await;
        space.annotated(name, Some(&space.role_arn(name))).await;
        let role = space.role(name).await;
        assert_eq!(space.binding(name).await["status"]["roleId"], role["id"], "{name}");
        let made = calls(space, &format!("operation=CreateRole&param.RoleName={}", space.role_name(name))).await;
        assert_eq!(made.iter().filter(|call| call["code"] == "").count(), 1, "{name}: {made:?}");
    }
    let path = format!("/_admin/state/roles?account={}&path=/irsa/", space.emulator.account);
    let roles = space.emulator.ask("GET", path, None).await["roles"].take();
    assert_eq!(roles.as_array().map(Vec::len), Some(names.len()), "no other role is there");
}

/// A new leader works: its first call came this long after `since`.
async fn takes_over(space: &Space, replica: &Replica, since: Instant) -> Duration {
    replica.leads(&space.env).await;
    space.emulator.journal_wait(1, &replica.query()).await;
    let took = since.elapsed();
    assert!(took < TAKEOVER, "it took {took:?}");
    took
}

async fn start(env: &Env, name: &str) -> Replica {
    let mut replica = Replica::start(env, name, &FLAGS).await;
    replica.operator.ready().await;
    replica
}

#[tokio::test]
async fn a_leader_stops_dies_or_is_cut_off() {
    let env = Env::own("leaders");
    let first = start(&env, "first").await;
    first.leads(&env).await;
    env.default_class().await;
    let second = start(&env, "second").await;
    let space = env.space("leaders", &first.operator).await;
    let mut names: Vec<String> = (0..20).map(|number| format!("app-{number}")).collect();
    names.extend(["held-0", "held-1"].map(str::to_owned));
    stopped(&space, first, &second, &names).await;

    let third = start(&env, "third").await;
    let since = Instant::now();
    second.operator.kill();
    println!("killed: the next leader works after {:?}", takes_over(&space, &third, since).await);
    names.push("new".to_owned());
    make(&space, &names[names.len() - 1..]).await;
    made_once(&space, &names).await;

    cut_off(&space, third, &names).await;
}

/// For longer than its Lease, in the middle of its work, with all its workers' calls under way: all but one are carried
/// out before the next leader begins, and the last one after that has made the role.
async fn stopped(space: &Space, mut first: Replica, second: &Replica, names: &[String]) {
    let emulator = &space.emulator;
    let hold = json!({"operation": "CreateRole", "params": {"RoleName": "*_held-*"}});
    let holds = emulator.rule(json!({"action": "hold", "match": hold, "count": 2})).await;
    let slow = emulator.rule(json!({"action": "delay", "ms": 200, "match": {"service": "iam"}})).await;
    make(space, &names[names.len() - 2..]).await;
    for name in &names[names.len() - 2..] {
        emulator.held("CreateRole", &space.role_name(name)).await;
    }
    make(space, &names[..names.len() - 2]).await;
    emulator.journal_wait(3, &format!("{}&operation=CreateRole&code=", first.query())).await;
    let all = emulator.rule(json!({"action": "hold", "match": {"service": "iam"}})).await;
    let held = all_wait(space).await;
    // Nothing but the Lease is written while all wait: just after a renewal nothing is on its way.
    renewed(space).await;
    first.operator.signal("STOP");
    let since = Instant::now();
    drop((all, slow, holds));
    let (late, early): (Vec<&Value>, Vec<&Value>) =
        held.iter().partition(|held| held["params"]["RoleName"] == space.role_name("held-1"));
    assert_eq!(late.len(), 1, "{held:?}");
    for held in early {
        release(space, held).await;
    }
    println!("stopped: the next leader works after {:?}", takes_over(space, second, since).await);
    space.ready("held-1").await;
    release(space, late[0]).await;
    emulator.journal_wait(2, &format!("operation=CreateRole&param.RoleName={}", space.role_name("held-1"))).await;
    made_once(space, names).await;
    let before = (calls(space, &first.query()).await.len(), first.writes());
    let log = first.operator.log.clone();
    first.operator.signal("CONT");
    assert_eq!(first.ended().await, Some(1));
    let after = (calls(space, &first.query()).await.len(), first.writes());
    assert_eq!(after, before, "it has sent nothing any more");
    assert!(std::fs::read_to_string(log).unwrap().contains("this replica leads no longer"));
    made_once(space, names).await;
}

/// Waits until every worker of the leader waits for AWS, and says for what.
async fn all_wait(space: &Space) -> Vec<Value> {
    eventually("all workers wait", async || {
        let path = format!("/_admin/held?account={}", space.emulator.account);
        let held = space.emulator.ask("GET", path, None).await["held"].as_array().cloned().unwrap_or_default();
        if held.len() >= WORKERS { Ok(held) } else { Err(format!("{} calls are held", held.len())) }
    })
    .await
}

async fn release(space: &Space, held: &Value) {
    let path = format!("/_admin/held/{}", held["id"]);
    space.emulator.ask("POST", path, Some(json!({"action": "release"}))).await;
}

/// Waits for the next renewal of the Lease.
async fn renewed(space: &Space) {
    let seen = lease(&space.env).await["spec"]["renewTime"].clone();
    eventually("the Lease is renewed", async || match lease(&space.env).await["spec"]["renewTime"] == seen {
        true => Err(seen.to_string()),
        false => Ok(()),
    })
    .await;
}

/// From the API server, and not from AWS, in the middle of eight calls of a second each.
async fn cut_off(space: &Space, mut third: Replica, names: &[String]) {
    let mut fourth = Replica::start(&space.env, "fourth", &FLAGS).await;
    fourth.operator.ready().await;
    let long = ["long".to_owned()];
    make(space, &long).await;
    space.ready("long").await;
    let slow = json!({"action": "delay", "ms": 1000, "match": {"operation": "PutRolePolicy"}});
    let slow = space.emulator.rule(slow).await;
    let inline: Vec<Value> = (0..8).map(|number| inline(&format!("p{number}"), allow("s3:GetObject"))).collect();
    space.patch_binding("long", json!({"spec": {"policies": {"inline": inline}}})).await;
    space.emulator.journal_wait(1, &format!("{}&operation=PutRolePolicy", third.query())).await;
    let (since, cut) = (Instant::now(), Timestamp::now());
    third.cut();
    assert_eq!(third.ended().await, Some(1));
    println!("cut off: it ends after {:?}", since.elapsed());
    assert!(since.elapsed() < Duration::from_secs(10), "it took {:?}", since.elapsed());
    let detach = space.aws.iam.detach_role_policy().role_name(space.role_name("new"));
    detach.policy_arn(aws("ReadOnlyAccess")).send().await.unwrap();
    println!("cut off: the next leader works after {:?}", takes_over(space, &fourth, since).await);
    let last = time(calls(space, &third.query()).await.last());
    let next = time(calls(space, &fourth.query()).await.first());
    let after = |span: i64| cut + SignedDuration::from_millis(span);
    assert!(last > after(1000), "AWS was within reach, and it worked on: {cut} {last}");
    assert!(last < after(6500), "not beyond its right: {cut} {last}");
    assert!(next > after(12_500), "the next one waits for the Lease to run out: {cut} {next}");
    drop(slow);
    let all = |role: &Value| role["inline"].as_object().is_some_and(|inline| inline.len() == 8);
    space.role_until("long", "has all its policies", all).await;
    space.delete("long").await;
    space.gone("long").await;
    made_once(space, names).await;
    fourth.operator.terminate();
    assert_eq!(fourth.ended().await, Some(0));
}

/// As a Deployment does it: the new one is Ready, then the old one is told to end.
#[tokio::test]
async fn a_rolling_update_in_a_backlog_loses_and_doubles_nothing() {
    let env = Env::own("rolling");
    let mut old = start(&env, "old").await;
    old.leads(&env).await;
    env.default_class().await;
    let space = env.space("rolling", &old.operator).await;
    let slow = env.emulator.rule(json!({"action": "delay", "ms": 300, "match": {"service": "iam"}})).await;
    let names: Vec<String> = (0..200).map(|number| format!("app-{number}")).collect();
    make(&space, &names).await;
    let new = start(&env, "new").await;
    let made = async || calls(&space, "operation=CreateRole&code=").await.len();
    eventually("a quarter is made", async || match made().await {
        50.. => Ok(()),
        few => Err(few.to_string()),
    })
    .await;
    old.operator.terminate();
    assert_eq!(old.ended().await, Some(0));
    let (since, done) = (Instant::now(), made().await);
    assert!(done < names.len() * 3 / 4, "in the middle of it: {done}");
    env.emulator.journal_wait(1, &new.query()).await;
    println!("rolling: {done} roles were made; the new one works {:?} after the old one's end", since.elapsed());
    drop(slow);
    made_once(&space, &names).await;
    let last = time(calls(&space, &old.query()).await.last());
    let next = time(calls(&space, &new.query()).await.first());
    assert!(last < next, "one after the other: {last} {next}");
    for name in &names {
        assert!(is(&space.binding(name).await, "Ready", "True"));
    }
}
