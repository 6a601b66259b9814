//! The operator's process.

use super::env::Env;
use super::http::exchange;
use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// An operator that runs. It is killed when this is dropped, and at the latest with its environment.
#[derive(Debug)]
pub struct Operator {
    child: Child,
    address: String,
    /// Where it logs.
    pub log: PathBuf,
    pid_file: PathBuf,
}

impl Operator {
    /// Starts it as its own ServiceAccount and role. It may not be ready yet.
    pub fn start(env: &Env, flags: &[&str]) -> Self {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_irsa-operator")), env, flags)
    }

    /// The same with this program, as with the release build.
    pub fn start_program(program: &Path, env: &Env, flags: &[&str]) -> Self {
        Self::start_as(program, env, flags, &[])
    }

    /// The same with these variables of its own.
    pub fn start_as(program: &Path, env: &Env, flags: &[&str], variables: &[(&str, String)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("operator-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let log = env.dir.join("logs").join(format!("{name}.log"));
        // Free now, and the kernel gives it to nobody else so soon.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").to_string();
        let mut command = Command::new(program);
        command.arg("run").args(["--listen", &address]).args(flags);
        if !flags.contains(&"--cluster-id") {
            command.args(["--cluster-id", super::CLUSTER_ID]);
        }
        // The AWS environment whole, because a profile or proxy of the user's own would send it elsewhere.
        command.env_clear().envs(env.operator_variables()).env("RUST_BACKTRACE", "1");
        // What the emulator shows lags behind for 2 s at most, and so need not be distrusted for 90 seconds.
        command.env("IRSA_SETTLE", "3s").env("IRSA_LOG_LEVEL", "info,irsa_operator=debug");
        // The emulator has no limit but where a test gives it one, and nobody waits for what AWS might take.
        command.env("IRSA_AWS_MIN_RATE", "1000").env("IRSA_AWS_MAX_RATE", "1000");
        // As its Deployment says.
        command.env("POD_NAMESPACE", "irsa-operator");
        // Tests delete at once, and many.
        command.env("IRSA_FUSE", "off");
        // One that is alone need not wait for a Lease that one before it may not have given back.
        command.env("IRSA_LEADER_ELECT", "false").envs(variables.iter().map(|(name, value)| (name, value)));
        let file = OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a log")).stderr(file).process_group(0);
        let child = command.spawn().expect("the operator's program");
        let pid_file = env.dir.join("pids").join(&name);
        let operator = Self { child, address, log, pid_file };
        operator.register();
        operator
    }

    /// Known to the environment, so that it ends with it however this process ends.
    fn register(&self) {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let start = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(19)).unwrap_or("0");
        let hidden = self.pid_file.with_file_name(format!(".operator-{}", self.child.id()));
        std::fs::write(&hidden, format!("{} {start}\n", self.child.id())).expect("a pid file");
        std::fs::rename(&hidden, &self.pid_file).expect("a pid file");
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What one of its health endpoints says: status and text. `None` where nobody listens.
    pub fn health(&self, path: &str) -> Option<(u16, String)> {
        exchange(&self.address, "GET", path, None).ok()
    }

    /// Waits until `/readyz` says so.
    pub async fn ready(&mut self) {
        let deadline = Instant::now() + super::PATIENCE;
        loop {
            let health = self.health("/readyz");
            if health.as_ref().is_some_and(|(status, _)| *status == 200) {
                return;
            }
            if let Some(status) = self.child.try_wait().expect("its status") {
                panic!("the operator ended with {status}; its log:\n{}", tail(&self.log, 40));
            }
            assert!(Instant::now() < deadline, "not ready: {health:?}; its log:\n{}", tail(&self.log, 40));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// As `kubectl delete pod` does.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// As a node that loses power does. Returns when it is gone.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success(), "SIG{name} was not sent");
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its status")
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.pid_file);
    }
}

/// The last lines of a log.
pub fn tail(log: &Path, count: usize) -> String {
    about(log, "", count)
}

/// The last lines of a log that hold this word.
pub fn about(log: &Path, word: &str, count: usize) -> String {
    let text = File::open(log).and_then(std::io::read_to_string).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(word)).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
