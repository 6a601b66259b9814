//! Dashboards and alerts depend on names: a change here is a change for whoever has them.

#[allow(dead_code)]
#[path = "../../tests/e2e/harness/openmetrics.rs"]
mod openmetrics;

use super::*;
use crate::api::reason;
use crate::queue::Depth;
use crate::snapshot::{Quota, Source, Taken};
use crate::status::{RoleInfo, condition};
use k8s_openapi::jiff::Timestamp;
use openmetrics::Scrape;
use std::time::Instant;

/// Name, type and labels of everything, as it is scraped.
const GOLDEN: &[(&str, &str, &str)] = &[
    ("irsa_operator_aws_budget_requests_per_second", "gauge", "account"),
    ("irsa_operator_aws_budget_wait_seconds", "histogram", "kind"),
    ("irsa_operator_aws_call_duration_seconds", "histogram", "operation"),
    ("irsa_operator_aws_calls_total", "counter", "account,operation,result"),
    ("irsa_operator_aws_denied_calls_total", "counter", "account,action"),
    ("irsa_operator_aws_quota_limit", "gauge", "account,quota"),
    ("irsa_operator_aws_quota_used", "gauge", "account,quota"),
    ("irsa_operator_bindings", "gauge", "class,ready,reason"),
    ("irsa_operator_bindings_noted", "gauge", "class,reason"),
    ("irsa_operator_build_info", "info", "version"),
    ("irsa_operator_class_conditions", "gauge", "class,condition,reason,status"),
    ("irsa_operator_contested", "gauge", "account"),
    ("irsa_operator_deletions_pending", "gauge", "class"),
    ("irsa_operator_drift_corrected_total", "counter", "step"),
    ("irsa_operator_drift_found_total", "counter", "step"),
    ("irsa_operator_leader", "gauge", ""),
    ("irsa_operator_longest_pending_deletion_seconds", "gauge", "class"),
    ("irsa_operator_orphans", "gauge", "account,state"),
    ("irsa_operator_queue_depth", "gauge", "kind,state"),
    ("irsa_operator_reconcile_duration_seconds", "histogram", "kind,object"),
    ("irsa_operator_reconciles_total", "counter", "kind,object,outcome"),
    ("irsa_operator_removals_held", "gauge", "class,held_namespace"),
    ("irsa_operator_snapshot_age_seconds", "gauge", "account"),
    ("irsa_operator_snapshot_duration_seconds", "gauge", "account"),
    ("irsa_operator_snapshot_roles", "gauge", "account"),
    ("irsa_operator_snapshot_suspect", "gauge", "account"),
    ("irsa_operator_steps_total", "counter", "step"),
    ("irsa_operator_watch_up", "gauge", "resource"),
    ("process_cpu_seconds_total", "counter", ""),
    ("process_max_fds", "gauge", ""),
    ("process_open_fds", "gauge", ""),
    ("process_resident_memory_bytes", "gauge", ""),
    ("process_start_time_seconds", "gauge", ""),
];

fn scrape(metrics: &Metrics, readings: Readings) -> Scrape {
    let text = metrics.render(readings);
    Scrape::parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

fn now(metrics: &Metrics) -> Scrape {
    scrape(metrics, Readings::default())
}

/// A snapshot of no roles, just now.
fn taken() -> Option<Taken> {
    let mut snapshot = crate::snapshot::Snapshot::default();
    let now = Instant::now();
    let number = snapshot.begin("a", Source::Bulk, now);
    snapshot.end("a", number, Duration::ZERO, now + Duration::from_secs(1));
    snapshot.account("a")?.taken()
}

/// Everything has happened once.
fn full() -> Scrape {
    let (metrics, key) = (Metrics::new(), Key::class("c"));
    let (account, second) = ("111122223333", Duration::from_secs(1));
    let operation = "iam:CreateRole";
    metrics.called(&Call { account: Some(account), operation, result: "AccessDenied", denied: true, took: second });
    metrics.waited(Kind::Change, second);
    metrics.reconciled(&key, Kind::Change, Next::Wait, second);
    let of = AccountReadings {
        rate: 7.5,
        unseen: Some(Instant::now()),
        snapshot: taken(),
        suspect: false,
        quota: Some(Quota { used: 1, limit: 9 }),
        orphans: Some((0, 0)),
        contested: 0,
    };
    let readings = Readings {
        bindings: [(("c\"\\\n".to_owned(), reason::READY, true), 3)].into(),
        noted: [(("c".to_owned(), reason::HELD), 1)].into(),
        classes: vec![("c".to_owned(), "Ready", reason::READY, "True")],
        held: [(("c".to_owned(), "n".to_owned()), 2)].into(),
        deletions: [("c".to_owned(), (1, second))].into(),
        queue: Depth::default(),
        watches: vec![("irsabindings".to_owned(), true)],
        accounts: [(account.to_owned(), of)].into(),
    };
    scrape(&metrics, readings)
}

/// What a query calls it, and the labels of all of its samples but for the buckets' own.
fn shape(family: &openmetrics::Family) -> (String, String, String) {
    let suffix = match family.kind.as_str() {
        "counter" => "_total",
        "info" => "_info",
        _ => "",
    };
    let mut shapes: BTreeSet<String> = BTreeSet::new();
    for sample in &family.samples {
        let labels: Vec<&str> = sample.labels.keys().map(String::as_str).filter(|name| *name != "le").collect();
        shapes.insert(labels.join(","));
    }
    assert_eq!(shapes.len(), 1, "{family:?}");
    (family.name.clone() + suffix, family.kind.clone(), shapes.pop_first().unwrap())
}

#[test]
fn names_types_and_labels_are_a_promise() {
    let mut found: Vec<_> = full().families.iter().map(shape).collect();
    found.sort();
    let golden: Vec<_> = GOLDEN.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect();
    assert_eq!(found, golden);
}

#[test]
fn the_catalogue_is_what_is_scraped() {
    let scrape = full();
    assert_eq!(catalog::ALL.len(), scrape.families.len());
    for about in catalog::ALL {
        let name = about.full_name();
        let family = scrape.families.iter().find(|family| shape(family).0 == name).expect(&name);
        let mut labels = about.labels.to_vec();
        labels.sort_unstable();
        assert_eq!((family.kind.as_str(), family.unit.as_str()), (about.kind, about.unit), "{name}");
        assert_eq!((shape(family).2, &family.help), (labels.join(","), &format!("{}.", about.help)), "{name}");
        assert!(!about.help.contains(['|', '\n', '\\']), "{name}: it stands in a table");
    }
}

#[test]
fn the_documentation_has_the_same_table_and_names_nothing_else() {
    let text = include_str!("../../docs/metrics.md");
    let table = catalog::table();
    assert!(text.contains(&table), "the table of docs/metrics.md is not the catalogue's, which is:\n\n{table}");
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let known: BTreeSet<String> = catalog::ALL.iter().map(catalog::About::full_name).collect();
    let named = words.filter(|word| word.starts_with("irsa_operator_") || word.starts_with("process_"));
    for word in named.filter(|word| *word != "irsa_operator_") {
        let plain = ["_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
        assert!(known.contains(plain), "{word} is no metric");
    }
    let labels = LABELS.into_iter().chain(Category::ALL.map(Category::label)).chain(Kind::ALL.map(Kind::label));
    for label in labels {
        assert!(text.contains(&format!("`{label}`")), "the values of labels lack {label}");
    }
}

#[test]
fn a_scrape_shows_what_was_counted() {
    let scrape = full();
    let one = |name: &str, labels: &[(&str, &str)]| assert_eq!(scrape.sum(name, labels), 1.0, "{name}");
    one(
        "irsa_operator_aws_calls_total",
        &[("account", "111122223333"), ("operation", "iam:CreateRole"), ("result", "AccessDenied")],
    );
    one("irsa_operator_aws_denied_calls_total", &[("action", "iam:CreateRole")]);
    one("irsa_operator_aws_budget_wait_seconds_bucket", &[("kind", "change"), ("le", "1.0")]);
    one("irsa_operator_snapshot_duration_seconds", &[]);
    one("irsa_operator_leader", &[]);
    one("irsa_operator_watch_up", &[("resource", "irsabindings")]);
    one("irsa_operator_build_info", &[("version", env!("CARGO_PKG_VERSION"))]);
    assert_eq!(scrape.sum("irsa_operator_bindings", &[("class", "c\"\\\n"), ("ready", "true")]), 3.0);
    assert_eq!(scrape.sum("irsa_operator_aws_budget_requests_per_second", &[]), 7.5);
    assert!(scrape.sum("process_resident_memory_bytes", &[]) > 1e6);
    assert!(scrape.sum("process_open_fds", &[]) >= 3.0 && scrape.sum("process_cpu_seconds_total", &[]) >= 0.0);
    let age = Timestamp::now().as_second() as f64 - scrape.sum("process_start_time_seconds", &[]);
    assert!((-2.0..3600.0).contains(&age), "started {age} s ago");
}

#[test]
fn a_reconcile_counts_by_what_came_of_it() {
    let (metrics, key) = (Metrics::new(), Key::binding("n", "b"));
    let ended = |next| metrics.reconciled(&key, Kind::Repair, next, Duration::ZERO);
    let count = |outcome| now(&metrics).sum("irsa_operator_reconciles_total", &[("outcome", outcome)]);
    ended(Next::Wait);
    metrics.done(&key, &[Step::Annotate]);
    ended(Next::Look(Kind::Sweep, Instant::now()));
    ended(Next::Look(Kind::Sweep, Instant::now()));
    assert_eq!((count("changed"), count("unchanged")), (1.0, 2.0), "what was said goes with its reconcile");
    metrics.done(&key, &[Step::Annotate]);
    ended(Next::FailedQuietly(Category::Throttled, Duration::ZERO));
    ended(Next::Again);
    metrics.failed(&key, Category::Missing);
    ended(Next::Failed(Category::Settling));
    assert_eq!((count("throttled"), count("stale"), count("missing"), count("settling")), (1.0, 1.0, 1.0, 0.0));
    assert_eq!(count("changed"), 1.0, "a failure is a failure, whatever was done before it");
    assert_eq!(now(&metrics).sum("irsa_operator_steps_total", &[("step", "annotate")]), 2.0, "but a step is a step");
    assert!(metrics.state().said.is_empty());
}

/// A binding that is Ready, and a reconcile that has come so far.
fn drifted(done: &[Step], pending: &[Step]) -> (BindingStatus, Outcome) {
    let mut ready = condition(reason::condition::READY, "True", reason::READY, "");
    ready.observed_generation = Some(1);
    let previous = BindingStatus { conditions: vec![ready], ..BindingStatus::default() };
    let failure = pending.first().map(|step| (Some(step.facet()), crate::error::Error::new(Category::Denied, "no")));
    let (done, pending, role) = (done.to_vec(), pending.to_vec(), Some(RoleInfo::default()));
    (previous, Outcome { generation: 1, role, done, pending, failure, ..Outcome::default() })
}

#[test]
fn drift_is_found_once_and_corrected_once() {
    let (metrics, key) = (Metrics::new(), Key::binding("n", "b"));
    let told = |(previous, outcome): (BindingStatus, Outcome)| metrics.told(&key, &previous, &outcome);
    let counts = |step| {
        let scrape = now(&metrics);
        let of = |name: &str| scrape.sum(&format!("irsa_operator_drift_{name}_total"), &[("step", step)]);
        (of("found"), of("corrected"))
    };
    let (attach, put) = (Step::Attach("a".into()), Step::PutInline("p".into()));
    told(drifted(&[attach], std::slice::from_ref(&put)));
    assert_eq!((counts("attach"), counts("put_inline")), ((1.0, 1.0), (1.0, 0.0)));
    told(drifted(&[], std::slice::from_ref(&put)));
    let (previous, mut blind) = drifted(&[], std::slice::from_ref(&put));
    blind.pending.clear();
    metrics.told(&key, &previous, &blind);
    told(drifted(&[], std::slice::from_ref(&put)));
    assert_eq!(counts("put_inline"), (1.0, 0.0), "the same, tried again, and not looked at between");
    told(drifted(std::slice::from_ref(&put), &[]));
    assert_eq!(counts("put_inline"), (1.0, 1.0));
    told(drifted(std::slice::from_ref(&put), &[]));
    assert_eq!(counts("put_inline"), (2.0, 2.0), "another time");

    let (previous, mut asked) = drifted(std::slice::from_ref(&put), &[]);
    asked.wish_changed = true;
    metrics.told(&key, &previous, &asked);
    let (previous, mut changed) = drifted(std::slice::from_ref(&put), &[]);
    changed.generation = 2;
    metrics.told(&key, &previous, &changed);
    assert_eq!(counts("put_inline"), (2.0, 2.0), "what was asked for is no drift");
    assert_eq!(now(&metrics).sum("irsa_operator_steps_total", &[("step", "put_inline")]), 4.0, "but it was done");

    told(drifted(&[], &[put]));
    assert!(!metrics.state().open.is_empty());
    metrics.released(&crate::store::NsName::new("n", "b"), &[]);
    assert!(metrics.state().open.is_empty(), "gone with its binding");
}

/// Series that alerts are written on are there from the start.
#[test]
fn steps_are_counted_from_zero() {
    let scrape = now(&Metrics::new());
    for step in LABELS {
        assert_eq!(scrape.samples("irsa_operator_steps_total", &[("step", step)]).len(), 1, "{step}");
    }
    assert_eq!(scrape.samples("irsa_operator_drift_found_total", &[]).len(), LABELS.len() - NO_DRIFT.len());
}

#[test]
fn the_checker_takes_no_nonsense() {
    let good = "# HELP a b.\n# TYPE a counter\na_total{l=\"v\"} 1\n# EOF\n";
    assert!(Scrape::parse(good).is_ok());
    for (from, to) in [
        ("# EOF\n", ""),
        ("# EOF\n", "\n# EOF\n"),
        ("a_total{", "a{"),
        ("a_total{", "b_total{"),
        (" 1\n", " -1\n"),
        (" 1\n", " one\n"),
        (" 1\n", "  1\n"),
        (" 1\n", " 1\na_total{l=\"v\"} 2\n"),
        (" 1\n", " 1\n# TYPE c gauge\n"),
        (" 1\n", " 1\n# TYPE a counter\n"),
        ("l=", "l-l="),
        ("l=", "1l="),
        ("\"v\"", "\"v"),
        ("\"v\"", "\"\\v\""),
        ("l=\"v\"", "l=\"v\",l=\"w\""),
        ("l=\"v\"", "l=\"v\";m=\"w\""),
        ("# HELP a b.\n", ""),
        ("# HELP a b.\n", "# HELP a b.\n# UNIT a seconds\n"),
        ("counter\n", "summary\n"),
        ("counter\n", "gauge\n"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(Scrape::parse(&bad).is_err(), "{bad}");
    }
    let buckets = |le: &str, inf: u8, count: u8| {
        let text = "# HELP h b.\n# TYPE h histogram\n";
        Scrape::parse(&format!(
            "{text}h_sum 1\nh_count {count}\nh_bucket{{le=\"1\"}} 1\nh_bucket{{le=\"{le}\"}} {inf}\n# EOF\n"
        ))
    };
    assert!(buckets("+Inf", 2, 2).is_ok());
    assert!(buckets("2", 2, 2).is_err() && buckets("+Inf", 0, 0).is_err() && buckets("+Inf", 2, 3).is_err());
}
