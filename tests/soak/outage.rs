//! What the operator stands on goes away and comes back: the API server, its etcd, AWS. The operator's process stays.

use crate::harness::{CLUSTER_ID, Env, Operator, Rule, Space, condition, eventually, eventually_within, is, paths};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SQS: &str = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess";
/// What failed seven times in a row, as on a slow machine, is tried again within two minutes; the first to succeed wakes
/// others.
const AGAIN: Duration = Duration::from_secs(180);
/// What passes by itself is said after ten seconds; and as long again for a machine that has other things to do.
const SAID: Duration = Duration::from_secs(20);

fn policies() -> Value {
    json!({"managed": ["aws:AmazonSQSReadOnlyAccess"]})
}

/// The names of all roles of bindings in this namespace.
async fn roles(space: &Space) -> Vec<Value> {
    let path = format!("/_admin/state/roles?account={}&path=/irsa/", space.emulator.account);
    let mut roles = space.emulator.ask("GET", path, None).await["roles"].take();
    let prefix = format!("{CLUSTER_ID}_{}_", space.namespace);
    let all = roles.as_array_mut().map(std::mem::take).unwrap_or_default();
    all.into_iter().filter(|role| role["name"].as_str().is_some_and(|name| name.starts_with(&prefix))).collect()
}

fn start(env: &Env) -> Operator {
    Operator::start(env, &["--resync", "2s"])
}

fn lives(operator: &mut Operator) {
    assert_eq!(operator.ended(), None, "the operator's process is the same");
    assert_eq!(operator.health("/livez").map(|(status, _)| status), Some(200));
}

/// All of it in one environment, one after the other.
#[tokio::test]
async fn outages_pass_without_a_restart_of_the_operator() {
    let env = Env::own_with("outage", &[]);
    let mut operator = start(&env);
    operator.ready().await;
    env.default_class().await;
    let (doomed, mut operator) = namespace_deleted_while_nobody_runs(&env, operator).await;
    api_server_and_etcd(&env, &mut operator).await;
    aws(&env, &mut operator).await;
    let path = format!("{}/{}", paths::NAMESPACES, doomed.namespace);
    doomed.object_until(&path, "the namespace is gone", Value::is_null).await;
    assert_eq!(roles(&doomed).await, [Value::Null; 0]);
}

/// With everything in it, and the operator does not see it happen.
async fn namespace_deleted_while_nobody_runs(env: &Arc<Env>, operator: Operator) -> (Space, Operator) {
    let space = env.space("doomed", &operator).await;
    let names: Vec<String> = (0..20).map(|number| format!("app-{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        let creates = number % 2 == 1;
        if !creates {
            space.make_account(name).await;
        }
        let spec = json!({"serviceAccount": {"name": name, "create": creates}, "policies": policies()});
        space.make_binding(name, spec).await;
    }
    for name in &names {
        space.ready(name).await;
    }
    assert_eq!(roles(&space).await.len(), names.len());
    operator.kill();
    space.kube.delete(&format!("{}/{}", paths::NAMESPACES, space.namespace)).await;
    for name in &names {
        space.until(name, "is to go", |binding| binding["metadata"]["deletionTimestamp"].is_string()).await;
    }
    assert_eq!(roles(&space).await.len(), names.len(), "nobody was there to delete them");
    let mut operator = start(env);
    operator.ready().await;
    for name in &names {
        space.gone(name).await;
    }
    assert_eq!(roles(&space).await, [Value::Null; 0]);
    (space, operator)
}

/// Killed and started again, first the one and then the other.
async fn api_server_and_etcd(env: &Arc<Env>, operator: &mut Operator) {
    let space = env.space("api", operator).await;
    space.make_ready("before", policies()).await;
    space.make_ready("drifts", policies()).await;
    // As often as AWS may show what was before it was made.
    space.sweeps(3).await;
    let since = space.mark().await;
    let role = space.role("before").await;
    for component in ["kube-apiserver", "etcd"] {
        env.component("stop", component);
        // AWS is looked after all the same.
        let detach = space.aws.iam.detach_role_policy().role_name(space.role_name("drifts")).policy_arn(SQS);
        detach.send().await.unwrap();
        space.role_until("drifts", "has its policy again", |role| role["attached"] == json!([SQS])).await;
        lives(operator);
        env.component("start", component);
        let kube = env.kube().await;
        let ready = || http::Request::get("/readyz").body(Vec::new()).unwrap();
        eventually("the API server is ready", async || {
            kube.client.request_text(ready()).await.map_err(|error| error.to_string())
        })
        .await;

        let name = format!("after-{component}");
        space.make_ready(&name, policies()).await;
        // Each watch comes back in its own time, so it may be seen a little later than its binding.
        space.annotated(&name, Some(&space.role_arn(&name))).await;
        lives(operator);
        assert!(is(&space.binding("before").await, "Ready", "True"));
    }
    assert_eq!(space.role("before").await, role);
    assert_eq!(space.changes("before", since).await, [""; 0]);
    // What is deleted is seen as well: the watch on bindings is there again.
    space.delete("before").await;
    space.gone("before").await;
    assert_eq!(space.role("before").await, Value::Null);
}

/// Everything that the operator asks fails, each binding's calls in their own way.
async fn aws_fails(space: &Space, ways: &[Value]) -> Vec<Rule> {
    let principal = "*assumed-role/irsa-operator/*";
    let mut rules = Vec::new();
    for (number, way) in ways.iter().enumerate() {
        let mut rule = way.clone();
        let role = format!("{CLUSTER_ID}_{}_*-{number}", space.namespace);
        rule["match"] = json!({"principal": principal, "params": {"RoleName": role}});
        rules.push(space.emulator.rule(rule).await);
    }
    let rest = json!({"action": "reset", "match": {"principal": principal, "operation": "*OpenIDConnect*"}});
    rules.push(space.emulator.rule(rest).await);
    rules
}

fn generations(binding: &Value) -> [&Value; 2] {
    [&binding["status"]["observedGeneration"], &condition(binding, "Ready")["observedGeneration"]]
}

/// What is Ready stays so and says what is wrong; what is new says why it is not; and all of it ends with the outage.
async fn aws(env: &Arc<Env>, operator: &mut Operator) {
    let space = env.space("aws", operator).await;
    let ways = [
        json!({"action": "reset"}),
        json!({"action": "close"}),
        json!({"action": "html", "status": 503}),
        json!({"action": "fail", "status": 500, "code": "ServiceFailure"}),
    ];
    let mut done = Value::Null;
    for number in 0..ways.len() {
        space.make_ready(&format!("kept-{number}"), policies()).await;
        // The same for all: made, and given its class.
        done = space.make_ready(&format!("changed-{number}"), policies()).await["metadata"]["generation"].take();
    }
    space.sweeps(3).await;
    let since = space.mark().await;
    let rules = aws_fails(&space, &ways).await;
    for number in 0..ways.len() {
        let name = format!("new-{number}");
        space.make_account(&name).await;
        space.make_binding(&name, json!({"serviceAccount": {"name": name}, "policies": policies()})).await;
        let no_policies = json!({"spec": {"policies": {"managed": []}}});
        space.patch_binding(&format!("changed-{number}"), no_policies).await;
    }
    for number in 0..ways.len() {
        let says = async |name: &str| {
            eventually_within(SAID, &format!("{name} says that AWS does not answer"), async || {
                let binding = space.binding(name).await;
                let told = condition(&binding, "Reconciling");
                let says = told["status"] == "True" && told["reason"] == "Unavailable";
                if says { Ok(binding) } else { Err(binding["status"].to_string()) }
            })
            .await
        };
        let binding = says(&format!("new-{number}")).await;
        assert!(is(&binding, "Ready", "False"), "{binding}");
        assert_eq!(condition(&binding, "Ready")["reason"], "Unavailable", "{binding}");
        let binding = says(&format!("changed-{number}")).await;
        assert!(is(&binding, "Ready", "True"), "{binding}");
        assert_eq!(generations(&binding), [&done, &done], "nothing later has been in AWS: {binding}");
        assert_eq!(condition(&binding, "Stalled"), &Value::Null, "{binding}");
        // The account shows that nothing is the matter with it, so nobody asks for the role itself.
        let kept = space.binding(&format!("kept-{number}")).await;
        assert!(is(&kept, "Ready", "True") && condition(&kept, "Reconciling").is_null(), "{kept}");
    }
    let class = space.class("default").await;
    assert!(is(&class, "Ready", "True"), "{class}");
    lives(operator);

    drop(rules);
    for number in 0..ways.len() {
        let quiet = |binding: &Value| condition(binding, "Reconciling").is_null();
        for name in ["new", "kept", "changed"] {
            let name = format!("{name}-{number}");
            eventually_within(AGAIN, &format!("{name} says nothing of AWS any more"), async || {
                let binding = space.binding(&name).await;
                if quiet(&binding) { Ok(()) } else { Err(binding["status"].to_string()) }
            })
            .await;
            space.ready(&name).await;
        }
        assert_eq!(space.changes(&format!("kept-{number}"), since).await, [""; 0]);
        assert_eq!(space.role(&format!("changed-{number}")).await["attached"], json!([]));
        assert_eq!(space.role(&format!("new-{number}")).await["attached"], json!([SQS]));
    }
    lives(operator);
}
