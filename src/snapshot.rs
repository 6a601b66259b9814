//! What each role was last seen as: enough to know that nothing is to be done, and no more.
//!
//! An entry says "read at some time, and equal to the desired state with this fingerprint". It is void from before a
//! change is sent until the change has been answered, and lapses at `due`. Whoever finds no agreement reads the role
//! before it writes, so an entry that is wrong costs a read and never a wrong write.

use crate::plan::{Note, Step};
use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

/// What was seen of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Fingerprint of the desired state that it was equal to; `None` while unknown.
    agreed: Option<u64>,
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

    /// A change is about to be sent: until [`Snapshot::agree`] nobody knows what the role is.
    pub fn unknown(&mut self, arn: &str) {
        if let Some(seen) = self.roles.get_mut(arn) {
            seen.agreed = None;
        }
    }

    /// The role was read, or written step by step since it was read, and is as desired.
    pub fn agree(&mut self, arn: &str, fingerprint: u64, seen: Seen) {
        self.roles.insert(arn.to_owned(), Seen { agreed: Some(fingerprint), ..seen });
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
        Self { agreed: None, due, id, notes, held, denying }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
        agree(&mut snapshot);
        snapshot.forget("r");
        assert!(snapshot.is_empty());
    }
}
