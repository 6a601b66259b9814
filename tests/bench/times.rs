//! What costs time: nothing happening, a change outside, and a backlog.

use super::Bench;
use super::counts::{of_roles, throttled, total};
use super::harness::{Operator, eventually_within, is, paths};
use super::limits;
use super::load::{elsewhere, foreign_roles};
use super::phases::{CLASS_CALLS, SWEPT};
use super::process::Cpu;
use serde_json::json;
use std::time::{Duration, Instant};

/// How many roles somebody changes, and how often one is.
const CHANGES: (usize, Duration) = (6, Duration::from_secs(12));
/// How long the rate of an account is being learnt.
const LEARNING: Duration = Duration::from_secs(60);
/// How many new bindings come while the backlog runs, one after another.
const NEW: usize = 5;

impl Bench {
    /// Nothing happens: what is looked at, and what that costs.
    pub async fn idle(&mut self, operator: &Operator) {
        self.settled().await;
        let mut start = self.begin().await;
        let mut cpu = Cpu::of(operator.pid());
        let mut sweeps = 0;
        if self.able.sweeps {
            // From the end of one sweep to the end of another.
            self.calls_until("the account was swept", SWEPT, 1).await;
            self.settled().await;
            start = self.begin().await;
            cpu = Cpu::of(operator.pid());
        }
        tokio::time::sleep(self.sizes.idle).await;
        if self.able.sweeps {
            sweeps = 1 + self.calls.read().await.get(SWEPT).copied().unwrap_or(0);
            self.calls_until("the account was swept", SWEPT, sweeps).await;
            self.settled().await;
        }
        let (spent, elapsed) = (cpu.spent(operator.pid()), start.elapsed().as_secs_f64());
        let (calls, writes) = self.end().await;
        self.table.counts("AWS calls", &calls);
        let n = self.load.len();
        self.table.exactly("no change: AWS calls per binding", total(&of_roles(&calls)), n, 0);
        self.table.exactly("no change: Kubernetes writes", total(&writes), 1, 0);
        self.table.aside("seconds without change", elapsed.round());
        if sweeps > 0 {
            let most = self.able.sweep_calls(2 * n, n) + CLASS_CALLS;
            self.table.at_most("no change: AWS calls in a sweep", total(&calls) as f64 / sweeps as f64, most as f64);
            self.table.say("no change: seconds from sweep to sweep", elapsed / sweeps as f64);
        }
        self.table.say("no change: CPU in an hour, s", spent * 3600.0 / elapsed);
        self.memory("resident memory with as many roles of others, MiB", operator);
        self.table.say("resident memory at the most until then, MiB", super::Memory::of(operator.pid()).peak);
    }

    /// Somebody changes a role now and then, in an account with as many roles of others.
    pub async fn outside(&mut self) {
        let n = self.load.len();
        foreign_roles(&self.env, n).await;
        if !self.able.sweeps {
            self.table.aside("from a change outside to its correction", "by the beat of each role: not measured");
            return;
        }
        let (count, beat) = CHANGES;
        let mut open = Vec::new();
        let mut roles = self.load.roles(count).await;
        let (mut sum, mut most) = (0.0, 0.0_f64);
        let mut next = Instant::now();
        while !roles.is_empty() || !open.is_empty() {
            if Instant::now() >= next
                && let Some(name) = roles.pop()
            {
                let inline = json!({"buckets": {"Version": "2012-10-17", "Statement": []}});
                let body = json!({"account": self.env.emulator.account, "roles": [{"name": name, "inline": inline}]});
                self.env.emulator.ask("POST", "/_admin/state/roles".into(), Some(body)).await;
                open.push((name, Instant::now()));
                next = Instant::now() + beat;
            }
            for at in (0..open.len()).rev() {
                let (name, since) = &open[at];
                let role = self.env.emulator.role(name).await;
                if role["inline"]["buckets"]["Statement"][0].is_object() {
                    let took = since.elapsed().as_secs_f64();
                    (sum, most) = (sum + took, most.max(took));
                    open.swap_remove(at);
                } else {
                    assert!(since.elapsed() < super::PATIENCE, "a change of {name} is not corrected");
                }
            }
            self.calls.read().await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let limit = self.able.corrected_max(2 * n, n);
        self.table.say("from a change outside to its correction, s, mean", sum / count as f64);
        self.table.at_most("from a change outside to its correction, s, longest", most, limit);
    }

    /// Many new bindings, an account that takes few calls a second, and somebody in another namespace who waits for one.
    pub async fn backlog(&mut self, operator: Operator) {
        self.stop(operator).await;
        let operator = self.start(true).await;
        self.settled().await;
        let account = format!("/_admin/accounts/{}/switches", self.env.emulator.account);
        let bucket = json!({"bucket": {"rate": limits::RATE, "depth": limits::RATE}});
        self.env.emulator.ask("POST", account, Some(bucket)).await;
        let backlog = 1_000_000..1_000_000 + self.sizes.backlog;
        let third = self.sizes.backlog.div_ceil(3);
        for (part, name) in ["backlog-a", "backlog-b", "backlog-c"].into_iter().enumerate() {
            let first = backlog.start + part * third;
            elsewhere(&self.kube, name, first..(first + third).min(backlog.end)).await;
        }
        tokio::time::sleep(LEARNING).await;
        let start = self.begin().await;
        let mut waited = Vec::new();
        for number in 0..NEW {
            waited.push(self.new_one(number).await);
            // Until others have had their turn.
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
        let elapsed = start.elapsed().as_secs_f64();
        let (calls, _) = self.end().await;
        self.table.counts("AWS calls", &calls);
        let left = self.left(["backlog-a", "backlog-b", "backlog-c"]).await;
        self.table.aside("of the backlog still waiting", left);
        let limit_known = self.able.budget && left > 0;
        // What these numbers are to be holds for an operator that has a budget, while there is a backlog.
        let limit = |limit: f64| if limit_known { limit } else { f64::INFINITY };
        let (ready, used, refused) = (limit(limits::READY_MAX), limit(limits::USED_MIN), limit(limits::THROTTLED_MAX));
        waited.sort_by(f64::total_cmp);
        self.table.say("new binding to Ready beside a backlog, s, median", waited[NEW / 2]);
        self.table.at_most("new binding to Ready beside a backlog, s, longest", waited[NEW - 1], ready);
        let answered = total(&calls) - throttled(&calls);
        self.table.at_least("of the rate limit used, %", answered as f64 * 100.0 / (limits::RATE * elapsed), used);
        let refusals = throttled(&calls) as f64 * 100.0 / total(&calls).max(1) as f64;
        self.table.at_most("of calls throttled, %", refusals, refused);
        drop(operator);
    }

    /// Seconds until a new binding is Ready.
    async fn new_one(&self, number: usize) -> f64 {
        let namespace = format!("waiting-{number}");
        let start = Instant::now();
        elsewhere(&self.kube, &namespace, number..number + 1).await;
        eventually_within(super::PATIENCE, "a new binding is Ready", async || {
            let all = self.kube.list(&paths::bindings(&namespace)).await;
            if all.iter().all(|one| is(one, "Ready", "True")) { Ok(()) } else { Err(format!("{}", all[0]["status"])) }
        })
        .await;
        start.elapsed().as_secs_f64()
    }

    /// Bindings in these namespaces that are not Ready.
    async fn left(&self, namespaces: [&str; 3]) -> usize {
        let mut left = 0;
        for namespace in namespaces {
            let all = self.kube.list(&paths::bindings(namespace)).await;
            left += all.iter().filter(|one| !is(one, "Ready", "True")).count();
        }
        left
    }
}
