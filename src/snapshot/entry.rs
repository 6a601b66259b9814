//! What is known of one role.

use super::print::Prints;
use crate::iam::role::Role;
use crate::plan::{Note, Step};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// For how long a bulk answer that differs from what direct reads show is taken for equal. Each such role costs a
/// direct read when this is over, which for 10,000 roles is a twentieth of ten requests a second.
const LEARNT: Duration = Duration::from_secs(24 * 3600);

/// What was left alone on a role, and what it was read for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// What differs and stays.
    pub notes: Vec<Note>,
    /// What would be done if the role did not carry the hold tag.
    pub held: Vec<Step>,
    /// Stray managed policies that were read and only deny. They are read once.
    pub denying: BTreeSet<String>,
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
    /// Whether it was the role of the id that is known.
    pub same: bool,
}

/// That a role was as desired.
#[derive(Clone, Debug)]
pub(super) struct Agreed {
    /// Fingerprint of the desired state.
    pub wish: u64,
    /// The role's own fingerprints at that time.
    pub prints: Prints,
    /// What bulk calls show although direct reads find no difference.
    pub learnt: Option<(Prints, Instant)>,
    /// A sweep has shown something else: a direct read has to tell.
    pub doubt: bool,
}

#[derive(Debug, Default)]
pub(super) struct Entry {
    pub id: Box<str>,
    /// `None`: unknown.
    pub agreed: Option<Agreed>,
    /// The last wish that it agreed with, which outlives the agreement.
    pub wish: Option<u64>,
    /// What a direct read did not confirm: the same again is learnt.
    unconfirmed: Option<Prints>,
    /// A change has been sent and not been answered.
    pub writing: bool,
    /// When the last change of ours ended.
    pub written: Option<Instant>,
    /// What our last change made of it. `None` where the end of a change is not known.
    pub own: Option<Box<Role>>,
    pub details: Option<Half>,
    pub head: Option<Half>,
    pub extras: Option<Box<Extras>>,
    pub due: Option<Instant>,
    /// Some binding asks for it.
    pub expected: bool,
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
        let shown = self.shown(settle).filter(|shown| clean && *shown != prints);
        let before = self.agreed.take().filter(|before| before.wish == wish);
        let learnt = before.and_then(|before| before.learnt).filter(|(_, until)| now < *until);
        let learnt = match shown {
            // Twice, and a sweep apart: once alone may be a direct read that lagged behind.
            Some(shown) if self.unconfirmed == Some(shown) => Some((shown, now + LEARNT)),
            _ => learnt,
        };
        self.unconfirmed = shown;
        self.agreed = Some(Agreed { wish, prints, learnt, doubt: false });
        self.wish = Some(wish);
        self.writing = false;
        self.id = seen.id.into();
        self.due = seen.due;
        self.extras = (seen.extras != Extras::default()).then(|| Box::new(seen.extras));
    }

    /// What the last pages showed, where both can be believed.
    fn shown(&self, settle: Duration) -> Option<Prints> {
        let half = |half: Option<Half>| half.filter(|half| half.same && self.believes(half.sent, settle));
        Some(Prints { details: half(self.details)?.print, head: half(self.head)?.print })
    }

    /// What the complete sweep `number`, begun then, says of it. `both`: it had details as well as heads.
    pub fn said(&self, number: u32, begun: Instant, both: bool, settle: Duration, now: Instant) -> Said {
        let Some(agreed) = &self.agreed else { return Said::Nothing };
        let wanted = |half: fn(Prints) -> u64| (half(agreed.prints), agreed.learnt.map(|(prints, _)| half(prints)));
        let details = (self.details, wanted(|prints| prints.details));
        let head = (self.head, wanted(|prints| prints.head));
        let halves = [both.then_some(details), Some(head)];
        let mut said = Said::Same;
        for (half, (true_print, learnt)) in halves.into_iter().flatten() {
            let answer = match half.filter(|half| half.sweep == number) {
                Some(half) if !self.believes(half.sent, settle) => Said::Nothing,
                Some(half) if half.same && half.print == true_print => Said::Same,
                Some(half) if half.same && Some(half.print) == learnt && !agreed.lapsed(now) => Said::Same,
                Some(_) => Said::Other,
                None if self.believes(begun, settle) => Said::Other,
                None => Said::Nothing,
            };
            if said != Said::Other {
                said = if answer == Said::Same { said } else { answer };
            }
        }
        said
    }
}

impl Agreed {
    fn lapsed(&self, now: Instant) -> bool {
        self.learnt.is_some_and(|(_, until)| now >= until)
    }
}
