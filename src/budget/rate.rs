//! How many requests a second an account takes from us, learnt from what it answers.
//!
//! IAM has a token bucket, of a size that it does not tell, and others drink from it. Twice in a row we are throttled
//! at moments when the bucket is empty: what was answered in between is our share of it, and that is a better
//! measure than the rate at which it went wrong. So a throttle halves the rate for a moment, which lets the bucket
//! recover what is then used; after that it comes back to just below the measured share, creeps over it, and where
//! nothing happens for a while climbs faster and faster: a share that others leave is found within twenty seconds.

use crate::backoff::jittered;
use std::time::{Duration, Instant};

/// Between how many requests a second the rate stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// As little is tried however often it is refused.
    pub min: f64,
    /// Never more.
    pub max: f64,
}

/// Where it begins: an account with nothing else in it takes so much, and from there it is a matter of seconds.
const START: f64 = 10.0;
/// For how long a throttle halves the rate, and how far that is spread, so that operators do not move in step.
const SLOWED: (Duration, f64) = (Duration::from_millis(1000), 0.25);
/// From where to where it creeps after that, in shares.
const CREEP: (f64, f64) = (0.95, 1.03);
/// For as many calls it creeps, as each throttle costs one: but so many seconds at least and at most. Longer, and what
/// others leave lies there for longer.
const CREEP_CALLS: f64 = 60.0;
const CREEP_SECONDS: (f64, f64) = (8.0, 12.0);
/// How fast it climbs then: in so many seconds by as much as the share is, or by [`LEAST`].
const DOUBLES: f64 = 5.0;
/// What climbs as if it were so much: else a share of next to nothing would take minutes to become one.
const LEAST: f64 = 5.0;
/// What was answered longer ago fades.
const MEMORY: f64 = 10.0;
/// What was known before weighs as much as so many seconds of answers.
const PRIOR: f64 = 1.0;

/// The rate, and what it is computed from.
#[derive(Debug)]
pub(super) struct Rate {
    limits: Limits,
    /// Requests a second that the account was last seen to have for us.
    share: f64,
    /// For how many seconds somebody waited for it since it came back after a throttle. What nobody asked for proves
    /// nothing.
    age: f64,
    /// For how long it creeps.
    creep: f64,
    /// Until when it is halved, and what that is.
    slowed: Option<(Instant, f64)>,
    /// What was answered since the last throttle, and in how many seconds, both fading.
    answered: f64,
    seconds: f64,
    at: Instant,
}

impl Rate {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        let share = START.clamp(limits.min, limits.max);
        Self { limits, share, age: 0.0, creep: 0.0, slowed: None, answered: 0.0, seconds: 0.0, at: now }
    }

    /// Requests a second, as of the last [`Rate::advance`].
    pub(super) fn now(&self) -> f64 {
        self.slowed.map_or_else(|| self.free(), |(_, rate)| rate)
    }

    fn free(&self) -> f64 {
        let rate = if self.age < self.creep {
            self.share * (CREEP.0 + (CREEP.1 - CREEP.0) * self.age / self.creep)
        } else {
            let climbed = (self.age - self.creep) / DOUBLES;
            self.share * CREEP.1 + climbed * climbed * self.share.max(LEAST)
        };
        rate.clamp(self.limits.min, self.limits.max)
    }

    /// Time passes; `wanted` says whether somebody waited in it. Returns how many requests it has brought.
    pub(super) fn advance(&mut self, now: Instant, wanted: bool) -> f64 {
        let mut brought = 0.0;
        if let Some((until, rate)) = self.slowed {
            let end = until.min(now);
            brought += rate * self.pass(end);
            if until <= now {
                self.slowed = None;
            }
        }
        let before = self.free();
        let rest = self.pass(now);
        if wanted && self.slowed.is_none() {
            self.age += rest;
        }
        brought + before * rest
    }

    /// Seconds from the last time to this one.
    fn pass(&mut self, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        let kept = (-seconds / MEMORY).exp();
        self.answered *= kept;
        self.seconds = self.seconds * kept + MEMORY * (1.0 - kept);
        seconds
    }

    /// The time of the last [`Rate::advance`].
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// Until when the rate is halved.
    pub(super) fn slowed_until(&self) -> Option<Instant> {
        self.slowed.map(|(until, _)| until)
    }

    /// AWS has answered, whatever it said.
    pub(super) fn answered(&mut self) {
        self.answered += 1.0;
    }

    /// AWS has refused for the rate a call that was sent after all that is known.
    pub(super) fn throttled(&mut self, random: u64) {
        let rate = self.free();
        let measured = (self.answered + self.share * PRIOR) / (self.seconds + PRIOR);
        self.share = measured.clamp(rate / 2.0, rate).clamp(self.limits.min, self.limits.max);
        self.creep = (CREEP_CALLS / self.share).clamp(CREEP_SECONDS.0, CREEP_SECONDS.1);
        let half = (rate / 2.0).clamp(self.limits.min, self.limits.max);
        self.slowed = Some((self.at + jittered(SLOWED.0, SLOWED.1, random), half));
        (self.age, self.answered, self.seconds) = (0.0, 0.0, 0.0);
    }
}
