//! What happens to many bindings, and what that costs.

use super::counts::{Counts, of_bindings, of_class, of_roles, total};
use super::harness::{Operator, eventually_within, paths};
use super::load::{self, BINDINGS_OF_ONE};
use super::process::Cpu;
use super::{Bench, PATIENCE};
use std::time::{Duration, Instant};

impl Bench {
    /// New bindings, until each of them is Ready.
    pub async fn create(&mut self, operator: &Operator, count: usize) {
        let start = self.begin().await;
        let cpu = Cpu::of(operator.pid());
        self.load.create(count).await;
        self.table.aside("seconds to make them", start.elapsed().as_secs());
        self.writes_until("every binding has a status", "patch irsabindings/status", count).await;
        let elapsed = start.elapsed();
        self.table.aside("seconds from the first of them to all Ready", elapsed.as_secs());
        let spent = cpu.spent(operator.pid());
        self.load.assert_ready().await;
        let (calls, writes) = self.end().await;
        let (managed, inline) = BINDINGS_OF_ONE;
        self.calls_each("create: AWS calls per binding = 1 + M + I", &calls, count, 1 + managed + inline);
        self.writes_each("create: Kubernetes writes per binding", &writes, count, 3, elapsed);
        self.table.say("create: CPU per binding, ms", spent * 1000.0 / count as f64);
        self.memory("resident memory after creating them, MiB", operator);
    }

    /// Until the class has counted all, and nothing is to be done.
    pub async fn quiet(&mut self) {
        let n = self.load.len();
        eventually_within(PATIENCE, "the class counts all as ready", async || {
            let class = self.kube.get(&format!("{}/default", paths::CLASSES)).await;
            let ready = &class["status"]["bindings"]["ready"];
            if *ready == n { Ok(()) } else { Err(class["status"].to_string()) }
        })
        .await;
        self.settled().await;
    }

    /// As `kubectl delete pod` does.
    pub async fn stop(&mut self, mut operator: Operator) {
        let start = Instant::now();
        operator.terminate();
        while operator.ended().is_none() {
            assert!(start.elapsed() < Duration::from_secs(30), "SIGTERM did not end the operator");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.table.aside("ms from SIGTERM to its end", start.elapsed().as_millis());
    }

    /// What a new process reads, and that it writes nothing.
    pub async fn restart(&mut self, before: Operator) -> Operator {
        self.stop(before).await;
        let start = self.begin().await;
        let operator = self.start(false).await;
        let cpu = Cpu::of(operator.pid());
        let n = self.load.len();
        let (_, inline) = BINDINGS_OF_ONE;
        if self.able.sweeps {
            self.calls_until("the account was swept", SWEPT, 1).await;
        } else {
            self.calls_until("every role was read", "GetRolePolicy", n * inline).await;
        }
        self.settled().await;
        self.table.aside("seconds until all was looked at", start.elapsed().as_secs());
        self.table.say("restart: CPU, s", cpu.spent(operator.pid()));
        let (calls, writes) = self.end().await;
        let each = if self.able.sweeps { 0 } else { 3 + inline };
        self.calls_each("restart: AWS calls per binding", &calls, n, each);
        if self.able.sweeps {
            let rest = total(&calls) - total(&of_roles(&calls));
            let most = self.able.sweep_calls(n, n) + CLASS_CALLS;
            self.table.at_most("restart: AWS calls for the whole account", rest as f64, most as f64);
        }
        self.table.counts("restart: Kubernetes writes", &writes);
        self.table.exactly("restart: Kubernetes writes", total(&writes), 1, 0);
        self.memory("resident memory after a restart, MiB", &operator);
        if let [.., (few, small), (many, large)] = self.memory[..] {
            let grown = large.growth(small) * 1024.0 / (many - few) as f64;
            self.table.say("KiB more for each binding with its ServiceAccount", grown);
        }
        operator
    }

    /// The API server comes back with a memory that begins after what the watches have seen: they list anew.
    pub async fn relist(&mut self, operator: &Operator) {
        let between = format!("between-{}", self.load.len());
        self.kube.create(paths::NAMESPACES, &load::namespace(&between)).await;
        self.begin().await;
        self.env.component("stop", "kube-apiserver");
        self.env.component("start", "kube-apiserver");
        eventually_within(PATIENCE, "bindings and ServiceAccounts were listed again", async || {
            let request = http::Request::get("/metrics").body(Vec::new()).unwrap();
            let text = self.kube.client.request_text(request).await.map_err(|e| e.to_string())?;
            let missing = |resource: &str| {
                let listed = |line: &&str| {
                    line.starts_with("apiserver_request_total")
                        && line.contains(&format!("resource=\"{resource}\""))
                        && line.contains("verb=\"LIST\"")
                        && line.contains("code=\"200\"")
                };
                text.lines().find(listed).is_none()
            };
            match ["irsabindings", "serviceaccounts"].into_iter().find(|resource| missing(resource)) {
                None => Ok(()),
                Some(resource) => Err(format!("{resource} were not listed")),
            }
        })
        .await;
        self.quiet_for(Duration::from_secs(4), operator).await;
        let (calls, writes) = self.end().await;
        self.table.exactly("relist: AWS calls per binding", total(&of_roles(&calls)), self.load.len(), 0);
        self.table.exactly("relist: Kubernetes writes", total(&writes), 1, 0);
        self.memory("resident memory after a forced relist, MiB", operator);
    }

    /// Waits until the operator has not used its CPU for so long: a list is done when its last page is.
    async fn quiet_for(&mut self, calm: Duration, operator: &Operator) {
        let start = Instant::now();
        loop {
            let cpu = Cpu::of(operator.pid());
            tokio::time::sleep(calm).await;
            let spent = cpu.spent(operator.pid());
            if spent < 0.05 * calm.as_secs_f64() || start.elapsed() > Duration::from_secs(60) {
                return;
            }
        }
    }

    /// Another inline policy.
    pub async fn update(&mut self, count: usize) {
        let start = self.begin().await;
        self.load.update(count).await;
        self.writes_until("every binding has another status", "patch irsabindings/status", count).await;
        let elapsed = start.elapsed();
        let (calls, writes) = self.end().await;
        let (_, inline) = BINDINGS_OF_ONE;
        self.calls_each("update of a policy: AWS calls per binding = 3 + I + 1", &calls, count, 3 + inline + 1);
        self.writes_each("update of a policy: Kubernetes writes per binding", &writes, count, 1, elapsed);
    }

    /// Deleted, until nothing of them is left.
    pub async fn delete(&mut self, operator: &Operator, count: usize) {
        let start = self.begin().await;
        let cpu = Cpu::of(operator.pid());
        self.load.delete(count).await;
        self.calls_until("every role is deleted", "DeleteRole", count).await;
        self.settled().await;
        let (elapsed, spent) = (start.elapsed(), cpu.spent(operator.pid()));
        self.load.assert_ready().await;
        let (calls, writes) = self.end().await;
        let (managed, inline) = BINDINGS_OF_ONE;
        self.calls_each("delete: AWS calls per binding = M + I + 2", &calls, count, managed + inline + 2);
        self.writes_each("delete: Kubernetes writes per binding", &writes, count, 2, elapsed);
        self.table.say("delete: CPU per binding, ms", spent * 1000.0 / count as f64);
    }

    fn calls_each(&mut self, what: &str, calls: &Counts, n: usize, each: usize) {
        self.table.counts("AWS calls", calls);
        self.table.exactly(what, total(&of_roles(calls)), n, each);
    }

    /// A class counts its bindings twice a minute at most, and once when the last of them is gone.
    fn writes_each(&mut self, what: &str, writes: &Counts, n: usize, each: usize, elapsed: Duration) {
        self.table.counts("Kubernetes writes", writes);
        self.table.exactly(what, of_bindings(writes), n, each);
        let phase = what.split(':').next().unwrap_or_default();
        let most = (elapsed.as_secs_f64() / 30.0).floor() + 2.0;
        self.table.at_most(&format!("{phase}: writes of the class"), of_class(writes) as f64, most);
    }
}

/// What ends a sweep: the quota is asked for.
pub const SWEPT: &str = "GetAccountSummary";
/// What is asked for a class, and who we are, once in a while.
pub const CLASS_CALLS: usize = 4;
