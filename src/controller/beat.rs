//! How often roles are looked at, so that looking keeps to its share of the request rate.

use super::state::Ctx;
use crate::backoff::jittered;
use crate::snapshot::Source;
use std::time::{Duration, Instant};

/// The share of the request rate that sweeps may take: ten clusters may share one account.
pub const SWEEPS: f64 = 0.05;
/// The share that direct reads may take where the bulk call is refused.
const READS: f64 = 0.2;
/// Calls of a direct read: the role, two lists, and an inline policy.
const CALLS_A_READ: usize = 4;

/// How long so many calls take at least, where they may have this share of the rate.
pub fn spread(calls: usize, share: f64, rate: f64) -> Duration {
    Duration::from_secs_f64(f64::from(u32::try_from(calls).unwrap_or(u32::MAX)) / (share * rate))
}

impl Ctx {
    /// Something was found in this account: a sweep is to look for more.
    pub fn hint(&self, account: &str) {
        if let Some(hint) = self.state().hints.get(account) {
            hint.notify_one();
        }
    }

    /// When a role that was read now is to be read again; `None` where sweeps show it.
    pub fn next_direct_look(&self, account: &str, now: Instant) -> Option<Instant> {
        let direct = self.state().snapshot.account(account).is_some_and(|account| account.source() == Source::Direct);
        let least = self.settings.settle;
        direct.then(|| now + jittered(self.direct_interval(account).max(least), 0.1, fastrand::u64(..)))
    }

    /// When a role that is believed to be as desired is to be read for the first time, where sweeps do not show it: spread
    /// over the interval.
    pub fn first_direct_look(&self, account: &str, now: Instant) -> Option<Instant> {
        let direct = self.state().snapshot.account(account).is_some_and(|account| account.source() == Source::Direct);
        direct.then(|| now + self.direct_interval(account).mul_f64(fastrand::f64()))
    }

    /// How often each role is read directly, so that all together keep within their share of the rate.
    pub fn direct_interval(&self, account: &str) -> Duration {
        let state = self.state();
        let roles = state.snapshot.account(account).map_or(0, |account| account.len());
        let rate = state.reach(account, 0).map_or(1.0, |reach| reach.aws.rate());
        self.settings.resync.max(spread(roles * CALLS_A_READ, READS, rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_and_reads_keep_to_their_share() {
        let seconds = |calls, share, rate| spread(calls, share, rate).as_secs();
        assert_eq!(seconds(92, SWEEPS, 10.0), 184, "20,000 roles: longer than two minutes");
        assert_eq!(seconds(92, SWEEPS, 1.0), 1840);
        assert_eq!(seconds(10_000 * CALLS_A_READ, READS, 10.0), 20_000);
        assert_eq!(seconds(0, SWEEPS, 10.0), 0);
    }
}
