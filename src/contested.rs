//! What has to be put right again and again: another tool wants it otherwise. It is named and not fought: from the third
//! correction within a window on, the same one is made once a window, until a window passes without a need for it.
//!
//! What else differs is put right at once all the same, and so is everything when somebody changes the spec. Only what
//! was corrected a short while ago is remembered, and nothing outlives the process.

#[cfg(test)]
mod tests;
mod who;

pub use who::{events, suspect};

use crate::plan::{Facet, Step};
use crate::store::NsName;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// So many corrections within a window are a fight.
pub const TIMES: usize = 3;
/// As many steps are remembered of one binding, and as many bindings: where more drift at once, it is no fight.
const MAX: (usize, usize) = (16, 2000);

/// Corrections, by binding.
#[derive(Debug, Default)]
pub struct Contested {
    window: Duration,
    fights: HashMap<NsName, Fight>,
}

#[derive(Debug, Default)]
struct Fight {
    account: String,
    /// Who it may be, as the role's tags and the ServiceAccount's managers said last.
    who: [Option<String>; 2],
    corrections: Vec<Correction>,
}

#[derive(Debug)]
struct Correction {
    key: String,
    step: Step,
    /// The last ones, [`TIMES`] at most.
    times: Vec<Instant>,
    contested: bool,
    /// It is needed again and waits for its time.
    open: bool,
    /// When it was last needed.
    needed: Instant,
}

/// What a reconcile came to know.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Account of the role.
    pub account: &'a str,
    /// The uid of the ServiceAccount: one that is made anew is another.
    pub uid: &'a str,
    /// Who it may be, for the role and for the ServiceAccount.
    pub who: [Option<&'a str>; 2],
    /// Steps that put right what nobody asked to be changed.
    pub corrected: &'a [Step],
    /// Steps that are still to be done.
    pub pending: &'a [Step],
}

/// What is to be said of a binding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contest {
    /// Of the role.
    pub role: Option<String>,
    /// Whether it is about policies.
    pub policies: bool,
    /// Of the ServiceAccount.
    pub account: Option<String>,
}

impl Contest {
    /// What is to be said of one part.
    #[must_use]
    pub fn of(&self, facet: Facet) -> Option<&String> {
        match facet {
            Facet::Role => self.role.as_ref(),
            Facet::Policies => self.role.as_ref().filter(|_| self.policies),
            Facet::ServiceAccount => self.account.as_ref(),
        }
    }
}

/// What makes two corrections the same one; `None` where there is nothing to fight for.
fn key(step: &Step, uid: &str) -> Option<String> {
    match step {
        // Whatever the value is that another writes.
        Step::Annotate | Step::Reannotate(_) => Some(format!("annotate {uid}")),
        step if step.facet() == Facet::ServiceAccount => None,
        step => Some(step.to_string()),
    }
}

impl Contested {
    /// Nothing was corrected yet.
    #[must_use]
    pub fn new(window: Duration) -> Self {
        Self { window, fights: HashMap::new() }
    }

    /// A reconcile has come to an end.
    pub fn note(&mut self, binding: &NsName, seen: &Seen<'_>, now: Instant) {
        let window = self.window;
        let keys: Vec<String> = seen.pending.iter().filter_map(|step| key(step, seen.uid)).collect();
        if let Some(fight) = self.fights.get_mut(binding) {
            for correction in fight.corrections.iter_mut().filter(|correction| correction.contested) {
                correction.open = keys.contains(&correction.key);
                if correction.open {
                    correction.needed = now;
                }
            }
            fight.corrections.retain(|correction| correction.matters(window, now));
        }
        let corrected: Vec<(String, &Step)> =
            seen.corrected.iter().filter_map(|step| Some((key(step, seen.uid)?, step))).collect();
        if corrected.is_empty() || (self.fights.len() >= MAX.1 && !self.fights.contains_key(binding)) {
            return;
        }
        let fight = self.fights.entry(binding.clone()).or_default();
        fight.account = seen.account.to_owned();
        for (known, who) in fight.who.iter_mut().zip(seen.who) {
            *known = who.map(str::to_owned).or(known.take());
        }
        for (key, step) in corrected {
            fight.corrected(key, step, window, now);
        }
    }

    /// Until when this step has to wait, because it was done a short while ago for nothing.
    #[must_use]
    pub fn waits(&self, binding: &NsName, uid: &str, step: &Step, now: Instant) -> Option<Instant> {
        let (fight, key) = self.fights.get(binding).zip(key(step, uid))?;
        let correction = fight.corrections.iter().find(|correction| correction.contested && correction.key == key)?;
        correction.next(self.window).filter(|next| *next > now)
    }

    /// When something that waits has its turn, or a fight is over unless it is needed again until then. What had its turn
    /// and is kept out by something else is not asked for: that will wake it.
    #[must_use]
    pub fn next(&self, binding: &NsName, now: Instant) -> Option<Instant> {
        let contested = self.fights.get(binding)?.corrections.iter().filter(|correction| correction.contested);
        let next = |correction: &Correction| match correction.open {
            true => correction.next(self.window),
            false => Some(correction.needed + self.window),
        };
        contested.filter_map(next).filter(|at| *at > now).min()
    }

    /// What is to be said. It changes only where something else is fought for: no times, no numbers.
    #[must_use]
    pub fn says(&self, binding: &NsName, role: &str) -> Contest {
        let Some(fight) = self.fights.get(binding) else { return Contest::default() };
        let contested = || fight.corrections.iter().filter(|correction| correction.contested);
        let of = |on_account: bool| {
            let steps = contested().filter(move |c| (c.step.facet() == Facet::ServiceAccount) == on_account);
            steps.map(|correction| &correction.step).collect::<Vec<_>>()
        };
        let (steps, on_account) = (of(false), of(true));
        Contest {
            policies: steps.iter().any(|step| step.facet() == Facet::Policies),
            role: (!steps.is_empty()).then(|| who::role_text(role, &steps, fight.who[0].as_deref())),
            account: (!on_account.is_empty()).then(|| who::account_text(role, fight.who[1].as_deref())),
        }
    }

    /// Forgets what was not needed for a window. Returns the bindings that are fought for no longer.
    pub fn tidy(&mut self, now: Instant) -> Vec<NsName> {
        let mut over = BTreeSet::new();
        for (binding, fight) in &mut self.fights {
            fight.corrections.retain(|correction| {
                let keep = correction.matters(self.window, now);
                if correction.contested && !keep {
                    over.insert(binding.clone());
                }
                keep
            });
        }
        self.fights.retain(|_, fight| !fight.corrections.is_empty());
        over.into_iter().collect()
    }

    /// The binding is gone.
    pub fn gone(&mut self, binding: &NsName) {
        self.fights.remove(binding);
    }

    /// How many bindings of this account are fought for.
    #[must_use]
    pub fn count(&self, account: &str) -> usize {
        let contested = |fight: &&Fight| fight.account == account && fight.corrections.iter().any(|c| c.contested);
        self.fights.values().filter(contested).count()
    }
}

impl Fight {
    fn corrected(&mut self, key: String, step: &Step, window: Duration, now: Instant) {
        let at = self.corrections.iter().position(|correction| correction.key == key).unwrap_or_else(|| {
            if self.corrections.len() >= MAX.0
                && let Some(oldest) = (0..self.corrections.len()).min_by_key(|at| self.corrections[*at].needed)
            {
                self.corrections.remove(oldest);
            }
            let (times, step) = (Vec::new(), step.clone());
            self.corrections.push(Correction { key, step, times, contested: false, open: false, needed: now });
            self.corrections.len() - 1
        });
        let correction = &mut self.corrections[at];
        if correction.times.len() == TIMES {
            correction.times.remove(0);
        }
        correction.times.push(now);
        let first = correction.times.first().filter(|_| correction.times.len() == TIMES);
        correction.contested |= first.is_some_and(|first| now <= *first + window);
        correction.step = step.clone();
        (correction.open, correction.needed) = (false, now);
    }
}

impl Correction {
    fn matters(&self, window: Duration, now: Instant) -> bool {
        self.open || now < self.needed + window
    }

    fn next(&self, window: Duration) -> Option<Instant> {
        self.times.last().map(|last| *last + window)
    }
}
