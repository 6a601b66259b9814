//! Fifty bindings are made and deleted while AWS fails one call in five: each way of failing by itself, then all of them
//! at once. All become Ready, all go, nothing is left or doubled, and the log says why in words.

use crate::harness::{Env, Operator, Rule, Space, eventually_within, is};
use serde_json::{Value, json};
use std::time::Duration;

const BINDINGS: usize = 50;
/// What fifty bindings may take where every fifth call fails.
const PATIENCE: Duration = Duration::from_secs(240);

/// The ways of failing, each with a name.
fn ways() -> Vec<(&'static str, Value)> {
    vec![
        ("throttled", json!({"action": "throttle", "when": "before"})),
        ("failing", json!({"action": "fail", "when": "before", "status": 500, "code": "ServiceFailure"})),
        ("failing-after", json!({"action": "fail", "when": "after", "status": 500, "code": "ServiceFailure"})),
        ("reset", json!({"action": "reset", "when": "before"})),
        ("reset-after", json!({"action": "reset", "when": "after"})),
        ("closed-after", json!({"action": "close", "when": "after"})),
        ("proxied", json!({"action": "html", "when": "before", "status": 502})),
    ]
}

async fn rule(space: &Space, way: &Value, probability: f64, seed: u64) -> Rule {
    let mut rule = way.clone();
    rule["probability"] = json!(probability);
    rule["seed"] = json!(seed);
    rule["match"] = json!({"service": "iam", "principal": "*assumed-role/irsa-operator/*"});
    space.emulator.rule(rule).await
}

async fn roles(space: &Space) -> usize {
    let path = format!("/_admin/state/roles?account={}&path=/irsa/", space.emulator.account);
    space.emulator.ask("GET", path, None).await["roles"].as_array().map_or(0, Vec::len)
}

async fn made_and_deleted(space: &Space, way: &str) {
    let names: Vec<String> = (0..BINDINGS).map(|number| format!("{way}-{number}")).collect();
    let statement = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::invoices/*"}]);
    let document = json!({"Version": "2012-10-17", "Statement": statement});
    for name in &names {
        let spec = json!({
            "serviceAccount": {"name": name, "create": true},
            "policies": {
                "managed": ["aws:AmazonSQSReadOnlyAccess", "aws:ReadOnlyAccess"],
                "inline": [{"name": "bucket", "document": document}],
            },
        });
        space.make_binding(name, spec).await;
    }
    for name in &names {
        eventually_within(PATIENCE, &format!("{name} is Ready"), async || {
            let binding = space.binding(name).await;
            if is(&binding, "Ready", "True") { Ok(()) } else { Err(binding["status"].to_string()) }
        })
        .await;
        let role = space.role(name).await;
        assert_eq!(role["attached"].as_array().map(Vec::len), Some(2), "{name}: {role}");
        assert_eq!(space.binding(name).await["status"]["roleId"], role["id"], "{name} was made once");
    }
    assert_eq!(roles(space).await, BINDINGS, "{way}: as many roles as bindings");
    for name in &names {
        space.delete(name).await;
    }
    for name in &names {
        eventually_within(PATIENCE, &format!("{name} is gone"), async || {
            let binding = space.binding(name).await;
            if binding.is_null() { Ok(()) } else { Err(binding["status"].to_string()) }
        })
        .await;
    }
    assert_eq!(roles(space).await, 0, "{way}: nothing is left");
}

#[tokio::test]
async fn all_become_ready_and_all_go_whatever_fails() {
    let seed = std::env::var("SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    println!("SOAK_SEED={seed}");
    let env = Env::own("faults");
    let mut operator = Operator::start(&env, &["--resync", "3s", "--concurrency", "16"]);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("faults", &operator).await;
    for (way, fault) in ways() {
        let rule = rule(&space, &fault, 0.2, seed).await;
        made_and_deleted(&space, way).await;
        assert!(space.emulator.fired(&rule).await > 20, "{way} happened");
    }
    let all = ways();
    let mut rules = Vec::new();
    for (number, (_, fault)) in (1..).zip(&all) {
        rules.push(rule(&space, fault, 0.2 / all.len() as f64, seed + number).await);
    }
    made_and_deleted(&space, "all").await;
    assert_eq!(operator.ended(), None, "the same operator all the time");
    let log = std::fs::read_to_string(&operator.log).expect("its log");
    for word in ["panicked", "DispatchFailure", "SdkError", "Unhandled", "stack backtrace"] {
        assert!(!log.contains(word), "the log names causes, and not {word}");
    }
}
