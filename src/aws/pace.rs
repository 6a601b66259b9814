//! One throttled call slows all calls to the account: the request rate of IAM is the account's, whoever uses it up.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The first and the longest pause. IAM's buckets are "refilled every second" (AWS Security Blog, "How to monitor and
/// query IAM resources at scale").
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(20));

/// When the next call may be sent.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Throttled>);

#[derive(Debug, Default)]
struct Throttled {
    until: Option<Instant>,
    /// Pauses in a row that ended in another throttled call.
    streak: u32,
}

impl Pace {
    /// Until when nobody sends anything.
    pub fn pause(&self, now: Instant) -> Option<Instant> {
        self.lock().until.filter(|until| *until > now)
    }

    /// A call was refused for the rate. Those that were under way when the pause began do not make it longer.
    pub fn throttled(&self, now: Instant, random: u64) {
        let mut state = self.lock();
        if state.until.is_none_or(|until| until <= now) {
            let pause = PAUSE.0.saturating_mul(1 << state.streak.min(16)).min(PAUSE.1);
            state.until = Some(now + crate::backoff::jittered(pause, 0.25, random));
            state.streak += 1;
        }
    }

    /// A call was answered.
    pub fn answered(&self, now: Instant) {
        let mut state = self.lock();
        if state.until.is_none_or(|until| until <= now) {
            state.streak = 0;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Throttled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_pauses_all_and_pauses_grow_until_an_answer() {
        let (pace, now) = (Pace::default(), Instant::now());
        let middle = 1 << 63;
        assert_eq!(pace.pause(now), None);
        pace.throttled(now, middle);
        let first = pace.pause(now).unwrap();
        assert_eq!(first - now, PAUSE.0);
        pace.throttled(now, middle);
        pace.answered(now);
        assert_eq!(pace.pause(now), Some(first), "what was under way changes nothing");
        assert_eq!(pace.pause(first), None);
        pace.throttled(first, middle);
        let second = pace.pause(first).unwrap();
        assert_eq!(second - first, PAUSE.0 * 2);
        pace.answered(second);
        pace.throttled(second, middle);
        assert_eq!(pace.pause(second).unwrap() - second, PAUSE.0, "an answer ends the series");
    }

    #[test]
    fn no_pause_is_longer_than_the_longest() {
        let (pace, mut now) = (Pace::default(), Instant::now());
        for _ in 0..40 {
            pace.throttled(now, u64::MAX);
            let until = pace.pause(now).unwrap();
            assert!(until - now <= PAUSE.1.mul_f64(1.25));
            now = until;
        }
    }
}
