//! Thirty bindings are made, changed and deleted, while AWS fails one call in ten in one way or another and the operator
//! is killed at random moments: between any two writes, whoever they go to. In the end all is as it should be, nothing
//! is doubled or left over, no role was ever made twice, and what belongs to others is as it was.

use crate::harness::{CLUSTER_ID, Env, Operator, Rule, Space, eventually_within, is};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const BINDINGS: usize = 30;
const ROUNDS: usize = 20;
/// From the last fault until all is well.
const CONVERGENCE: Duration = Duration::from_secs(300);
const MANAGED: [&str; 3] = ["AmazonSQSReadOnlyAccess", "ReadOnlyAccess", "AmazonS3ReadOnlyAccess"];

/// What a binding is meant to be at the moment.
#[derive(Clone, Debug)]
struct Wish {
    managed: Vec<&'static str>,
    inline: bool,
}

/// One call in ten goes wrong: before it is applied, or on the way back.
async fn faults(space: &Space, seed: u64) -> Vec<Rule> {
    let ways = [
        (json!({"action": "throttle", "when": "before"}), 0.02),
        (json!({"action": "fail", "when": "before", "status": 500, "code": "ServiceFailure"}), 0.02),
        (json!({"action": "reset", "when": "before"}), 0.02),
        (json!({"action": "reset", "when": "after"}), 0.02),
        (json!({"action": "close", "when": "after"}), 0.02),
        (json!({"action": "delay", "when": "before", "ms": 30}), 0.3),
    ];
    let mut rules = Vec::new();
    for (number, (mut rule, probability)) in (1..).zip(ways) {
        rule["probability"] = json!(probability);
        rule["seed"] = json!(seed + number);
        rule["match"] = json!({"principal": "*assumed-role/irsa-operator/*"});
        rules.push(space.emulator.rule(rule).await);
    }
    rules
}

/// All roles that are there, by name.
async fn roles(space: &Space, path: &str) -> BTreeMap<String, Value> {
    let path = format!("/_admin/state/roles?account={}&path={path}", space.emulator.account);
    let mut roles = space.emulator.ask("GET", path, None).await["roles"].take();
    let all = roles.as_array_mut().map(std::mem::take).unwrap_or_default();
    all.into_iter().map(|role| (role["name"].as_str().unwrap().to_owned(), role)).collect()
}

/// What is not the operator's: roles elsewhere, one where a binding's role would be, a provider, a policy.
async fn make_foreign(space: &Space) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    for (name, path) in [("theirs", "/"), ("neighbour", "/irsa/"), (&*space.role_name("blocked"), "/irsa/")] {
        let role =
            space.aws.iam.create_role().role_name(name).path(path).assume_role_policy_document(trust.to_string());
        role.send().await.unwrap();
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        space.aws.iam.attach_role_policy().role_name(name).policy_arn(arn).send().await.unwrap();
    }
    let provider = space.aws.iam.create_open_id_connect_provider().url("https://oidc.eks.us-east-1.amazonaws.com/id/0");
    provider.client_id_list("sts.amazonaws.com").send().await.unwrap();
}

async fn foreign(space: &Space) -> Value {
    let mut all = roles(space, "/").await;
    let prefix = format!("{CLUSTER_ID}_{}_", space.namespace);
    let blocked = space.role_name("blocked");
    all.retain(|name, _| !name.starts_with(&prefix) || *name == blocked);
    let mut providers = space.emulator.providers().await;
    providers.retain(|provider| provider["arn"] != space.env.provider_arn());
    json!([all, providers])
}

fn spec(number: usize, name: &str, wish: &Wish) -> Value {
    let managed: Vec<String> = wish.managed.iter().map(|name| format!("aws:{name}")).collect();
    let statement = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::invoices/*"}]);
    let inline = json!({"name": "bucket", "document": {"Version": "2012-10-17", "Statement": statement}});
    let inline: Vec<Value> = wish.inline.then_some(inline).into_iter().collect();
    json!({
        "serviceAccount": {"name": name, "create": number % 2 == 1},
        "policies": {"managed": managed, "inline": inline},
    })
}

fn wish(dice: &mut fastrand::Rng) -> Wish {
    let managed = MANAGED.into_iter().filter(|_| dice.bool()).collect();
    Wish { managed, inline: dice.bool() }
}

fn start(env: &Env) -> Operator {
    Operator::start(env, &["--resync", "3s"])
}

/// A role's id is the same for as long as its binding is the same.
async fn remember(space: &Space, names: &[String], ids: &mut BTreeMap<String, Value>) {
    // The roles first: what is read of a binding afterwards can't be older.
    let roles = roles(space, "/irsa/").await;
    for name in names {
        let binding = space.binding(name).await;
        let Some(role) = roles.get(&space.role_name(name)) else { continue };
        let Some(uid) = binding["metadata"]["uid"].as_str() else { continue };
        let first = ids.entry(uid.to_owned()).or_insert_with(|| role["id"].clone());
        assert_eq!(*first, role["id"], "the role of {name} was made twice");
    }
}

async fn converged(space: &Space, names: &[String], wishes: &BTreeMap<String, Wish>) {
    for name in names {
        let Some(wish) = wishes.get(name) else {
            eventually_within(CONVERGENCE, &format!("{name} is gone"), async || {
                let binding = space.binding(name).await;
                if binding.is_null() { Ok(()) } else { Err(binding.to_string()) }
            })
            .await;
            continue;
        };
        eventually_within(CONVERGENCE, &format!("{name} is Ready as {wish:?}"), async || {
            let binding = space.binding(name).await;
            let role = space.role(name).await;
            let mut attached: Vec<String> = serde_json::from_value(role["attached"].clone()).unwrap_or_default();
            attached.sort();
            let mut wanted: Vec<String> =
                wish.managed.iter().map(|name| format!("arn:aws:iam::aws:policy/{name}")).collect();
            wanted.sort();
            let generation = &binding["metadata"]["generation"];
            let so = is(&binding, "Ready", "True")
                && binding["status"]["observedGeneration"] == *generation
                && binding["status"]["roleId"] == role["id"]
                && attached == wanted
                && role["inline"].as_object().is_some_and(|inline| inline.len() == usize::from(wish.inline))
                && space.annotated_role(name).await == space.role_arn(name);
            if so { Ok(()) } else { Err(format!("{binding} {role}")) }
        })
        .await;
    }
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_left_over_in_a_storm() {
    let seed = std::env::var("SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_251_122);
    println!("SOAK_SEED={seed}");
    let mut dice = fastrand::Rng::with_seed(seed);
    let env: Arc<Env> = Env::own("storm");
    let mut operator = start(&env);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("storm", &operator).await;
    make_foreign(&space).await;
    let theirs = foreign(&space).await;
    let names: Vec<String> = (0..BINDINGS).map(|number| format!("app-{number}")).collect();
    for name in names.iter().step_by(2) {
        space.make_account(name).await;
    }
    space.make_account("blocked").await;
    space.make_binding("blocked", json!({"serviceAccount": {"name": "blocked"}, "policies": {}})).await;
    let (mut wishes, mut ids) = (BTreeMap::new(), BTreeMap::new());

    let rules = faults(&space, seed).await;
    for round in 0..ROUNDS {
        for (number, name) in names.iter().enumerate() {
            if dice.f64() < 0.5 {
                continue;
            }
            let there = space.binding(name).await;
            let leaving = there["metadata"]["deletionTimestamp"].is_string();
            if there.is_null() {
                let new = wish(&mut dice);
                space.make_binding(name, spec(number, name, &new)).await;
                wishes.insert(name.clone(), new);
            } else if !leaving && dice.bool() {
                space.delete(name).await;
                wishes.remove(name);
            } else if !leaving {
                let new = wish(&mut dice);
                let policies = spec(number, name, &new)["policies"].take();
                space.patch_binding(name, json!({"spec": {"policies": policies}})).await;
                wishes.insert(name.clone(), new);
            }
        }
        // From its start to the middle of everything.
        tokio::time::sleep(Duration::from_millis(dice.u64(50..2500))).await;
        remember(&space, &names, &mut ids).await;
        assert_eq!(operator.ended(), None, "it ends by our hand only (round {round})");
        operator.kill();
        operator = start(&env);
    }
    for rule in &rules {
        assert!(space.emulator.fired(rule).await > 0, "each kind of fault was there");
    }
    drop(rules);
    converged(&space, &names, &wishes).await;
    remember(&space, &names, &mut ids).await;
    let ours = |name: &String| space.role_name(name);
    let mut expected: Vec<String> = wishes.keys().map(ours).chain([space.role_name("blocked")]).collect();
    expected.sort();
    let mut live = roles(&space, "/irsa/").await;
    live.remove("neighbour");
    assert_eq!(live.into_keys().collect::<Vec<_>>(), expected);
    assert_eq!(foreign(&space).await, theirs);
    println!("{} bindings lived; {} are left", ids.len(), wishes.len());

    for name in names.iter().chain([&"blocked".to_owned()]) {
        space.delete(name).await;
    }
    wishes.clear();
    converged(&space, &names, &wishes).await;
    space.gone("blocked").await;
    assert_eq!(foreign(&space).await, theirs);
    assert_eq!(roles(&space, "/irsa/").await.len(), 2, "what is left is theirs");
    for (number, name) in names.iter().enumerate() {
        let account = space.kube.get(&space.account_path(name)).await;
        assert_eq!(account.is_null(), number % 2 == 1, "{name}: {account}");
        assert_eq!(account["metadata"]["annotations"], Value::Null, "{name}");
    }
}
