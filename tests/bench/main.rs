//! The numbers to hold, measured on the release build: what a binding costs in calls of AWS and in writes to the API
//! server, what the operator costs in memory, and how large it is. `make bench` builds what is missing and runs it.
//!
//! Everything is counted by others: calls in the emulator's journal, writes in the API server's audit log, memory and
//! CPU in `/proc`. Counts are exact and asserted; times are printed only, because they say more of the machine than of
//! the operator. `IRSA_BENCH_BINDINGS` changes how many bindings there are (2,000); limits of memory hold up to 2,000.

#![allow(clippy::unwrap_used)] // the lint spares only test functions

#[path = "../e2e/harness/mod.rs"]
#[allow(dead_code, unused_imports)]
mod harness;

mod counts;
mod load;
mod process;
mod table;

use counts::{Calls, Writes, total};
use harness::{Env, Kube, Operator, eventually_within, paths};
use load::{BINDINGS_OF_ONE, Load};
use process::{Cpu, Memory};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use table::Table;

/// Mebibytes that the program may have.
const BINARY_MAX: f64 = 15.0;
/// Mebibytes of resident memory with 2,000 bindings.
const MEMORY_MAX: f64 = 48.0;
/// For how long nothing happens.
const QUIET: Duration = Duration::from_secs(20);
/// How long a phase may take.
const PATIENCE: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let table = runtime.block_on(bench());
    table.print();
    let failed = table.failed();
    failed.iter().for_each(|line| eprintln!("exceeded: {line}"));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The release build lies beside the one that this program belongs to. `IRSA_BENCH_PROGRAM` names another to compare.
fn release_binary() -> PathBuf {
    if let Some(other) = std::env::var_os("IRSA_BENCH_PROGRAM") {
        return other.into();
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let binary = target.join("release/irsa-operator");
    assert!(binary.exists(), "{} is missing: run `make bench`, or cargo build --release", binary.display());
    binary
}

/// All layers of the emulator are on but one: where its reads lag behind its writes, a call now and then is repeated,
/// and counts would not be exact. And a role is allowed to every binding.
async fn calm(env: &Env, bindings: usize) {
    let account = format!("/_admin/accounts/{}", env.emulator.account);
    let switches = json!({"strict": true, "propagation": null});
    env.emulator.ask("POST", format!("{account}/switches"), Some(switches)).await;
    env.emulator.ask("POST", format!("{account}/quotas"), Some(json!({"roles": bindings + 10}))).await;
}

/// What phases share.
struct Bench {
    env: std::sync::Arc<Env>,
    kube: Kube,
    load: Load,
    calls: Calls,
    writes: Writes,
    binary: PathBuf,
    table: Table,
}

async fn bench() -> Table {
    let load = Load::from_env();
    let binary = release_binary();
    println!("{} bindings of {} bytes and as many ServiceAccounts", load.bindings, load.size());
    let env = Env::own("bench");
    calm(&env, load.bindings).await;
    let kube = env.kube().await;
    let calls = Calls::new(&env);
    let writes = Writes::new(&env.dir.join("audit.log"));
    let mut bench = Bench { env, kube, load, calls, writes, binary, table: Table::default() };
    let size = std::fs::metadata(&bench.binary).unwrap().len();
    bench.table.at_most("release binary, MiB", mebibytes(size), BINARY_MAX);

    let operator = bench.start("start to /readyz, nothing in the cluster, ms").await;
    bench.env.default_class().await;
    let empty = Memory::of(operator.pid());
    bench.table.say("resident memory without bindings, MiB", empty.resident);
    bench.create(&operator, empty).await;
    bench.quiet(&operator).await;
    operator.terminate();
    let operator = bench.restart(operator).await;
    bench.relist(&operator).await;
    bench.delete(&operator).await;
    bench.table
}

impl Bench {
    /// Flags as they are by default but for the beat, which would fall into one phase or another.
    async fn start(&mut self, what: &str) -> Operator {
        let start = Instant::now();
        let flags = ["--resync", "1h", "--settle", "90s", "--log-level", "info"];
        let mut operator = Operator::start_program(&self.binary, &self.env, &flags);
        operator.ready().await;
        self.table.say(what, (start.elapsed().as_secs_f64() * 1000.0).round());
        operator
    }

    fn n(&self) -> usize {
        self.load.bindings
    }

    async fn create(&mut self, operator: &Operator, empty: Memory) {
        self.calls.poll().await;
        self.writes.poll();
        let (cpu, start) = (Cpu::of(operator.pid()), Instant::now());
        self.load.create(&self.env).await;
        let made = start.elapsed();
        let n = self.n();
        let ready = self.writes_until("every binding has a status", "patch irsabindings/status", n).await;
        let elapsed = start.elapsed();
        self.load.assert_ready(&self.kube).await;
        let calls = self.calls.poll().await;
        self.table.say("seconds to make them", made.as_secs_f64());
        self.table.say("seconds from the first of them to all Ready", elapsed.as_secs_f64());
        self.table.say("CPU seconds of the operator", cpu.spent(operator.pid()));
        self.table.counts("create: AWS calls", &calls);
        let (managed, inline) = BINDINGS_OF_ONE;
        self.table.exactly("create: AWS calls per binding (1 + M + I)", total(&calls), n, 1 + managed + inline);
        self.table.counts("create: Kubernetes writes", &ready);
        self.table.exactly("create: Kubernetes writes per binding", of_bindings(&ready), n, 3);
        self.table.at_most("create: writes of the class", of_class(&ready), class_writes(elapsed));
        let memory = Memory::of(operator.pid());
        self.memory("after create", memory);
        self.table.say("KiB more for each binding with its ServiceAccount", memory.growth(empty) * 1024.0 / n as f64);
    }

    /// Nothing is to be done, and nothing is done.
    async fn quiet(&mut self, operator: &Operator) {
        let n = self.n();
        eventually_within(PATIENCE, "the class counts all as ready", async || {
            let class = self.kube.get(&format!("{}/default", paths::CLASSES)).await;
            let ready = &class["status"]["bindings"]["ready"];
            if *ready == n { Ok(()) } else { Err(class["status"].to_string()) }
        })
        .await;
        self.settled().await;
        let cpu = Cpu::of(operator.pid());
        tokio::time::sleep(QUIET).await;
        let spent = cpu.spent(operator.pid());
        let (calls, writes) = (self.calls.poll().await, self.writes.poll());
        self.table.exactly("no change: AWS calls", total(&calls), 1, 0);
        self.table.exactly("no change: Kubernetes writes", total(&writes), 1, 0);
        self.table.say("no change: CPU seconds in an hour", spent * 3600.0 / QUIET.as_secs_f64());
        self.memory("after a quiet time", Memory::of(operator.pid()));
    }

    /// Every role is read once: so is what a beat costs, too.
    async fn restart(&mut self, mut before: Operator) -> Operator {
        let ended = Instant::now();
        while before.ended().is_none() {
            assert!(ended.elapsed() < Duration::from_secs(30), "SIGTERM did not end the operator");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.table.say("SIGTERM to its end, ms", (ended.elapsed().as_secs_f64() * 1000.0).round());
        self.calls.poll().await;
        self.writes.poll();
        let start = Instant::now();
        let operator = self.start("start to /readyz with all bindings, ms").await;
        let cpu = Cpu::of(operator.pid());
        let n = self.n();
        let (_, inline) = BINDINGS_OF_ONE;
        let calls = self.calls_until("every role was read", "GetRolePolicy", n * inline).await;
        self.settled_into(&calls).await;
        self.table.say("seconds until every role was read", start.elapsed().as_secs_f64());
        self.table.say("CPU seconds of the operator", cpu.spent(operator.pid()));
        let calls = self.calls.since_phase();
        self.table.counts("restart: AWS calls", &calls);
        let of_roles = total(&calls.into_iter().filter(|(name, _)| name.contains("Role")).collect());
        self.table.exactly("restart: AWS calls per binding (reads, 3 + I)", of_roles, n, 3 + inline);
        let writes = self.writes.poll();
        self.table.counts("restart: Kubernetes writes", &writes);
        self.table.exactly("restart: Kubernetes writes", total(&writes), 1, 0);
        self.memory("after a restart", Memory::of(operator.pid()));
        operator
    }

    /// The API server comes back with a memory that begins after what the watches have seen: they list anew.
    async fn relist(&mut self, operator: &Operator) {
        self.kube.create("/api/v1/namespaces", &load::namespace("between")).await;
        self.calls.poll().await;
        self.writes.poll();
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
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (calls, writes) = (self.calls.poll().await, self.writes.poll());
        self.table.exactly("relist: AWS calls", total(&calls), 1, 0);
        self.table.exactly("relist: Kubernetes writes", total(&writes), 1, 0);
        self.memory("after a forced relist", Memory::of(operator.pid()));
    }

    async fn delete(&mut self, operator: &Operator) {
        self.calls.poll().await;
        self.writes.poll();
        let (cpu, start) = (Cpu::of(operator.pid()), Instant::now());
        self.load.delete(&self.kube).await;
        let n = self.n();
        self.calls_until("every role is deleted", "DeleteRole", n).await;
        eventually_within(PATIENCE, "no binding is left", async || match self.load.left(&self.kube).await {
            0 => Ok(()),
            left => Err(format!("{left} are")),
        })
        .await;
        let calls = self.calls.poll().await;
        let (writes, elapsed) = (self.writes.poll(), start.elapsed());
        self.table.say("seconds to delete them", elapsed.as_secs_f64());
        self.table.say("CPU seconds of the operator", cpu.spent(operator.pid()));
        self.table.counts("delete: AWS calls", &calls);
        let (managed, inline) = BINDINGS_OF_ONE;
        self.table.exactly("delete: AWS calls per binding (M + I + 2)", total(&calls), n, managed + inline + 2);
        self.table.counts("delete: Kubernetes writes", &writes);
        self.table.exactly("delete: Kubernetes writes per binding", of_bindings(&writes), n, 2);
        self.table.at_most("delete: writes of the class", of_class(&writes), class_writes(elapsed));
        self.memory("after delete", Memory::of(operator.pid()));
    }

    fn memory(&mut self, when: &str, memory: Memory) {
        // With more than 2,000 bindings other limits hold, which this program does not know yet.
        let limit = if self.n() <= 2000 { MEMORY_MAX } else { f64::INFINITY };
        self.table.at_most(&format!("resident memory {when}, MiB"), memory.resident, limit);
        self.table.say("  of it anonymous", memory.anonymous);
        self.table.say("  and at most until then", memory.peak);
    }

    /// Waits for so many writes of a kind in this phase.
    async fn writes_until(&mut self, what: &str, kind: &str, count: usize) -> counts::Counts {
        let start = Instant::now();
        loop {
            self.writes.read();
            self.calls.read().await; // the emulator keeps the newest only
            let seen = self.writes.since_phase();
            if seen.get(kind).is_some_and(|seen| *seen >= count) {
                return self.writes.poll();
            }
            assert!(start.elapsed() < PATIENCE, "{what}: not so after {PATIENCE:?}; so far {seen:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Waits for so many calls of an operation in this phase.
    async fn calls_until(&mut self, what: &str, operation: &str, count: usize) -> counts::Counts {
        let start = Instant::now();
        loop {
            let seen = self.calls.read().await;
            if seen.get(operation).is_some_and(|seen| *seen >= count) {
                return seen;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: not so after {PATIENCE:?}; so far {seen:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Waits until no call and no write has come for two seconds, and forgets them.
    async fn settled(&mut self) {
        let seen = self.calls.read().await;
        self.settled_into(&seen).await;
        self.calls.poll().await;
        self.writes.poll();
    }

    async fn settled_into(&mut self, seen: &counts::Counts) {
        let mut last = (seen.clone(), self.writes.since_phase());
        loop {
            tokio::time::sleep(Duration::from_secs(2)).await;
            self.writes.read();
            let now = (self.calls.read().await, self.writes.since_phase());
            if now == last {
                return;
            }
            last = now;
        }
    }
}

fn of_class(writes: &counts::Counts) -> f64 {
    writes.iter().filter(|(what, _)| what.contains("irsaclasses")).map(|(_, count)| *count as f64).sum()
}

fn of_bindings(writes: &counts::Counts) -> usize {
    writes.iter().filter(|(what, _)| !what.contains("irsaclasses")).map(|(_, count)| count).sum()
}

/// A class counts its bindings twice a minute at most, and once when the last of them is gone.
fn class_writes(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() / 30.0).floor() + 2.0
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
