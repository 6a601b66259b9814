//! The numbers to hold, measured on the release build: what a binding costs in calls of AWS and in writes to the API
//! server, what the operator costs in memory and CPU, and how large it is. `make bench` builds what is missing and runs
//! it; `docs/performance.md` says how to choose sizes.
//!
//! Everything is counted by others: calls in the emulator's journal, writes in the API server's audit log, memory and
//! CPU in `/proc`. Counts are exact and asserted; times that say more of the machine are printed only.

#![allow(clippy::unwrap_used)] // the lint spares only test functions

#[path = "../e2e/harness/mod.rs"]
#[allow(dead_code, unused_imports)]
mod harness;

mod counts;
mod limits;
mod load;
mod phases;
mod process;
mod table;
mod times;

use counts::{Calls, Counts, Writes, of_roles};
use harness::{Env, Kube, Operator};
use limits::Abilities;
use load::Load;
use process::Memory;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use table::{Table, thousands};

/// How long a phase may take.
const PATIENCE: Duration = Duration::from_secs(900);

fn main() -> ExitCode {
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let table = runtime.block_on(bench(Sizes::from_env()));
    println!("\n{}\n{} s in all", table.markdown(), start.elapsed().as_secs());
    if std::env::var_os("IRSA_BENCH_WRITE").is_some() {
        write(&table.markdown());
    }
    table.failed().iter().for_each(|line| eprintln!("exceeded: {line}"));
    if table.failed().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Puts the table into `docs/performance.md`, in the place of the one that stands there.
fn write(table: &str) {
    const MARKS: (&str, &str) = ("<!-- as `make bench` writes it -->\n", "<!-- until here -->");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(MARKS.0).expect("the beginning of the table");
    let (_, after) = rest.split_once(MARKS.1).expect("the end of the table");
    std::fs::write(&path, [before, MARKS.0, table, MARKS.1, after].concat()).unwrap();
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// `IRSA_BENCH_BINDINGS`, or 10,000. A tenth of it comes first, and as many roles of others last.
    bindings: usize,
    /// `IRSA_BENCH_IDLE`, or 100 s: for how long nothing happens, and then until a sweep ends.
    idle: Duration,
    /// `IRSA_BENCH_BACKLOG`, or 1,000.
    backlog: usize,
}

impl Sizes {
    fn from_env() -> Self {
        let number = |name: &str, otherwise: usize| {
            let text = std::env::var(name).ok();
            text.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
        };
        let bindings = number("IRSA_BENCH_BINDINGS", 10_000);
        assert!(bindings >= 100, "IRSA_BENCH_BINDINGS is at least 100");
        let idle = Duration::from_secs(number("IRSA_BENCH_IDLE", 100) as u64);
        Self { bindings, idle, backlog: number("IRSA_BENCH_BACKLOG", 1000) }
    }
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
/// and counts would not be exact. And a role is allowed to every binding, without coming near the quota.
async fn calm(env: &Env, roles: usize) {
    let account = format!("/_admin/accounts/{}", env.emulator.account);
    let switches = json!({"strict": true, "propagation": null});
    env.emulator.ask("POST", format!("{account}/switches"), Some(switches)).await;
    env.emulator.ask("POST", format!("{account}/quotas"), Some(json!({"roles": roles * 2 + 1000}))).await;
}

/// What phases share.
struct Bench {
    env: Arc<Env>,
    kube: Kube,
    sizes: Sizes,
    load: Load,
    calls: Calls,
    writes: Writes,
    program: PathBuf,
    able: Abilities,
    table: Table,
    /// With nothing in the cluster, and after the restart at the smaller size.
    memory: Vec<(usize, Memory)>,
}

async fn bench(sizes: Sizes) -> Table {
    let program = release_binary();
    println!("bindings of {} bytes, and as many ServiceAccounts", Load::size());
    let env = Env::own("bench");
    calm(&env, sizes.bindings * 2 + sizes.backlog).await;
    let mut bench = Bench {
        kube: env.kube().await,
        sizes,
        load: Load::new(&env).await,
        calls: Calls::new(&env),
        writes: Writes::new(&env.dir.join("audit.log")),
        able: Abilities::of(&program),
        table: Table::default(),
        memory: Vec::new(),
        program,
        env,
    };
    bench.table.column("0".to_owned());
    let size = std::fs::metadata(&bench.program).unwrap().len() as f64 / (1024.0 * 1024.0);
    bench.table.at_most("release binary, MiB", size, limits::BINARY_MAX);
    let mut operator = bench.start(false).await;
    bench.env.default_class().await;
    bench.settled().await;
    bench.memory("resident memory after a restart, MiB", &operator);
    for size in [sizes.bindings / 10, sizes.bindings] {
        bench.table.column(thousands(size));
        let part = size / 10;
        bench.create(&operator, size - bench.load.len()).await;
        bench.quiet().await;
        operator = bench.restart(operator).await;
        bench.relist(&operator).await;
        bench.update(part).await;
        if size == sizes.bindings {
            bench.outside().await;
            bench.idle(&operator).await;
        }
        bench.delete(&operator, part).await;
    }
    bench.backlog(operator).await;
    bench.table
}

impl Bench {
    /// Starts the operator and waits until it says that it is ready.
    async fn start(&mut self, limited: bool) -> Operator {
        let start = Instant::now();
        let flags = self.able.flags(limited);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let mut operator = Operator::start_program(&self.program, &self.env, &flags);
        operator.ready().await;
        if !limited {
            self.table.say("start to `/readyz`, ms", (start.elapsed().as_secs_f64() * 1000.0).round());
        }
        operator
    }

    /// What is resident, now and at the most since the process began; and what each binding adds to it.
    fn memory(&mut self, when: &str, operator: &Operator) -> Memory {
        let memory = Memory::of(operator.pid());
        let limit = if self.load.len() <= 1000 { limits::MEMORY_MAX_SMALL } else { limits::MEMORY_MAX };
        self.table.at_most(when, memory.resident, limit);
        self.table.aside("of it anonymous", format!("{:.1}", memory.anonymous));
        self.table.aside("at the most so far", format!("{:.1}", memory.peak));
        if when.contains("restart") {
            self.memory.push((self.load.len(), memory));
        }
        memory
    }

    /// Waits for so many writes of a kind in this phase.
    async fn writes_until(&mut self, what: &str, kind: &str, count: usize) {
        let start = Instant::now();
        loop {
            self.writes.read();
            self.calls.read().await; // the emulator keeps the newest only
            let seen = self.writes.since_phase();
            if seen.get(kind).is_some_and(|seen| *seen >= count) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: not so after {PATIENCE:?}; so far {seen:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Waits for so many calls of an operation in this phase.
    async fn calls_until(&mut self, what: &str, operation: &str, count: usize) {
        let start = Instant::now();
        loop {
            let seen = self.calls.read().await;
            if seen.get(operation).is_some_and(|seen| *seen >= count) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: not so after {PATIENCE:?}; so far {seen:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Waits until nothing has been done on a role or an object for two seconds.
    async fn settled(&mut self) {
        let mut last = self.done().await;
        loop {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let now = self.done().await;
            if now == last {
                return;
            }
            last = now;
        }
    }

    /// What was done in this phase on roles and objects.
    async fn done(&mut self) -> (Counts, Counts) {
        self.writes.read();
        (of_roles(&self.calls.read().await), self.writes.since_phase())
    }

    /// Begins a phase.
    async fn begin(&mut self) -> Instant {
        self.calls.poll().await;
        self.writes.poll();
        Instant::now()
    }

    /// Ends a phase: AWS calls and writes to the API server in it.
    async fn end(&mut self) -> (Counts, Counts) {
        (self.calls.poll().await, self.writes.poll())
    }
}
