//! What each role was last seen as: enough to know that nothing is to be done, and no more.
//!
//! An entry says "read at some time, and equal to the desired state with this fingerprint". It is void from before a
//! change is sent until the change has been answered, and lapses at `due`. Whoever finds no agreement reads the role
//! before it writes, so an entry that is wrong costs a read and never a wrong write.
//!
//! Reads of IAM may lag behind our own writes, and go back to old after new. So for a while after a write of ours the
//! role counts as what we made of it: no difference that a read shows then is acted on.

use crate::iam::role::Role;
use crate::plan::{Note, Step};
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// What was seen of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Fingerprint of the desired state that it was equal to; `None` while unknown.
    agreed: Option<u64>,
    /// The last such fingerprint, which outlives the agreement.
    wish: Option<u64>,
    /// What it is by our own last write, and when that was. `None` where the end of a write is not known.
    own: Option<(Box<Role>, Instant)>,
    /// When it is to be looked at again.
    pub due: Instant,
    /// Its unique id.
    pub id: String,
    /// What was left alone on it.
    pub notes: Vec<Note>,
    /// What would be done if it did not carry the hold tag.
    pub held: Vec<Step>,
    /// Stray managed policies that were read and only deny. They are read once.
    pub denying: BTreeSet<String>,
}

/// What was seen of all roles, by ARN.
#[derive(Debug, Default)]
pub struct Snapshot {
    roles: HashMap<String, Seen>,
}

impl Snapshot {
    /// The role as last seen, if it still counts as equal to the desired state with this fingerprint.
    #[must_use]
    pub fn agreed(&self, arn: &str, fingerprint: u64, now: Instant) -> Option<&Seen> {
        self.roles.get(arn).filter(|seen| seen.agreed == Some(fingerprint) && now < seen.due)
    }

    /// The role as last seen, however long ago.
    #[must_use]
    pub fn last(&self, arn: &str) -> Option<&Seen> {
        self.roles.get(arn)
    }

    /// Whether the role last agreed with another wish: what differs now was asked for, and is no drift.
    #[must_use]
    pub fn wished_otherwise(&self, arn: &str, fingerprint: u64) -> bool {
        self.roles.get(arn).and_then(|seen| seen.wish).is_some_and(|wish| wish != fingerprint)
    }

    /// What the role is by our own last write, if that is less than `settle` ago.
    #[must_use]
    pub fn own(&self, arn: &str, settle: Duration, now: Instant) -> Option<&Role> {
        let (role, at) = self.roles.get(arn)?.own.as_ref()?;
        (now.saturating_duration_since(*at) < settle).then_some(role)
    }

    /// A change is about to be sent: until [`Snapshot::wrote`] or [`Snapshot::agree`] nobody knows what the role is.
    pub fn unknown(&mut self, arn: &str) {
        if let Some(seen) = self.roles.get_mut(arn) {
            seen.agreed = None;
            seen.own = None;
        }
    }

    /// Changes were answered, and this is what they made of the role; `None` where an answer is missing.
    pub fn wrote(&mut self, arn: &str, role: Option<Role>, now: Instant) {
        let Some(role) = role else { return self.unknown(arn) };
        let id = role.id.clone();
        let seen = self
            .roles
            .entry(arn.to_owned())
            .or_insert_with(|| Seen::new(id, now, Vec::new(), Vec::new(), BTreeSet::new()));
        seen.own = Some((Box::new(role), now));
    }

    /// The role was read, or written step by step since it was read, and is as desired.
    pub fn agree(&mut self, arn: &str, fingerprint: u64, seen: Seen) {
        let own = self.roles.remove(arn).and_then(|before| before.own);
        self.roles.insert(arn.to_owned(), Seen { agreed: Some(fingerprint), wish: Some(fingerprint), own, ..seen });
    }

    /// Drops what our own writes made of a role once reads can be believed again: it is as large as its policies.
    pub fn settled(&mut self, arn: &str, settle: Duration, now: Instant) {
        let over = self.own(arn, settle, now).is_none();
        if let Some(seen) = self.roles.get_mut(arn).filter(|_| over) {
            seen.own = None;
        }
    }

    /// [`Snapshot::settled`] for all roles, because after many writes no look may come for long.
    pub fn tidy(&mut self, settle: Duration, now: Instant) {
        for seen in self.roles.values_mut() {
            seen.own.take_if(|(_, at)| now.saturating_duration_since(*at) >= settle);
        }
    }

    /// The role is gone, or no binding asks for it any more.
    pub fn forget(&mut self, arn: &str) {
        self.roles.remove(arn);
    }

    /// How many roles are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roles.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }
}

impl Seen {
    /// An entry that does not count as equal to anything yet.
    #[must_use]
    pub fn new(id: String, due: Instant, notes: Vec<Note>, held: Vec<Step>, denying: BTreeSet<String>) -> Self {
        Self { agreed: None, wish: None, own: None, due, id, notes, held, denying }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn role() -> Role {
        Role {
            arn: "r".into(),
            id: "A".into(),
            description: String::new(),
            max_session: 3600,
            boundary: None,
            tags: Default::default(),
            trust: None,
            attached: BTreeSet::new(),
            inline: Default::default(),
        }
    }

    #[test]
    fn agreement_ends_with_a_send_with_another_wish_and_with_time() {
        let now = Instant::now();
        let due = now + Duration::from_secs(10);
        let mut snapshot = Snapshot::default();
        let agree = |s: &mut Snapshot| s.agree("r", 1, Seen::new("A".into(), due, vec![], vec![], BTreeSet::new()));
        agree(&mut snapshot);
        assert!(snapshot.agreed("r", 1, now).is_some());
        assert!(snapshot.agreed("r", 2, now).is_none(), "another wish");
        assert!(snapshot.agreed("r", 1, due).is_none(), "the beat");
        snapshot.unknown("r");
        assert!(snapshot.agreed("r", 1, now).is_none(), "a write in flight");
        assert_eq!(snapshot.last("r").map(|seen| seen.id.as_str()), Some("A"), "the id outlives it");
        assert!(!snapshot.wished_otherwise("r", 1), "so does the wish");
        assert!(snapshot.wished_otherwise("r", 2));
        assert!(!snapshot.wished_otherwise("s", 2), "never seen");
        agree(&mut snapshot);
        snapshot.wrote("r", Some(role()), now);
        let settle = Duration::from_secs(5);
        snapshot.tidy(settle, now + Duration::from_secs(4));
        assert!(snapshot.own("r", settle, now).is_some());
        snapshot.tidy(settle, now + settle);
        assert!(snapshot.own("r", settle, now).is_none(), "no larger than need be");
        assert!(snapshot.agreed("r", 1, now).is_some(), "which changes nothing");
        snapshot.forget("r");
        assert!(snapshot.is_empty());
    }
}
