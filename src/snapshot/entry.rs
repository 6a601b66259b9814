//! What is known of one role.

use super::Snapshot;
use super::print::Prints;
use crate::iam::role::Role;
use crate::plan::{Note, Step};
use crate::store::Packed;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

/// For how long a bulk answer that differs from what direct reads show is taken for equal, and up to half as long again.
/// Each such role costs a direct read when this is over, which for 10,000 roles is a twentieth of ten requests a second.
pub(super) const LEARNT: Duration = Duration::from_secs(24 * 3600);

/// What was left alone on a role, and what it was read for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// What differs and stays.
    pub notes: Vec<Note>,
    /// What would be done if the role did not carry the hold tag.
    pub held: Vec<Step>,
    /// What waits until it may be taken from a role that was taken over.
    pub waiting: Vec<Step>,
    /// What the class revoked when that was found out: [`crate::desired::Desired::revoked`].
    pub revoked: u64,
    /// Stray managed policies that were read and only deny. They are read once.
    pub denying: BTreeSet<String>,
    /// What would be done to the role if the mode were not Observe.
    pub foreseen: Vec<Step>,
}

/// A role as last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its unique id.
    pub id: String,
    /// What was left alone on it.
    pub extras: Extras,
    /// When it is to be looked at again; `None` where sweeps do that.
    pub due: Option<Instant>,
}

/// What one page of a sweep said of a role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Half {
    pub print: u64,
    /// Before the page was asked for.
    pub sent: Instant,
    /// Number of the sweep.
    pub sweep: u32,
    /// Its id, as [`short`] has it: which one is known may change after the page came.
    pub id: u32,
}

/// That a role was as desired.
#[derive(Clone, Debug)]
pub(super) struct Agreed {
    /// Fingerprint of the desired state.
    pub wish: u64,
    /// The role's own fingerprints at that time.
    pub prints: Prints,
    /// What bulk calls show although direct reads find no difference, and until when that is believed.
    pub learnt: Option<(Prints, Instant)>,
    /// What bulk calls showed when a direct read first found no difference, and when that was. That read may have been
    /// the one that lagged behind.
    pub unconfirmed: Option<(Prints, Instant)>,
    /// A sweep has shown something else: a direct read has to tell.
    pub doubt: bool,
    /// So far only the binding's status says so.
    pub presumed: bool,
}

impl Agreed {
    pub fn new(wish: u64, prints: Prints) -> Self {
        Self { wish, prints, learnt: None, unconfirmed: None, doubt: false, presumed: false }
    }
}

#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The sweep that was the last when this entry was made: it may have shown the role before anybody cared.
    pub born: u32,
    pub id: Box<str>,
    /// `None`: unknown.
    pub agreed: Option<Agreed>,
    /// The last wish that it agreed with, which outlives the agreement.
    pub wish: Option<u64>,
    /// A change has been sent and not been answered.
    pub writing: bool,
    /// When the last change of ours ended.
    pub written: Option<Instant>,
    /// What our last change made of it. `None` where the end of a change is not known.
    pub own: Option<Packed>,
    pub details: Option<Half>,
    pub head: Option<Half>,
    pub extras: Option<Box<Extras>>,
    pub due: Option<Instant>,
    /// Some binding asks for it.
    pub expected: bool,
    /// It was not there when it was looked for, and nobody makes it.
    pub absent: bool,
    /// It was tagged as this cluster's when a sweep last showed its tags.
    pub ours: bool,
}

/// What a sweep says of a role that was as desired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It still is.
    Same,
    /// It is not, or it is not there.
    Other,
    /// Nothing: its pages may be older than our last change.
    Nothing,
}

impl Snapshot {
    /// Whether anything was ever seen of the role, or done about it.
    #[must_use]
    pub fn heard_of(&self, arn: &str) -> bool {
        let touched = |entry: &Entry| entry.writing || entry.written.is_some() || entry.wish.is_some();
        self.shows(arn) || self.entry(arn).is_some_and(touched)
    }
}

impl Entry {
    pub fn seen(&self) -> Seen {
        Seen {
            id: self.id.as_ref().to_owned(),
            extras: self.extras.as_deref().cloned().unwrap_or_default(),
            due: self.due,
        }
    }

    /// From when on what AWS shows is no older than our last change; `None` while one is under way.
    pub fn believable(&self, settle: Duration) -> Option<Option<Instant>> {
        (!self.writing).then(|| self.written.map(|at| at + settle))
    }

    /// Whether what was asked for at `sent` is no older than our last change.
    pub fn believes(&self, sent: Instant, settle: Duration) -> bool {
        self.believable(settle).is_some_and(|from| from.is_none_or(|from| sent >= from))
    }

    /// The role was read directly, or written step by step since, and is as desired. `clean`: nothing had to be done.
    pub fn agree(&mut self, wish: u64, role: &Role, seen: Seen, clean: bool, settle: Duration, now: Instant) {
        let prints = Prints::of(role);
        // What was learnt is how bulk calls show just this role. After a change of ours nothing is left of it.
        let before = self.agreed.take().filter(|before| before.wish == wish && before.prints == prints);
        let (mut learnt, mut unconfirmed) = before.map_or((None, None), |before| (before.learnt, before.unconfirmed));
        learnt.take_if(|(_, until)| now >= *until);
        match (self.shown(settle).filter(|_| clean), unconfirmed) {
            (Some(shown), _) if shown == prints => unconfirmed = None,
            // Twice, and so much later that this read can't have missed what that one may have missed.
            (Some(shown), Some((first, read))) if shown == first => {
                if self.asked_since(read + settle) {
                    learnt = Some((shown, now + lasting(&role.arn)));
                }
            }
            (Some(shown), _) => unconfirmed = Some((shown, now)),
            (None, _) => {}
        }
        self.agreed = Some(Agreed { learnt, unconfirmed, ..Agreed::new(wish, prints) });
        self.wish = Some(wish);
        self.absent = false;
        self.writing = false;
        self.id = seen.id.into();
        self.due = seen.due;
        self.extras = (seen.extras != Extras::default()).then(|| Box::new(seen.extras));
    }

    /// What the last pages showed, where both can be believed.
    fn shown(&self, settle: Duration) -> Option<Prints> {
        let half = |half: Option<Half>| half.filter(|half| self.same(*half) && self.believes(half.sent, settle));
        Some(Prints { details: half(self.details)?.print, head: half(self.head)?.print })
    }

    /// Whether this was shown of the role that is known, and not of one before or after it.
    pub fn same(&self, half: Half) -> bool {
        half.id == short(&self.id)
    }

    /// Whether the last pages of both halves were asked for since then.
    fn asked_since(&self, time: Instant) -> bool {
        [self.details, self.head].into_iter().all(|half| half.is_some_and(|half| half.sent >= time))
    }

    /// A complete sweep has shown it as desired. What bulk calls once showed otherwise was no matter of rendering.
    pub fn confirm(&mut self, settle: Duration) {
        let shown = self.shown(settle);
        if let Some(agreed) = &mut self.agreed {
            agreed.doubt = false;
            agreed.presumed = false;
            agreed.unconfirmed.take_if(|_| shown == Some(agreed.prints));
        }
    }

    /// What the complete sweep `number`, begun then, says of it. `both`: it had details as well as heads.
    pub fn said(&self, number: u32, begun: Instant, both: bool, settle: Duration, now: Instant) -> Said {
        let Some(agreed) = &self.agreed else { return Said::Nothing };
        let wanted = |half: fn(Prints) -> u64| {
            let learnt = agreed.learnt.filter(|(_, until)| now < *until).map(|(prints, _)| half(prints));
            (half(agreed.prints), learnt, agreed.unconfirmed.map(|(prints, read)| (half(prints), read)))
        };
        let details = (self.details, wanted(|prints| prints.details));
        let head = (self.head, wanted(|prints| prints.head));
        let halves = [both.then_some(details), Some(head)];
        let mut said = Said::Same;
        for (half, (true_print, learnt, unconfirmed)) in halves.into_iter().flatten() {
            let answer = match half.filter(|half| half.sweep == number) {
                Some(half) if !self.believes(half.sent, settle) => Said::Nothing,
                Some(half) if self.same(half) && half.print == true_print => Said::Same,
                Some(half) if self.same(half) && Some(half.print) == learnt => Said::Same,
                // It was read for just this a moment ago, and another read might lag behind as that one may have done.
                Some(half)
                    if self.same(half)
                        && unconfirmed.is_some_and(|(p, at)| p == half.print && half.sent < at + settle) =>
                {
                    Said::Nothing
                }
                Some(_) => Said::Other,
                None if self.born < number && self.believes(begun, settle) => Said::Other,
                None => Said::Nothing,
            };
            if said != Said::Other {
                said = if answer == Said::Same { said } else { answer };
            }
        }
        said
    }
}

/// An id in a few bits, which are enough to tell a role from the one before it.
pub(super) fn short(id: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}

/// For how long something is learnt of this role: those that learn at one time do not all forget at one time.
fn lasting(arn: &str) -> Duration {
    let mut hasher = DefaultHasher::new();
    arn.hash(&mut hasher);
    LEARNT + Duration::from_secs(hasher.finish() % (LEARNT.as_secs() / 2))
}
