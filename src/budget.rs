//! The requests that an AWS account takes: how many a second, and whose turn it is.
//!
//! All who work in an account wait in one line for one rate. They take turns as in the queue: kinds of work by weight,
//! namespaces one after another. Time and randomness are passed in.

mod rate;
#[cfg(test)]
mod sim_tests;
#[cfg(test)]
mod tests;

pub use rate::Limits;

use crate::queue::Kind;
use crate::queue::lane::Lanes;
use rate::Rate;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an account that nobody used for a while gives at once: the calls of one new binding. A backlog that begins is
/// no reason for more, as the account's own bucket is not larger than what it brings in a second or so.
const BURST: f64 = 6.0;
/// And never more than the rate brings in this time.
const BURST_SECONDS: f64 = 0.6;

/// The budget of one account. `T` is how who waits is told.
#[derive(Debug)]
pub struct Budget<T> {
    rate: Rate,
    /// Requests that may be sent now.
    tokens: f64,
    waiting: Lanes<T>,
    /// Numbers those who wait, in that order.
    sequence: u64,
    /// When the last throttle came that counted.
    throttled: Option<Instant>,
}

/// A place in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    kind: Kind,
    namespace: Arc<str>,
    number: u64,
}

impl<T> Budget<T> {
    /// A budget of an account that nothing is known of.
    #[must_use]
    pub fn new(limits: Limits, now: Instant) -> Self {
        let rate = Rate::new(limits, now);
        let tokens = burst(rate.now());
        Self { rate, tokens, waiting: Lanes::default(), sequence: 0, throttled: None }
    }

    /// Somebody waits for a request, on behalf of this namespace.
    pub fn wait(&mut self, now: Instant, kind: Kind, namespace: Arc<str>, who: T) -> Place {
        self.advance(now);
        self.sequence += 1;
        self.waiting.push(kind, namespace.clone(), self.sequence, who);
        Place { kind, namespace, number: self.sequence }
    }

    /// Somebody waits no more. `None`: it was their turn already.
    pub fn leave(&mut self, now: Instant, place: &Place) -> Option<T> {
        self.advance(now);
        self.waiting.remove(place.kind, &place.namespace, place.number)
    }

    /// Whose turn it is, if a request may be sent now.
    pub fn next(&mut self, now: Instant) -> Option<T> {
        self.advance(now);
        if self.tokens < 1.0 {
            return None;
        }
        let (_, who) = self.waiting.pop()?;
        self.tokens -= 1.0;
        Some(who)
    }

    /// Whose turn it was has not sent anything.
    pub fn give_back(&mut self) {
        self.tokens += 1.0;
    }

    /// When [`Budget::next`] is to be asked again. `None`: when somebody comes.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if self.waiting.is_empty() {
            return None;
        }
        let wait = Duration::from_secs_f64(((1.0 - self.tokens) / self.rate.now()).max(0.0));
        // A little later than computed, or it would be asked for the last fraction of a request again and again.
        let due = self.rate.at() + wait + Duration::from_micros(1);
        Some(self.rate.slowed_until().map_or(due, |until| due.min(until)))
    }

    /// AWS has answered a request, whatever it said but that there were too many.
    pub fn answered(&mut self, now: Instant) {
        self.advance(now);
        self.rate.answered();
    }

    /// AWS has refused for the rate what was sent then. What was under way when another was refused, or was sent before
    /// that had any effect, tells nothing new.
    pub fn throttled(&mut self, now: Instant, sent: Instant, random: u64) {
        self.advance(now);
        let known = self.rate.slowed_until().is_some() || self.throttled.is_some_and(|last| sent <= last);
        if !known {
            self.rate.throttled(random);
            self.tokens = self.tokens.min(0.0);
            self.throttled = Some(self.rate.slowed_until().unwrap_or(now));
        }
    }

    /// Requests a second, at present.
    pub fn rate(&mut self, now: Instant) -> f64 {
        self.advance(now);
        self.rate.now()
    }

    fn advance(&mut self, now: Instant) {
        let wanted = !self.waiting.is_empty();
        self.tokens = (self.tokens + self.rate.advance(now, wanted)).min(burst(self.rate.now()));
    }
}

fn burst(rate: f64) -> f64 {
    (rate * BURST_SECONDS).clamp(1.0, BURST)
}
