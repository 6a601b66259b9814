//! What the operator may cost, and which operator it is.

use std::path::Path;
use std::process::Command;

/// Mebibytes that the program may have.
pub const BINARY_MAX: f64 = 15.0;
/// Mebibytes of resident memory, with up to 10,000 bindings and as many ServiceAccounts and roles of others.
pub const MEMORY_MAX: f64 = 64.0;
/// The same with up to 1,000.
pub const MEMORY_MAX_SMALL: f64 = 32.0;
/// Seconds to Ready for a new binding, while a backlog runs at [`RATE`].
pub const READY_MAX: f64 = 5.0;
/// Requests a second that the account takes then.
pub const RATE: f64 = 10.0;
/// The share of them that is to be used at least, and of calls that may be throttled, in per cent.
pub const USED_MIN: f64 = 95.0;
pub const THROTTLED_MAX: f64 = 3.0;
/// Requests a second where they are not limited.
const WIDE: &str = "5000";

/// What the program that is measured can do, by what its help says.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// It sees drift by sweeps of the whole account, and not by reading each role at its time.
    pub sweeps: bool,
    /// It has a request budget that adapts.
    pub budget: bool,
}

impl Abilities {
    pub fn of(program: &Path) -> Self {
        let output = Command::new(program).args(["run", "--help"]).env_clear().output().expect("the program");
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        let sweeps = help.contains("[default: 2m]");
        let budget = help.contains(MIN_RATE);
        Self { sweeps, budget }
    }

    /// Flags that leave everything as it is by default, but for what would make no count exact or no phase end: where
    /// each role has its beat, none falls due; and where there is a budget, it does not hold back what is measured.
    pub fn flags(self, limited: bool) -> Vec<String> {
        let mut flags: Vec<&str> = vec!["--settle", "90s", "--log-level", "info"];
        if !self.sweeps {
            flags.extend(["--resync", "1h"]);
        }
        if self.budget {
            // The harness opens it wide; where it is to be measured it is as by default.
            let (min, max) = if limited { ("1", "20") } else { (WIDE, WIDE) };
            flags.extend([MIN_RATE, min, MAX_RATE, max]);
        }
        flags.into_iter().map(str::to_owned).collect()
    }

    /// Calls of a sweep over so many roles of which so many are below our path, at most: pages of 400 asked for with all
    /// details and of 1,000 without, of which the emulator gives a third less, as IAM may; and one for the quota. The
    /// emulator's account has a few roles more, and the last page may be empty.
    pub fn sweep_calls(self, all: usize, ours: usize) -> usize {
        let pages = |roles: usize, asked: usize| (roles + 10).div_ceil(asked - asked / 3);
        if self.sweeps { pages(all, 400) + pages(ours, 1000) + 1 } else { 0 }
    }

    /// Seconds from a change outside to its correction at most: the interval of sweeps, and what they take. Where the
    /// budget is not opened wide, sweeps keep to 5 % of ten requests a second.
    pub fn corrected_max(self, all: usize, ours: usize) -> f64 {
        let stretched = if self.budget { 0.0 } else { self.sweep_calls(all, ours) as f64 / 0.5 };
        stretched.max(120.0) * 1.1 + 30.0
    }
}

const MIN_RATE: &str = "--aws-min-rate";
const MAX_RATE: &str = "--aws-max-rate";
