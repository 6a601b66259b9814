//! `/metrics` says what others have counted: the journal of AWS, and the API server.

use crate::harness::documents::{allow, aws, inline};
use crate::harness::openmetrics::Scrape;
use crate::harness::{Env, Operator, Space, eventually, is};
use serde_json::json;
use std::collections::BTreeMap;

const PREFIX: &str = "irsa_operator_";

fn scrape(operator: &Operator) -> Scrape {
    let (status, text) = operator.health("/metrics").expect("an answer");
    assert_eq!(status, 200, "{text}");
    Scrape::parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

fn sum(operator: &Operator, name: &str, labels: &[(&str, &str)]) -> f64 {
    scrape(operator).sum(&format!("{PREFIX}{name}"), labels)
}

/// Waits until a metric is so.
async fn until(operator: &Operator, name: &str, labels: &[(&str, &str)], so: impl Fn(f64) -> bool) {
    eventually(&format!("{name} {labels:?} is so"), async || {
        let value = sum(operator, name, labels);
        if so(value) { Ok(()) } else { Err(value.to_string()) }
    })
    .await;
}

/// How often each operation was answered so: by AWS's own journal.
async fn journaled(space: &Space) -> BTreeMap<(String, String), u64> {
    let mut counts = BTreeMap::new();
    for call in space.emulator.journal("principal=*assumed-role/irsa-operator/*").await {
        let result = if call.code.is_empty() { "ok".to_owned() } else { call.code };
        *counts.entry((call.operation, result)).or_default() += 1;
    }
    counts
}

/// The same by the operator's metrics.
fn counted(scrape: &Scrape) -> BTreeMap<(String, String), u64> {
    let mut counts = BTreeMap::new();
    for sample in scrape.samples(&format!("{PREFIX}aws_calls_total"), &[]) {
        let operation = sample.label("operation").split(':').nth(1).unwrap_or_default().to_owned();
        *counts.entry((operation, sample.label("result").to_owned())).or_default() += sample.value as u64;
    }
    counts
}

/// Both are asked until no call comes between the two questions.
async fn same_as_the_journal(operator: &Operator, space: &Space) {
    let what = "the metrics say what the journal says";
    let scrape = eventually(what, async || {
        let (journal, scrape) = (journaled(space).await, scrape(operator));
        if counted(&scrape) == journal { Ok(scrape) } else { Err(format!("{:?}\n{journal:?}", counted(&scrape))) }
    })
    .await;
    for ((operation, _), _) in counted(&scrape) {
        let of = |name: &str| {
            let all = scrape.samples(&format!("{PREFIX}{name}"), &[]);
            let ours = all.iter().filter(|sample| sample.label("operation").ends_with(&format!(":{operation}")));
            ours.map(|sample| sample.value).sum::<f64>()
        };
        assert_eq!(of("aws_calls_total"), of("aws_call_duration_seconds_count"), "{operation}");
    }
    let account = [("account", space.emulator.account.as_str())];
    let others: Vec<&str> = scrape
        .samples(&format!("{PREFIX}aws_calls_total"), &[])
        .iter()
        .filter(|sample| !sample.has(&account))
        .map(|sample| sample.label("operation"))
        .collect();
    assert_eq!(others, ["sts:GetCallerIdentity"], "all but the question for the account");
}

#[tokio::test]
async fn what_is_counted_is_what_happened() {
    let env = Env::own("metrics");
    let mut operator = Operator::start(&env, &["--resync", "2s"]);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("counted", &operator).await;
    let bindings = |labels: &[(&str, &str)]| sum(&operator, "bindings", labels);
    assert_eq!((bindings(&[]), sum(&operator, "leader", &[])), (0.0, 1.0));
    // An API server that has just started may refuse one at first.
    until(&operator, "watch_up", &[], |n| n == 4.0).await;
    assert_eq!(sum(&operator, "reconciles_total", &[("object", "class"), ("outcome", "changed")]), 1.0, "the provider");
    let class = [("class", "default"), ("condition", "ProviderReady"), ("reason", "Ready"), ("status", "True")];
    until(&operator, "class_conditions", &class, |n| n == 1.0).await;

    let policies = json!({"managed": ["aws:ReadOnlyAccess"], "inline": [inline("bucket", allow("s3:GetObject"))]});
    space.make_ready("app", policies).await;
    let ready = [("class", "default"), ("reason", "Ready"), ("ready", "true")];
    until(&operator, "bindings", &ready, |n| n == 1.0).await;
    for step in ["create_role", "attach", "put_inline", "annotate"] {
        assert_eq!(sum(&operator, "steps_total", &[("step", step)]), 1.0, "{step}");
    }
    assert_eq!(sum(&operator, "drift_found_total", &[]), 0.0, "what was asked for is no drift");
    let changed = [("object", "binding"), ("kind", "change"), ("outcome", "changed")];
    assert!(sum(&operator, "reconciles_total", &changed) >= 1.0);

    // The operator's own role counts and is not kept, nor are the two service-linked ones that every account has.
    let account = [("account", env.emulator.account.as_str())];
    until(&operator, "snapshot_roles", &account, |n| n == 1.0).await;
    until(&operator, "aws_quota_used", &account, |n| n == 4.0).await;
    let shown = scrape(&operator);
    let of = |name: &str| shown.sum(&format!("{PREFIX}{name}"), &account);
    assert!(of("aws_quota_limit") >= 1000.0 && of("aws_budget_requests_per_second") > 0.0, "{shown:?}");
    assert!(of("snapshot_age_seconds") < 60.0 && of("snapshot_suspect") == 0.0, "{shown:?}");

    // Drift that is put right, and drift that can't be while an action is refused.
    let (found, corrected) = ("drift_found_total", "drift_corrected_total");
    let attach = [("step", "attach")];
    let role = space.role_name("app");
    let detach = async || {
        let call = space.aws.iam.detach_role_policy().role_name(&role).policy_arn(aws("ReadOnlyAccess"));
        call.send().await.expect("detached");
    };
    detach().await;
    until(&operator, corrected, &attach, |n| n == 1.0).await;
    assert_eq!(sum(&operator, found, &[]), 1.0);
    let refuse = json!({"action": "fail", "status": 403, "code": "AccessDenied",
        "message": format!("User: x is not authorized to perform: iam:AttachRolePolicy on resource: {}", space.role_arn("app")),
        "match": {"operation": "AttachRolePolicy"}});
    let rule = env.emulator.rule(refuse).await;
    detach().await;
    let denied = [("account", env.emulator.account.as_str()), ("action", "iam:AttachRolePolicy")];
    until(&operator, "aws_denied_calls_total", &denied, |n| n >= 3.0).await;
    assert_eq!((sum(&operator, found, &attach), sum(&operator, corrected, &attach)), (2.0, 1.0), "once, however often");
    until(&operator, "reconciles_total", &[("outcome", "denied")], |n| n >= 2.0).await;
    assert_eq!(bindings(&ready), 1.0, "what was true stays so");
    drop(rule);
    until(&operator, corrected, &attach, |n| n == 2.0).await;
    assert_eq!((sum(&operator, found, &[]), sum(&operator, corrected, &[])), (2.0, 2.0));
    let refusals =
        counted(&scrape(&operator)).get(&("AttachRolePolicy".to_owned(), "AccessDenied".to_owned())).copied();
    assert_eq!(refusals, Some(sum(&operator, "aws_denied_calls_total", &[]) as u64));

    // Two that are not Ready, one of them of a class that only its author knows.
    for (name, spec) in [
        ("missing", json!({"serviceAccount": {"name": "missing"}, "policies": {"managed": ["account:nothing"]}})),
        ("stray", json!({"className": "made-up", "serviceAccount": {"name": "stray"}})),
    ] {
        space.make_account(name).await;
        space.make_binding(name, spec).await;
    }
    until(&operator, "bindings", &[("class", "default"), ("reason", "NotFound"), ("ready", "false")], |n| n == 1.0)
        .await;
    until(&operator, "bindings", &[("class", ""), ("ready", "false")], |n| n == 1.0).await;
    assert_eq!(scrape(&operator).samples("irsa_operator_bindings", &[("class", "made-up")]).len(), 0);
    assert_eq!(bindings(&[]), 3.0);
    same_as_the_journal(&operator, &space).await;

    // A deletion that takes its time.
    let pending = [("class", "default")];
    assert_eq!(sum(&operator, "longest_pending_deletion_seconds", &pending), 0.0);
    let hold = json!({"action": "hold", "match": {"operation": "DeleteRole"}, "count": 1});
    let _rule = env.emulator.rule(hold).await;
    space.delete("app").await;
    let held = env.emulator.held("DeleteRole", &role).await;
    until(&operator, "longest_pending_deletion_seconds", &pending, |age| age > 0.1).await;
    assert_eq!(sum(&operator, "deletions_pending", &[]), 1.0);
    assert_eq!(sum(&operator, "queue_depth", &[("kind", "deletion"), ("state", "in_flight")]), 1.0);
    env.emulator.release(&held).await;
    for name in ["app", "missing", "stray"] {
        space.delete(name).await;
        space.gone(name).await;
    }
    until(&operator, "deletions_pending", &[], |n| n == 0.0).await;
    assert_eq!((bindings(&[]), sum(&operator, "steps_total", &[("step", "delete_role")])), (0.0, 2.0));
    assert_eq!((sum(&operator, found, &[]), sum(&operator, corrected, &[])), (2.0, 2.0), "to delete is no drift");
    // The class alone is looked at now and then.
    until(&operator, "queue_depth", &[("state", "due")], |n| n == 0.0).await;
    until(&operator, "queue_depth", &[("state", "in_flight")], |n| n == 0.0).await;
    same_as_the_journal(&operator, &space).await;
    assert!(is(&space.class("default").await, "Ready", "True"));
}
