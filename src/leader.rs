//! Which replica works: the decisions of an election on a Lease, and the right that its winner has for a while.
//!
//! Only the clock of the process itself counts, and never the times that stand in the Lease. The leader may work until
//! [`RENEW_DEADLINE`] after the *start* of its last renewal that succeeded; what it has begun by then ends within one
//! attempt. A standby claims a Lease that it has seen unchanged for [`DURATION`], which is longer than both together,
//! and so nobody works when it begins. Each write names the version that it was decided on: of two, one fails.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A Lease that was not renewed for so long is free.
pub const DURATION: Duration = Duration::from_secs(15);
/// For so long a renewal gives the right to work.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(6);
/// How often the leader renews.
pub const RENEW_EVERY: Duration = Duration::from_secs(2);
/// What was sent under the right ends within this, so that it has ended when the next leader begins.
pub const ATTEMPT: Duration = Duration::from_secs(8);
const _: () = assert!(RENEW_DEADLINE.as_secs() + ATTEMPT.as_secs() < DURATION.as_secs());

/// How long a call for the Lease may take.
const CALL: Duration = Duration::from_secs(2);
/// The pause after one that failed.
const PAUSE: Duration = Duration::from_millis(500);
/// The pause after one that came too late: somebody else had written.
const YIELD: Duration = Duration::from_millis(50);
/// Asked for by who is not the leader, or is it no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this replica does not lead")]
pub struct NotLeading;

/// The right to change something, asked for just before each request. Clones are one.
#[derive(Clone, Debug)]
pub struct Fence(Option<Arc<Mutex<Option<Instant>>>>);

impl Fence {
    /// Of a process that has no rival.
    #[must_use]
    pub fn open() -> Self {
        Self(None)
    }

    fn closed() -> Self {
        Self(Some(Arc::default()))
    }

    /// Whether something may be sent now.
    #[must_use]
    pub fn holds(&self, now: Instant) -> bool {
        self.0.as_ref().is_none_or(|until| lock(until).is_some_and(|until| now < until))
    }

    fn set(&self, until: Option<Instant>) {
        if let Some(held) = &self.0 {
            *lock(held) = until;
        }
    }
}

fn lock(until: &Mutex<Option<Instant>>) -> MutexGuard<'_, Option<Instant>> {
    until.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A Lease, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `metadata.resourceVersion`.
    pub version: String,
    /// `spec.holderIdentity`, unless it is empty.
    pub holder: Option<String>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Read the Lease and tell [`Election::seen`].
    Read,
    /// Create the Lease or replace the version that was seen last, with our name, and tell how it ended.
    Write,
    /// Nothing before this time. A standby may watch meanwhile, and tells each change.
    Wait(Instant),
    /// The end: the right is lost and does not come back.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Standby,
    Leading { until: Instant },
    Over,
}

/// The Lease as it was last seen.
#[derive(Debug)]
struct Sight {
    /// `None` where there was none.
    lease: Option<Seen>,
    /// For so long it is the same.
    since: Instant,
    /// It is gone, and had been there.
    vanished: bool,
}

/// A replica's part in the election.
#[derive(Debug)]
pub struct Election {
    me: String,
    fence: Fence,
    phase: Phase,
    sight: Option<Sight>,
    /// Whether that is what the API server said last, as far as we know.
    fresh: bool,
    /// Nothing is sent before.
    at: Option<Instant>,
}

impl Election {
    /// Of the replica with this name, which no other process ever has.
    #[must_use]
    pub fn new(me: String) -> Self {
        Self { me, fence: Fence::closed(), phase: Phase::Standby, sight: None, fresh: false, at: None }
    }

    /// Our name.
    #[must_use]
    pub fn me(&self) -> &str {
        &self.me
    }

    /// The right of this replica.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Whether it has won and not lost since.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self.phase, Phase::Leading { .. })
    }

    /// Who else holds the Lease, if it is known.
    #[must_use]
    pub fn rival(&self) -> Option<&str> {
        let holder = self.sight.as_ref()?.lease.as_ref()?.holder.as_deref();
        holder.filter(|holder| *holder != self.me)
    }

    /// What to do.
    #[must_use]
    pub fn next(&self, now: Instant) -> Move {
        let until = match self.phase {
            Phase::Over => return Move::Lost,
            Phase::Leading { until } if now >= until => return Move::Lost,
            Phase::Leading { until } => Some(until),
            Phase::Standby => None,
        };
        if let Some(at) = self.at.filter(|at| now < *at) {
            return Move::Wait(until.map_or(at, |until| at.min(until)));
        }
        let Some(sight) = self.sight.as_ref().filter(|_| self.fresh) else { return Move::Read };
        // Who leads while somebody deletes the Lease makes it again, and needs time for that.
        let held = until.is_none() && (self.rival().is_some() || sight.vanished);
        match sight.since + DURATION {
            free if held && now < free => Move::Wait(free),
            _ => Move::Write,
        }
    }

    /// How long a call for the Lease may take: whoever loses the right meanwhile waits no longer for it.
    #[must_use]
    pub fn patience(&self, now: Instant) -> Duration {
        match self.phase {
            Phase::Leading { until } => until.saturating_duration_since(now).min(CALL),
            _ => CALL,
        }
    }

    /// What a read or a watch has shown at `now`.
    pub fn seen(&mut self, lease: Option<Seen>, now: Instant) {
        if self.sight.as_ref().is_none_or(|sight| sight.lease != lease) {
            let vanished = lease.is_none() && self.sight.is_some();
            self.sight = Some(Sight { lease, since: now, vanished });
        }
        self.fresh = true;
        if self.leads() && self.rival().is_some() {
            self.end();
        }
    }

    /// A write that was `begun` then has succeeded: this is the Lease now.
    pub fn wrote(&mut self, version: String, begun: Instant, now: Instant) {
        let lease = Some(Seen { version, holder: Some(self.me.clone()) });
        self.sight = Some(Sight { lease, since: now, vanished: false });
        self.fresh = true;
        self.at = Some(begun + RENEW_EVERY);
        let until = begun + RENEW_DEADLINE;
        match self.phase {
            // Whoever was without the right has had requests refused, and does not come back.
            Phase::Leading { until: held } if now >= held => self.end(),
            Phase::Over => {}
            // The answer took so long that it is worth nothing: once more.
            Phase::Standby if now >= until => self.at = None,
            _ => {
                self.phase = Phase::Leading { until };
                self.fence.set(Some(until));
            }
        }
    }

    /// A write came too late: somebody else had written.
    pub fn conflict(&mut self, now: Instant) {
        self.fresh = false;
        self.at = Some(now + YIELD);
    }

    /// A call or a watch failed, and what came of it is not known. A leader has no time to look: it writes again.
    pub fn failed(&mut self, now: Instant) {
        self.fresh &= self.leads();
        self.at = Some(now + PAUSE);
    }

    /// Gives up the right, for ever.
    pub fn end(&mut self) {
        self.phase = Phase::Over;
        self.fence.set(None);
    }
}
