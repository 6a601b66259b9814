//! AWS hangs for a minute: every call is taken and none is answered.

use crate::harness::{Env, Operator, condition, eventually_within, is};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Pauses between attempts have grown to a minute by then; the first that succeeds wakes the others.
const RECOVERY: Duration = Duration::from_secs(120);

fn signal(env: &Env, args: &[&str]) {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/env");
    let done = std::process::Command::new(script).arg(args[0]).arg(&env.dir).args(&args[1..]).status();
    assert!(done.unwrap().success(), "dev/env {args:?}");
}

#[tokio::test]
async fn a_minute_without_aws_passes_without_a_restart() {
    let env = Env::own("minute");
    let mut operator = Operator::start(&env, &["--resync", "5s"]);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("minute", &operator).await;
    let policies = json!({"managed": ["aws:ReadOnlyAccess"]});
    let names = |kind: &str| (0..10).map(|number| format!("{kind}-{number}")).collect::<Vec<_>>();
    for name in names("kept") {
        space.make_ready(&name, policies.clone()).await;
    }
    let since = space.mark().await;

    let begin = Instant::now();
    signal(&env, &["stop", "aws", "STOP"]);
    for name in names("new") {
        space.make_account(&name).await;
        space.make_binding(&name, json!({"serviceAccount": {"name": name}, "policies": policies})).await;
    }
    let mut flips = Vec::new();
    while begin.elapsed() < Duration::from_secs(60) {
        for name in names("kept") {
            let binding = space.binding(&name).await;
            if !is(&binding, "Ready", "True") {
                flips.push(binding);
            }
        }
        assert_eq!(operator.ended(), None);
        assert_eq!(operator.health("/livez").map(|(status, _)| status), Some(200));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(flips, [Value::Null; 0], "Ready does not flip for an outage of AWS alone");
    let said = |binding: &Value| condition(binding, "Reconciling")["reason"] == "Unavailable";
    let mut silent = 0;
    for name in names("new") {
        let binding = space.binding(&name).await;
        assert!(!is(&binding, "Ready", "True"), "{binding}");
        silent += usize::from(!said(&binding));
    }
    assert!(silent < 10, "somebody is told why");
    println!("{silent} of 10 new bindings had not said why after a minute in which every call hung");
    signal(&env, &["start", "aws"]);

    for name in names("new").into_iter().chain(names("kept")) {
        eventually_within(RECOVERY, &format!("{name} is Ready and quiet"), async || {
            let binding = space.binding(&name).await;
            let so = is(&binding, "Ready", "True") && condition(&binding, "Reconciling").is_null();
            if so { Ok(()) } else { Err(binding["status"].to_string()) }
        })
        .await;
    }
    for name in names("kept") {
        assert_eq!(space.changes(&name, since).await, [""; 0], "{name}");
    }
    assert_eq!(operator.ended(), None, "the same process");
}
