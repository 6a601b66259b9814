//! What `/metrics` tells, in the text format of OpenMetrics. Events are counted here as they happen; what is state is
//! handed in by whoever serves a scrape ([`Readings`]).
//!
//! No label holds what tenants make up: no namespace, no name of an object but that of a class that exists, no message.

pub mod catalog;
mod families;
mod process;
mod readings;
#[cfg(test)]
mod tests;

pub use readings::{AccountReadings, Readings};

use crate::api::BindingStatus;
use crate::controller::Next;
use crate::error::Category;
use crate::plan::{LABELS, Step};
use crate::queue::{Key, Kind};
use crate::status::{Outcome, drift};
use crate::store::NsName;
use catalog as about;
use families::{Bounds, Counters, Histograms, Value, Writer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// As the specification of OpenMetrics 1.0 names it.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// IAM answers most calls in 50 to 400 ms; what takes longer than 8 s is given up.
const CALL_BOUNDS: Bounds = Bounds(&[0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 8.0]);
/// Nothing while the account is idle, minutes behind a backlog; 5 s is what a new binding may take in all.
const WAIT_BOUNDS: Bounds = Bounds(&[0.05, 0.25, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0]);
/// A millisecond where nothing is asked, some calls in a row where it is, and waiting for the budget besides.
const RECONCILE_BOUNDS: Bounds = Bounds(&[0.005, 0.05, 0.25, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0]);

/// Steps that only a deletion takes, which is no drift.
const NO_DRIFT: [&str; 2] = ["delete_role", "delete_service_account"];

/// All that is counted. There is one, shared by whoever has something to tell.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: Counters<3>,
    call_duration: Histograms<1>,
    denied: Counters<2>,
    waits: Histograms<1>,
    steps: Counters<1>,
    drift_found: Counters<1>,
    drift_corrected: Counters<1>,
    reconciles: Counters<3>,
    reconcile_duration: Histograms<2>,
    leader: Gauge,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is said of reconciles before they end; what ends takes it along.
    said: HashMap<Key, Said>,
    /// Drift that was found and not corrected yet, by kind of step; nothing of it is there while all is well.
    open: HashMap<Key, BTreeSet<&'static str>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Said {
    changed: bool,
    failed: Option<Category>,
}

/// A request that AWS has answered, or not.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Where it was sent; `None` before that is known.
    pub account: Option<&'a str>,
    /// As `iam:CreateRole`.
    pub operation: &'static str,
    /// `ok`, a known code, `other` or `no_answer`.
    pub result: &'static str,
    /// Whether a permission is missing.
    pub denied: bool,
    /// From the moment it was sent.
    pub took: Duration,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(about::PREFIX);
        let to = &mut registry;
        to.register(about::BUILD.name, about::BUILD.help, Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let leader = Gauge::default();
        leader.set(1);
        to.register(about::LEADER.name, about::LEADER.help, leader.clone());
        let metrics = Self {
            calls: Counters::new(to, &about::CALLS, Counter::default),
            call_duration: Histograms::new(to, &about::CALL_DURATION, CALL_BOUNDS),
            denied: Counters::new(to, &about::DENIED, Counter::default),
            waits: Histograms::new(to, &about::BUDGET_WAIT, WAIT_BOUNDS),
            steps: Counters::new(to, &about::STEPS, Counter::default),
            drift_found: Counters::new(to, &about::DRIFT_FOUND, Counter::default),
            drift_corrected: Counters::new(to, &about::DRIFT_CORRECTED, Counter::default),
            reconciles: Counters::new(to, &about::RECONCILES, Counter::default),
            reconcile_duration: Histograms::new(to, &about::RECONCILE_DURATION, RECONCILE_BOUNDS),
            leader,
            state: Mutex::default(),
            registry,
        };
        // A rate sees no first event of a series that was not there before it. These are few and known.
        for step in LABELS {
            metrics.steps.with([step.into()], |_| ());
            if !NO_DRIFT.contains(&step) {
                metrics.drift_found.with([step.into()], |_| ());
                metrics.drift_corrected.with([step.into()], |_| ());
            }
        }
        metrics
    }

    /// A request to AWS has ended.
    pub fn called(&self, call: &Call<'_>) {
        let account = || call.account.map_or(Value::Borrowed("unknown"), |account| account.to_owned().into());
        self.calls.inc([account(), call.operation.into(), call.result.into()]);
        self.call_duration.with([call.operation.into()], |h| h.observe(call.took.as_secs_f64()));
        if call.denied {
            self.denied.inc([account(), call.operation.into()]);
        }
    }

    /// A request may be sent now, after it has waited for so long.
    pub fn waited(&self, kind: Kind, time: Duration) {
        self.waits.with([kind.label().into()], |h| h.observe(time.as_secs_f64()));
    }

    /// Whether this replica is the one that works. It is, unless somebody says otherwise.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// A reconcile of a binding has come so far, and is about to tell what came of it.
    pub fn told(&self, key: &Key, previous: &BindingStatus, outcome: &Outcome) {
        self.done(key, &outcome.done);
        let Some((done, pending)) = drift(previous, outcome) else { return };
        let mut state = self.state();
        let before = state.open.remove(key).unwrap_or_default();
        for step in done.iter().chain(pending).filter(|step| !before.contains(step.label())) {
            self.drift_found.inc([step.label().into()]);
        }
        for step in done {
            self.drift_corrected.inc([step.label().into()]);
        }
        if !pending.is_empty() {
            state.open.insert(key.clone(), pending.iter().map(Step::label).collect());
        }
    }

    /// These changes were made in the reconcile of this object.
    pub fn done(&self, key: &Key, steps: &[Step]) {
        for step in steps {
            self.steps.inc([step.label().into()]);
        }
        if !steps.is_empty() {
            self.changed(key);
        }
    }

    /// This change was made to a role without a binding.
    pub fn stepped(&self, step: &Step) {
        self.steps.inc([step.label().into()]);
    }

    /// These changes were made, and the binding is gone with them.
    pub fn released(&self, binding: &NsName, steps: &[Step]) {
        let key = Key::Binding(binding.clone());
        self.done(&key, steps);
        self.state().open.remove(&key);
    }

    /// Something was changed in the reconcile of this object.
    pub fn changed(&self, key: &Key) {
        self.state().said.entry(key.clone()).or_default().changed = true;
    }

    /// The reconcile of this object fails so, whatever is made of it for the next attempt.
    pub fn failed(&self, key: &Key, category: Category) {
        self.state().said.entry(key.clone()).or_default().failed = Some(category);
    }

    /// A reconcile has ended.
    pub fn reconciled(&self, key: &Key, kind: Kind, next: Next, took: Duration) {
        let said = self.state().said.remove(key).unwrap_or_default();
        let outcome = match (said.failed, next) {
            (Some(category), _) | (None, Next::Failed(category) | Next::FailedQuietly(category, _)) => category.label(),
            (None, Next::Again) => "stale",
            (None, _) if said.changed => "changed",
            (None, _) => "unchanged",
        };
        let object = match key {
            Key::Binding(_) => "binding",
            Key::Class(_) => "class",
        };
        self.reconciles.inc([object.into(), kind.label().into(), outcome.into()]);
        self.reconcile_duration.with([object.into(), kind.label().into()], |h| h.observe(took.as_secs_f64()));
    }

    /// All of it, as text.
    #[must_use]
    pub fn render(&self, readings: Readings) -> String {
        let mut now = Registry::with_prefix(about::PREFIX);
        now.register_collector(Box::new(readings));
        let mut process = Registry::default();
        process.register_collector(Box::new(Process));
        let mut to = String::new();
        // Writing into a string does not fail.
        let _ = [&now, &self.registry, &process].into_iter().try_for_each(|part| text::encode_registry(&mut to, part));
        let _ = text::encode_eof(&mut to);
        to
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        process::write(&mut Writer::new(encoder))
    }
}
