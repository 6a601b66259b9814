//! What the operator did, as AWS and the API server have noted it.

use crate::harness::{Emulator, Env};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// How often what was done.
pub type Counts = BTreeMap<String, usize>;

/// All of them together.
pub fn total(counts: &Counts) -> usize {
    counts.values().sum()
}

/// What was done on single roles: not the lists of all of them, and not what is asked for a class.
pub fn of_roles(calls: &Counts) -> Counts {
    let single =
        |name: &str| name.contains("Role") && !name.starts_with("ListRoles") && !name.starts_with("AssumeRole");
    calls.iter().filter(|(name, _)| single(name)).map(|(name, count)| (name.clone(), *count)).collect()
}

/// Calls that were refused for their rate.
pub fn throttled(calls: &Counts) -> usize {
    calls.iter().filter(|(name, _)| name.contains("Throttling")).map(|(_, count)| count).sum()
}

/// Writes on bindings and ServiceAccounts.
pub fn of_bindings(writes: &Counts) -> usize {
    writes.iter().filter(|(what, _)| !what.contains("irsaclasses")).map(|(_, count)| count).sum()
}

/// Writes on the class.
pub fn of_class(writes: &Counts) -> usize {
    total(writes) - of_bindings(writes)
}

/// The operator's calls of AWS, phase by phase.
pub struct Calls {
    emulator: Emulator,
    last: u64,
    phase: Counts,
}

impl Calls {
    pub fn new(env: &Env) -> Self {
        Self { emulator: env.emulator.clone(), last: 0, phase: Counts::new() }
    }

    /// Takes in what is new, and tells the phase so far.
    pub async fn read(&mut self) -> Counts {
        let query = format!("principal=*assumed-role/irsa-operator/*&since={}", self.last);
        for call in self.emulator.journal(&query).await {
            self.last = self.last.max(call.seq);
            let failed = if call.code.is_empty() { String::new() } else { format!(" ({})", call.code) };
            *self.phase.entry(format!("{}{failed}", call.operation)).or_default() += 1;
        }
        self.phase.clone()
    }

    /// Takes in what is new and ends the phase.
    pub async fn poll(&mut self) -> Counts {
        self.read().await;
        std::mem::take(&mut self.phase)
    }
}

/// The operator's writes to the API server, phase by phase: `verb resource/subresource`. Events are left out, which are
/// told to people and which nothing waits for, and the Lease of a leader, which is written at a beat of its own.
pub struct Writes {
    log: PathBuf,
    at: u64,
    phase: Counts,
}

impl Writes {
    pub fn new(log: &Path) -> Self {
        Self { log: log.to_owned(), at: 0, phase: Counts::new() }
    }

    /// Takes in what is new.
    pub fn read(&mut self) {
        use std::io::{Seek, SeekFrom};
        let Ok(mut file) = File::open(&self.log) else { return };
        file.seek(SeekFrom::Start(self.at)).expect("the audit log");
        let mut lines = BufReader::new(file);
        let mut line = String::new();
        // A line that is being written is left for the next time.
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) && line.ends_with('\n') {
            self.at += line.len() as u64;
            self.take(&line);
            line.clear();
        }
    }

    fn take(&mut self, line: &str) {
        if !line.contains("system:serviceaccount:irsa-operator:irsa-operator") {
            return;
        }
        let entry: Value = serde_json::from_str(line).expect("a line of the audit log");
        let object = &entry["objectRef"];
        if object["resource"] == "events" || object["resource"] == "leases" || entry["user"]["username"] == "admin" {
            return;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let sub = object["subresource"].as_str().map(|sub| format!("/{sub}")).unwrap_or_default();
        let code = entry["responseStatus"]["code"].as_i64().unwrap_or(0);
        let failed = if code < 300 { String::new() } else { format!(" ({code})") };
        let what = format!("{} {}{sub}{failed}", text(&entry["verb"]), text(&object["resource"]));
        *self.phase.entry(what).or_default() += 1;
    }

    /// The phase so far.
    pub fn since_phase(&self) -> Counts {
        self.phase.clone()
    }

    /// Takes in what is new and ends the phase.
    pub fn poll(&mut self) -> Counts {
        self.read();
        std::mem::take(&mut self.phase)
    }
}
