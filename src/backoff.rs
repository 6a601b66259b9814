//! When a key that failed is tried again: how often it failed in a row, and what kind of failure it was.
//!
//! Randomness is passed in: delays are spread so that what failed together is not retried together, and tests decide
//! how.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// How a category of failure is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Not by time: when the object, its class or its ServiceAccount changes.
    OnChange,
    /// Every five minutes: somebody has to act, and not on an object that we watch.
    Slow,
    /// From a second, doubling, to five minutes: the other side may be overloaded.
    Exponential,
    /// From half a second, doubling, to ten seconds: the request budget has slowed down already, and this only keeps a key
    /// from asking at once for what was just refused.
    Paced,
    /// From two seconds, growing slowly, to a minute: it is a matter of seconds until the other side has settled.
    Seconds,
    /// Not by time: when the class turns Ready.
    WhenClassReady,
}

/// The beat of [`Retry::Slow`].
pub const SLOW: Duration = Duration::from_secs(300);
/// The first and the longest upper bound of [`Retry::Exponential`].
pub const EXPONENTIAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// What [`Retry::Exponential`] waits at least: full jitter alone would repeat some calls at once.
pub const FLOOR: Duration = Duration::from_millis(500);
/// The first and the longest delay of [`Retry::Seconds`].
pub const SECONDS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// The first and the longest delay of [`Retry::Paced`], and how far it is spread: what was refused together comes back
/// one after another.
pub const PACED: (Duration, Duration, f64) = (Duration::from_millis(500), Duration::from_secs(10), 0.5);
/// How far [`Retry::Slow`] and [`Retry::Seconds`] are spread to either side.
pub const SPREAD: f64 = 0.1;

/// Failures in a row, by key. A key that did not fail costs nothing.
#[derive(Debug)]
pub struct Backoff<K> {
    streaks: HashMap<K, Streak>,
}

/// Counted apart, because a role that is still settling says nothing about an overloaded API, nor the reverse.
#[derive(Clone, Copy, Debug, Default)]
struct Streak {
    exponential: u32,
    seconds: u32,
    paced: u32,
}

impl<K> Default for Backoff<K> {
    fn default() -> Self {
        Self { streaks: HashMap::new() }
    }
}

impl<K: Eq + Hash + Clone> Backoff<K> {
    /// Nothing has failed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a failure of `key` and says how long to wait; `None` means that time alone changes nothing.
    pub fn failed(&mut self, key: &K, retry: Retry, random: u64) -> Option<Duration> {
        match retry {
            // What is tried next is something else, so it begins afresh.
            Retry::OnChange | Retry::WhenClassReady => {
                self.forget(key);
                None
            }
            Retry::Slow => Some(jittered(SLOW, SPREAD, random)),
            Retry::Exponential => {
                let count = count(&mut self.streak(key).exponential);
                let ceiling = grown(EXPONENTIAL, 2.0, count);
                Some(FLOOR + ceiling.saturating_sub(FLOOR).mul_f64(fraction(random)))
            }
            Retry::Paced => {
                let count = count(&mut self.streak(key).paced);
                Some(jittered(grown((PACED.0, PACED.1), 2.0, count), PACED.2, random))
            }
            Retry::Seconds => {
                let count = count(&mut self.streak(key).seconds);
                Some(jittered(grown(SECONDS, 1.5, count), SPREAD, random))
            }
        }
    }

    /// Drops what is known of `key`: it succeeded, or it is gone.
    pub fn forget(&mut self, key: &K) {
        self.streaks.remove(key);
    }

    /// How often `key` failed in a row.
    #[must_use]
    pub fn failures(&self, key: &K) -> u32 {
        self.streaks.get(key).map_or(0, |s| s.exponential.saturating_add(s.seconds).saturating_add(s.paced))
    }

    /// How many keys are failing.
    #[must_use]
    pub fn len(&self) -> usize {
        self.streaks.len()
    }

    /// Whether no key is failing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.streaks.is_empty()
    }

    fn streak(&mut self, key: &K) -> &mut Streak {
        self.streaks.entry(key.clone()).or_default()
    }
}

/// `base`, moved by up to `spread` of itself to either side.
#[must_use]
pub fn jittered(base: Duration, spread: f64, random: u64) -> Duration {
    base.mul_f64(1.0 + spread * (2.0 * fraction(random) - 1.0))
}

/// The value before this failure, counted on.
fn count(counter: &mut u32) -> u32 {
    let before = *counter;
    *counter = before.saturating_add(1);
    before
}

fn grown((first, longest): (Duration, Duration), factor: f64, times: u32) -> Duration {
    // 64 doublings pass every bound, and keep the power finite.
    let grown = first.as_secs_f64() * factor.powf(f64::from(times.min(64)));
    Duration::from_secs_f64(grown.min(longest.as_secs_f64()))
}

/// In [0, 1): the upper 53 bits, which is what a double holds exactly.
#[allow(clippy::cast_precision_loss)]
fn fraction(random: u64) -> f64 {
    (random >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIDDLE: u64 = 1 << 63;

    fn series(retry: Retry, times: usize, random: u64) -> Vec<Option<f64>> {
        let mut backoff = Backoff::new();
        (0..times).map(|_| backoff.failed(&"key", retry, random).map(|d| d.as_secs_f64())).collect()
    }

    #[test]
    fn each_way_to_retry_has_its_own_series() {
        assert_eq!(series(Retry::Exponential, 4, MIDDLE), [Some(0.75), Some(1.25), Some(2.25), Some(4.25)]);
        assert_eq!(series(Retry::Exponential, 1, 0), [Some(0.5)]);
        assert_eq!(series(Retry::Seconds, 3, MIDDLE), [Some(2.0), Some(3.0), Some(4.5)]);
        assert_eq!(series(Retry::Paced, 6, MIDDLE), [0.5, 1.0, 2.0, 4.0, 8.0, 10.0].map(Some));
        assert_eq!(series(Retry::Slow, 2, MIDDLE), [Some(300.0), Some(300.0)]);
        assert_eq!(series(Retry::OnChange, 1, MIDDLE), [None]);
        assert_eq!(series(Retry::WhenClassReady, 1, MIDDLE), [None]);
    }

    #[test]
    fn the_longest_delay_is_kept_for_ever() {
        assert!(series(Retry::Exponential, 5000, u64::MAX).last().unwrap().unwrap() <= 300.0);
        assert_eq!(series(Retry::Seconds, 5000, MIDDLE).last().unwrap().unwrap(), 60.0);
    }

    #[test]
    fn the_two_series_are_counted_apart_and_end_together() {
        let mut backoff = Backoff::new();
        for _ in 0..5 {
            backoff.failed(&1, Retry::Exponential, MIDDLE);
        }
        assert_eq!(backoff.failed(&1, Retry::Seconds, MIDDLE), Some(Duration::from_secs(2)));
        assert_eq!((backoff.failures(&1), backoff.failures(&2)), (6, 0));
        backoff.forget(&1);
        assert_eq!(backoff.failed(&1, Retry::Exponential, MIDDLE), Some(Duration::from_millis(750)));
    }

    #[test]
    fn what_waits_for_a_change_keeps_no_state() {
        let mut backoff = Backoff::new();
        backoff.failed(&1, Retry::Exponential, 0);
        backoff.failed(&1, Retry::OnChange, 0);
        backoff.failed(&2, Retry::Slow, 0);
        assert!(backoff.is_empty());
    }

    proptest! {
        #[test]
        fn delays_stay_within_their_bounds(random: u64, times in 0usize..100) {
            let last = |retry| series(retry, times + 1, random).pop().unwrap().unwrap();
            let exponential = last(Retry::Exponential);
            prop_assert!((0.5..=300.0).contains(&exponential));
            prop_assert!(exponential <= 2f64.powf(times as f64));
            prop_assert!((0.25..=15.0).contains(&last(Retry::Paced)));
            prop_assert!((1.8..=66.0).contains(&last(Retry::Seconds)));
            prop_assert!((270.0..=330.0).contains(&last(Retry::Slow)));
        }
    }
}
