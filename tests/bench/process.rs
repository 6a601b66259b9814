//! What a process costs, from `/proc`.

/// Its memory, in MiB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What is resident now.
    pub resident: f64,
    /// What of it is no file's: heap and stacks. The rest is the program's text, which the kernel takes back at need.
    pub anonymous: f64,
    /// The most that ever was.
    pub peak: f64,
}

impl Memory {
    pub fn of(pid: u32) -> Self {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the operator runs");
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a field of /proc/PID/status");
            line.split_whitespace().find_map(|word| word.parse::<f64>().ok()).expect("a number") / 1024.0
        };
        Self { resident: field("VmRSS:"), anonymous: field("RssAnon:"), peak: field("VmHWM:") }
    }

    /// By how much more is resident than `before`.
    pub fn growth(self, before: Self) -> f64 {
        self.resident - before.resident
    }
}

/// A moment in the CPU time of a process.
#[derive(Clone, Copy, Debug)]
pub struct Cpu(f64);

impl Cpu {
    pub fn of(pid: u32) -> Self {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the operator runs");
        let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        // utime and stime, in ticks of which Linux has 100 a second for every program.
        Self((ticks(11) + ticks(12)) / 100.0)
    }

    /// Seconds that the process has worked since.
    pub fn spent(self, pid: u32) -> f64 {
        Self::of(pid).0 - self.0
    }
}
