//! What the process costs, from `/proc`. Linux only: elsewhere these metrics are missing.

use super::catalog as about;
use super::families::Writer;
use std::fmt;
use std::fs::{read_dir, read_to_string};

/// Linux counts CPU time and start times in hundredths of a second, for every program on every machine.
const TICKS: f64 = 100.0;

/// Writes what can be read.
pub fn write(writer: &mut Writer<'_>) -> fmt::Result {
    let stat = read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in the second field may hold anything; the third is the first after its closing bracket.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let field = |number: usize| fields.get(number - 3).and_then(|field| field.parse::<f64>().ok());
    if let (Some(user), Some(system)) = (field(14), field(15)) {
        writer.counter(&about::PROCESS_CPU, (user + system) / TICKS)?;
    }
    let memory = number_after("/proc/self/status", "VmRSS:").map(|kib| kib * 1024.0);
    writer.gauge(&about::PROCESS_MEMORY, memory.map(|bytes| ([], bytes)))?;
    // One of them is the folder that is being read.
    let open = read_dir("/proc/self/fd").ok().map(|all| all.count().saturating_sub(1) as f64);
    writer.gauge(&about::PROCESS_FDS, open.map(|open| ([], open)))?;
    let most = number_after("/proc/self/limits", "Max open files");
    writer.gauge(&about::PROCESS_MAX_FDS, most.map(|most| ([], most)))?;
    let started = number_after("/proc/stat", "btime ").zip(field(22)).map(|(boot, ticks)| boot + ticks / TICKS);
    writer.gauge(&about::PROCESS_START, started.map(|at| ([], at)))
}

/// The first number on the line that begins so.
fn number_after(file: &str, begins: &str) -> Option<f64> {
    let text = read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(begins))?.split_whitespace().next()?.parse().ok()
}
