//! The request budget against a bucket as AWS has them: what it gives is used, little is refused, somebody else who comes
//! and goes is made room for, and whoever is new waits for no backlog.

use crate::harness::{Env, Kube, Operator, eventually_within, is, paths};
use aws_sdk_iam::config::retry::RetryConfig;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds to learn, to be measured alone, in company, and alone again.
const PHASES: [u64; 4] = [60, 90, 60, 90];
/// Managed and inline policies of a binding: many calls for few objects.
const MANY: (usize, usize) = (3, 8);
const MANAGED: [&str; 3] = ["aws:AmazonSQSReadOnlyAccess", "aws:ReadOnlyAccess", "aws:AmazonS3ReadOnlyAccess"];
/// Namespaces of a backlog.
const NAMESPACES: usize = 5;

fn binding(namespace: &str, name: &str, (managed, inline): (usize, usize)) -> Value {
    let statement = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::invoices/*"}]);
    let document = json!({"Version": "2012-10-17", "Statement": statement});
    let inline: Vec<Value> =
        (0..inline).map(|number| json!({"name": format!("p{number}"), "document": document})).collect();
    json!({
        "apiVersion": "irsa-operator.io/v1alpha1",
        "kind": "IrsaBinding",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "serviceAccount": {"name": name, "create": true},
            "policies": {"managed": MANAGED[..managed], "inline": inline},
        },
    })
}

async fn make_namespace(kube: &Kube, name: &str) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    kube.create(paths::NAMESPACES, &namespace).await;
}

async fn make_backlog(kube: &Kube, bindings: usize, policies: (usize, usize)) {
    for number in 0..NAMESPACES {
        make_namespace(kube, &format!("backlog-{number}")).await;
    }
    for number in 0..bindings {
        let namespace = format!("backlog-{}", number % NAMESPACES);
        kube.create(&paths::bindings(&namespace), &binding(&namespace, &format!("app-{number}"), policies)).await;
    }
}

/// An environment whose account gives `limit` requests a second, with an operator that has nothing else to do.
async fn limited(name: &str, limit: f64) -> (Arc<Env>, Operator) {
    let env = Env::beside(name);
    let flags = ["--settle", "30m", "--resync", "2h", "--aws-min-rate", "1", "--aws-max-rate", "100"];
    let mut operator = Operator::start(&env, &flags);
    operator.ready().await;
    env.default_class().await;
    env.emulator.switch(&json!({"bucket": {"rate": limit, "depth": limit, "perOperation": false}})).await;
    (env, operator)
}

/// Somebody else who takes so many requests a second, and is not put off by refusals.
async fn consume(env: Arc<Env>, rate: f64) {
    let iam = env.aws().iam;
    let mut beat = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    loop {
        beat.tick().await;
        let once = aws_sdk_iam::config::Config::builder().retry_config(RetryConfig::disabled());
        let call = iam.get_role().role_name("irsa-operator").customize().config_override(once);
        tokio::spawn(async move { drop(call.send().await) });
    }
}

/// Calls between two moments.
#[derive(Debug, Default)]
struct Calls {
    ours: f64,
    refused: f64,
    theirs: f64,
}

impl Calls {
    fn between(journal: &Value, from: Timestamp, to: Timestamp) -> Self {
        let mut calls = Self::default();
        for call in journal["calls"].as_array().into_iter().flatten() {
            let at: Timestamp = call["time"].as_str().unwrap().parse().unwrap();
            if at < from || at >= to {
                continue;
            }
            let ours = call["principal"].as_str().is_some_and(|who| who.contains("assumed-role/irsa-operator/"));
            match (ours, call["code"] == "Throttling") {
                (true, false) => calls.ours += 1.0,
                (true, true) => calls.refused += 1.0,
                (false, false) => calls.theirs += 1.0,
                (false, true) => {}
            }
        }
        calls
    }

    /// What was used of what there was for us, and what of ours was refused; in percent.
    fn shares(&self, limit: f64, seconds: f64) -> (f64, f64) {
        let used = self.ours / (limit * seconds - self.theirs);
        (100.0 * used, 100.0 * self.refused / (self.ours + self.refused))
    }
}

async fn keeps_to(limit: u32, env: Arc<Env>) {
    let kube = env.kube().await;
    let seconds: u64 = PHASES.iter().sum();
    let needed = usize::try_from(u64::from(limit) * seconds).unwrap() / (1 + MANY.0 + MANY.1);
    make_backlog(&kube, needed * 5 / 4, MANY).await;
    let mut moments = vec![Timestamp::now()];
    for (phase, seconds) in PHASES.into_iter().enumerate() {
        let other = (phase == 2).then(|| tokio::spawn(consume(env.clone(), f64::from(limit) / 2.0)));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        if let Some(other) = other {
            other.abort();
        }
        moments.push(Timestamp::now());
    }
    let journal = env.emulator.ask("GET", format!("/_admin/journal?account={}", env.emulator.account), None).await;
    let half_a_minute_later = moments[3] + k8s_openapi::jiff::SignedDuration::from_secs(45);
    // By when a share that was left free has been found, and all that there was after the minute of learning.
    let spans = [
        ("learning", moments[0], moments[1], 0.0, 100.0),
        ("alone", moments[1], moments[2], 95.0, 3.0),
        ("in company", moments[2], moments[3], 88.0, 8.0),
        ("alone again", half_a_minute_later, moments[4], 95.0, 3.0),
        ("all after the first minute", moments[1], moments[4], 95.0, 3.0),
    ];
    for (what, from, to, least, most) in spans {
        let calls = Calls::between(&journal, from, to);
        let (used, refused) = calls.shares(f64::from(limit), to.duration_since(from).as_secs_f64());
        println!("{limit} a second, {what}: {used:.1} % used, {refused:.2} % refused ({calls:?})");
        assert!(used >= least, "{limit} a second, {what}: {used} % used");
        assert!(refused < most, "{limit} a second, {what}: {refused} % refused");
    }
    let left = kube.list(&paths::bindings("backlog-0")).await;
    assert!(left.iter().any(|binding| !is(binding, "Ready", "True")), "the backlog has lasted");
}

#[tokio::test]
async fn what_aws_gives_is_used_and_little_is_refused() {
    let (mut operators, mut all) = (Vec::new(), Vec::new());
    for limit in [5, 10, 20] {
        let (env, operator) = limited(&format!("budget-{limit}"), f64::from(limit)).await;
        operators.push(operator);
        all.push(keeps_to(limit, env));
    }
    futures::future::join_all(all).await;
}

/// Somebody makes one binding while a thousand wait in other namespaces.
#[tokio::test]
async fn who_is_new_waits_for_no_backlog() {
    let (env, _operator) = limited("newcomer", 10.0).await;
    let kube = env.kube().await;
    let policies = (2, 1);
    make_backlog(&kube, 1000, policies).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    for number in 0..5 {
        let namespace = format!("new-{number}");
        make_namespace(&kube, &namespace).await;
        let start = Instant::now();
        kube.create(&paths::bindings(&namespace), &binding(&namespace, "app", policies)).await;
        let path = format!("{}/app", paths::bindings(&namespace));
        eventually_within(Duration::from_secs(60), "it is Ready", async || {
            let binding = kube.get(&path).await;
            if is(&binding, "Ready", "True") { Ok(()) } else { Err(binding["status"].to_string()) }
        })
        .await;
        let took = start.elapsed();
        println!("Ready after {:.1} s, with a backlog of a thousand in other namespaces", took.as_secs_f64());
        assert!(took < Duration::from_secs(5), "{took:?}");
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
    let mut waiting = 0;
    for number in 0..NAMESPACES {
        let bindings = kube.list(&paths::bindings(&format!("backlog-{number}"))).await;
        waiting += bindings.iter().filter(|binding| !is(binding, "Ready", "True")).count();
    }
    println!("{waiting} of the backlog still wait");
    assert!(waiting > 500, "{waiting}");
}
