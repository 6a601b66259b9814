//! What the accounts hold: which roles need work. What work it is, a direct read decides.
//!
//! Sweeps of two bulk calls show all roles page by page; what is kept of a role is a fingerprint of either half, its id
//! and what was left alone on it. A binding whose role was as desired, and which no sweep shows otherwise, costs nothing.
//!
//! A sweep is never a moment's truth:
//!
//! - a page that was asked for before our last change of a role ended, or while one is under way, says nothing of it;
//! - nor does one within the settle window, as reads of IAM may lag behind our own writes and go back to old after new;
//! - a role is unknown from before a change is sent until it is answered, and what is unknown is read directly;
//! - a deleted role's id is remembered until a sweep that was begun that much later misses it;
//! - where direct reads find no difference twice, what the bulk call shows is taken for equal (it may render otherwise);
//! - the two calls see different times, so each half has its own stamp;
//! - a role is kept if it is tagged as ours or a binding asks for it;
//! - where a great many differ at once, a second sweep has to say the same;
//! - there is one store and one sweep for each account, whatever the number of classes.
//!
//! An entry that is wrong costs a read and never a wrong write: whoever finds no agreement reads before it writes.

mod account;
mod entry;
mod print;
#[cfg(test)]
mod tests;
mod whose;

pub use account::{Account, Quota, Source, Taken, Verdict};
pub use entry::{Extras, Seen};
pub use print::{Detailed, Listed, Prints, head, role_details};

use crate::api::names::tag;
use crate::error::Error;
use crate::iam::role::Role;
use crate::iam::tags;
use entry::{Agreed, Entry};
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// What was seen of all roles, by account.
#[derive(Debug, Default)]
pub struct Snapshot {
    accounts: HashMap<Box<str>, Account>,
}

/// What a binding wants to know of its role.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// ARN of the role.
    pub arn: &'a str,
    /// Fingerprint of the desired state.
    pub wish: u64,
    /// Fingerprints of a role that is exactly so.
    pub wanted: Prints,
    /// Whether the binding's status says that it was so: then there is no hurry.
    pub was_true: bool,
    /// When it is to be read at the latest, where sweeps do not show enough.
    pub due: Option<Instant>,
}

/// What the snapshot says of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is as desired.
    Agreed(Seen),
    /// A direct read has to tell.
    Look,
    /// A sweep will tell, or its time will come.
    Wait,
}

impl Snapshot {
    /// What is to be done about a role. `settle`: for how long after a change of ours AWS may show what was before.
    pub fn judge(&mut self, question: &Question<'_>, settle: Duration, now: Instant) -> Judgement {
        let account = self.account_mut(question.arn);
        let (source, taken, blind) = (account.source, account.taken, account.trouble().is_some());
        let entry = account.entry(question.arn);
        (entry.expected, entry.absent) = (true, false);
        if let Some(agreed) = &entry.agreed {
            let holds = agreed.wish == question.wish && !agreed.doubt && entry.due.is_none_or(|due| now < due);
            return match agreed.presumed {
                _ if !holds => Judgement::Look,
                false => Judgement::Agreed(entry.seen()),
                // Nothing will tell for a while.
                true if blind || !question.was_true => Judgement::Look,
                true => Judgement::Wait,
            };
        }
        if entry.writing || entry.written.is_some() {
            return Judgement::Look;
        }
        let Some(taken) = taken.filter(|_| source == Source::Bulk) else {
            if !question.was_true || blind {
                return Judgement::Look;
            }
            entry.agreed = Some(Agreed { presumed: true, ..Agreed::new(question.wish, question.wanted) });
            entry.wish = Some(question.wish);
            entry.due = question.due;
            return Judgement::Wait;
        };
        let half = |half: Option<entry::Half>| half.filter(|half| half.sweep >= taken.number && entry.same(*half));
        let shown = half(entry.details).zip(half(entry.head));
        match shown.map(|(details, head)| Prints { details: details.print, head: head.print }) {
            Some(shown) if shown == question.wanted && entry.believes(taken.begun, settle) => {
                entry.agreed = Some(Agreed::new(question.wish, shown));
                entry.wish = Some(question.wish);
                Judgement::Agreed(entry.seen())
            }
            _ => Judgement::Look,
        }
    }

    /// The role as last seen, however long ago.
    #[must_use]
    pub fn last(&self, arn: &str) -> Option<Seen> {
        self.entry(arn).map(Entry::seen)
    }

    /// Whether the role last agreed with another wish: what differs now was asked for, and is no drift.
    #[must_use]
    pub fn wished_otherwise(&self, arn: &str, wish: u64) -> bool {
        self.entry(arn).and_then(|entry| entry.wish).is_some_and(|last| last != wish)
    }

    /// What the role is by our own last write, if that is less than `settle` ago.
    #[must_use]
    pub fn own(&self, arn: &str, settle: Duration, now: Instant) -> Option<Role> {
        let entry = self.entry(arn)?;
        entry.own.as_ref().filter(|_| entry.written.is_some_and(|at| now < at + settle))?.read()
    }

    /// When the last change of ours ended, where that is remembered.
    #[must_use]
    pub fn written(&self, arn: &str) -> Option<Instant> {
        self.entry(arn)?.written
    }

    /// A change is about to be sent: until [`Snapshot::wrote`] or [`Snapshot::agree`] nobody knows what the role is.
    pub fn unknown(&mut self, arn: &str) {
        let account = self.account_mut(arn);
        account.keep(arn, None);
        let entry = account.entry(arn);
        entry.agreed = None;
        entry.writing = true;
    }

    /// A change was answered, and this is what it made of the role; `None` where the answer is missing.
    pub fn wrote(&mut self, arn: &str, role: Option<Role>, now: Instant) {
        let account = self.account_mut(arn);
        account.keep(arn, role.as_ref());
        let entry = account.entry(arn);
        entry.agreed = None;
        entry.writing = false;
        entry.written = Some(now);
        if let Some(role) = role {
            entry.id = role.id.into();
        }
    }

    /// The role was read, or written step by step since it was read, and is as desired. `clean`: nothing had to be done.
    pub fn agree(&mut self, wish: u64, role: &Role, seen: Seen, clean: bool, settle: Duration, now: Instant) {
        self.settled(&role.arn, settle, now);
        self.entry_mut(&role.arn).agree(wish, role, seen, clean, settle, now);
    }

    /// The role was looked for and is not there, and nobody makes it: a sweep that shows it has something to tell. `due`:
    /// when to look again where sweeps show too little.
    pub fn absent(&mut self, arn: &str, due: Option<Instant>) {
        let entry = self.entry_mut(arn);
        (entry.absent, entry.expected, entry.agreed, entry.due) = (true, true, None, due);
    }

    /// Drops what our own writes made of a role once reads can be believed again: it is as large as its policies.
    fn settled(&mut self, arn: &str, settle: Duration, now: Instant) {
        let account = self.account_mut(arn);
        if account.entry(arn).written.is_none_or(|at| now >= at + settle) {
            account.keep(arn, None);
        }
    }

    /// Drops what our own writes made of roles once reads can be believed again, as after many writes no look may come
    /// for long.
    pub fn tidy(&mut self, settle: Duration, now: Instant) {
        self.accounts.values_mut().for_each(|account| account.tidy(settle, now));
    }

    /// We have deleted the role; sweeps may show it for a while.
    pub fn deleted(&mut self, arn: &str, id: Option<&str>, now: Instant) {
        let account = self.account_mut(arn);
        account.bury(arn, id, now);
        account.count(-1);
    }

    /// No binding asks for the role any more.
    pub fn forget(&mut self, arn: &str) {
        self.account_mut(arn).forget(arn);
    }

    /// A sweep of this account begins. Returns its number, which its pages bring along.
    pub fn begin(&mut self, account: &str, source: Source, now: Instant) -> u32 {
        self.accounts.entry(account.into()).or_default().begin(source, now)
    }

    /// A page of details that was asked for at `sent`. `cluster`: whose roles are kept though no binding asks for them.
    /// With a role of another account the sweep is void, as all of it is about who knows what.
    pub fn details(&mut self, account: &str, number: u32, sent: Instant, page: Vec<Detailed>, cluster: &str) {
        let Some(of) = self.accounts.get_mut(account) else { return };
        if page.iter().any(|role| account_of(&role.arn) != account) {
            return of.drop_sweep(number);
        }
        let page = page.into_iter().map(|role| {
            let ours = tags::get(&role.tags, tag::CLUSTER) == Some(cluster);
            (role, ours)
        });
        of.details(number, sent, page.collect());
    }

    /// A page of heads that was asked for at `sent`. With a role of another account the sweep is void.
    pub fn heads(&mut self, account: &str, number: u32, sent: Instant, page: Vec<Listed>) {
        let Some(of) = self.accounts.get_mut(account) else { return };
        match page.iter().any(|role| account_of(&role.arn) != account) {
            true => of.drop_sweep(number),
            false => of.heads(number, sent, page),
        }
    }

    /// The sweep is complete; `None` where it is void, or another has begun since.
    pub fn end(&mut self, account: &str, number: u32, settle: Duration, now: Instant) -> Option<Verdict> {
        self.accounts.get_mut(account)?.end(number, settle, now)
    }

    /// The account's own word on how many roles it has.
    pub fn set_quota(&mut self, account: &str, quota: Option<Quota>) {
        self.accounts.entry(account.into()).or_default().set_quota(quota);
    }

    /// Sweeps of this account have been failing for a while, or do no longer.
    pub fn set_trouble(&mut self, account: &str, trouble: Option<Error>) {
        self.accounts.entry(account.into()).or_default().set_trouble(trouble);
    }

    /// We have made a role that was not there.
    pub fn made(&mut self, arn: &str) {
        self.account_mut(arn).count(1);
    }

    /// Those of an account whose time has come for a direct read, where sweeps do not show enough.
    #[must_use]
    pub fn lapsed(&self, account: &str, now: Instant) -> Vec<Box<str>> {
        self.accounts.get(account).map(|account| account.lapsed(now)).unwrap_or_default()
    }

    /// When roles of an account are to be read directly, as `due` says for each; `None` where sweeps show them.
    pub fn schedule(&mut self, account: &str, mut due: impl FnMut() -> Option<Instant>) {
        for entry in self.accounts.get_mut(account).into_iter().flat_map(|account| account.roles.values_mut()) {
            entry.due = due();
        }
    }

    /// What is known of an account; `None` before its first sweep has begun.
    #[must_use]
    pub fn account(&self, account: &str) -> Option<&Account> {
        self.accounts.get(account)
    }

    /// Number and state of all accounts.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &Account)> {
        self.accounts.iter().map(|(id, account)| (&**id, account))
    }

    /// How many roles are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.values().map(|account| account.roles.len()).sum()
    }

    /// Where in an account roles are that are of concern: each path once.
    pub fn paths(&self, account: &str) -> BTreeSet<&str> {
        let roles = self.accounts.get(account).into_iter().flat_map(|account| account.roles.keys());
        roles.filter_map(|arn| arn.get(arn.find('/')?..=arn.rfind('/')?)).collect()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn account_mut(&mut self, arn: &str) -> &mut Account {
        self.accounts.entry(account_of(arn).into()).or_default()
    }

    fn entry(&self, arn: &str) -> Option<&Entry> {
        self.accounts.get(account_of(arn))?.roles.get(arn)
    }

    fn entry_mut(&mut self, arn: &str) -> &mut Entry {
        self.account_mut(arn).entry(arn)
    }
}

/// The account in `arn:aws:iam::111122223333:role/…`.
fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}
