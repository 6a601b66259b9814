//! What sweeps say of a role beside whether it is as desired: that it is there, and whose it is.

use super::{Account, Snapshot, Source, account_of};
use std::time::Duration;

impl Snapshot {
    /// Whether a sweep has shown the role: one that is tagged as ours is kept whether or not a binding asks for it.
    #[must_use]
    pub fn shows(&self, arn: &str) -> bool {
        self.entry(arn).is_some_and(|entry| entry.details.is_some() || entry.head.is_some())
    }

    /// Whether the last complete sweep, which was begun after all that we know of the role, did not list it.
    #[must_use]
    pub fn missed(&self, arn: &str, settle: Duration) -> bool {
        let account = self.accounts.get(account_of(arn));
        let Some(taken) = account.and_then(Account::taken) else { return false };
        self.entry(arn).is_some_and(|entry| {
            let listed = entry.head.is_some_and(|half| half.sweep >= taken.number);
            !listed && entry.born < taken.number && entry.believes(taken.begun, settle)
        })
    }

    /// Whether it was tagged as this cluster's when a sweep last showed its tags.
    #[must_use]
    pub fn is_ours(&self, arn: &str) -> bool {
        self.entry(arn).is_some_and(|entry| entry.ours)
    }

    /// Whether it is tagged so, or no sweep has been there to tell.
    #[must_use]
    pub fn may_be_ours(&self, arn: &str) -> bool {
        let told = self.accounts.get(account_of(arn)).and_then(Account::taken).is_some_and(|_| self.is_bulk(arn));
        !told || self.is_ours(arn)
    }

    /// Whether a first sweep, which would tell, is yet to come. None is waited for where the last one failed.
    #[must_use]
    pub fn is_yet_to_tell(&self, arn: &str) -> bool {
        let first = |account: &Account| account.taken().is_none() && account.trouble().is_none();
        let account = self.accounts.get(account_of(arn));
        account.is_none_or(|account| account.source() == Source::Bulk && first(account))
    }

    /// What sweeps showed of a role last, as a number that differs where the role does.
    #[must_use]
    pub fn print(&self, arn: &str) -> [Option<u64>; 2] {
        let entry = self.entry(arn);
        [entry.and_then(|entry| entry.details), entry.and_then(|entry| entry.head)].map(|half| Some(half?.print))
    }

    fn is_bulk(&self, arn: &str) -> bool {
        self.accounts.get(account_of(arn)).is_some_and(|account| account.source() == Source::Bulk)
    }

    /// Whether the last complete sweep, newer than all that we did to the role, showed by its tags that it is not this
    /// cluster's. Only of a role that is expected this is known.
    #[must_use]
    pub fn is_theirs(&self, arn: &str, settle: Duration) -> bool {
        let Some(taken) = self.accounts.get(account_of(arn)).and_then(Account::taken) else { return false };
        self.entry(arn).is_some_and(|entry| {
            let shown = entry.details.filter(|half| half.sweep >= taken.number);
            !entry.ours && shown.is_some_and(|half| entry.believes(half.sent, settle))
        })
    }

    /// Whether we have deleted the role of this id, which sweeps may still show.
    #[must_use]
    pub fn is_buried(&self, account: &str, id: &str) -> bool {
        self.accounts.get(account).is_some_and(|account| account.is_buried(id))
    }

    /// Sweeps are to tell of the role, whosever it is.
    pub fn expect(&mut self, arn: &str) {
        self.entry_mut(arn).expected = true;
    }
}
