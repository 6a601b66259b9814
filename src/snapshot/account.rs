//! What is known of an account: its roles, and the sweeps that show them.

use super::entry::{Entry, Half, Said, short};
use super::print::{Detailed, Listed};
use crate::error::Error;
use crate::iam::role::Role;
use crate::store::Packed;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// As many roles may be newly missing or changed in one sweep before a second one is asked: so many, or that share.
const MANY: (usize, usize) = (20, 20);

/// Twenty requests a second, the most by default, make fewer roles than this in two minutes.
const OWNS: usize = 2000;

/// How the roles of an account are watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// By two bulk calls.
    #[default]
    Bulk,
    /// By `ListRoles` and direct reads, as the account refuses the other bulk call.
    Direct,
}

/// A complete sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub(super) number: u32,
    /// Before its first page was asked for.
    pub begun: Instant,
    /// When its last page had come.
    pub ended: Instant,
    /// How many roles were kept.
    pub roles: usize,
}

/// What is known of an account.
#[derive(Debug, Default)]
pub struct Account {
    pub(super) roles: HashMap<Box<str>, Entry>,
    pub(super) source: Source,
    pub(super) taken: Option<Taken>,
    running: Option<Running>,
    number: u32,
    /// Ids of roles that we deleted, and when; a sweep may show them for a while.
    tombs: HashMap<Box<str>, Tomb>,
    suspects: HashSet<Box<str>>,
    quota: Option<Quota>,
    trouble: Option<Error>,
    /// When the first sweep was begun.
    since: Option<Instant>,
    /// Roles that are kept as our own writes left them.
    owns: usize,
}

/// How many roles an account has, and may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Roles that there are.
    pub used: u64,
    /// Roles that there may be.
    pub limit: u64,
}

impl Quota {
    /// Whether no more than `reserve` percent of the limit are free.
    #[must_use]
    pub fn is_scarce(self, reserve: u8) -> bool {
        self.limit.saturating_sub(self.used).saturating_mul(100) <= self.limit.saturating_mul(u64::from(reserve))
    }
}

/// A sweep that is not complete yet.
#[derive(Debug)]
struct Running {
    number: u32,
    begun: Instant,
    source: Source,
}

#[derive(Debug)]
struct Tomb {
    deleted: Instant,
    /// The last sweep that showed it.
    shown: u32,
}

/// What a complete sweep asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// ARNs of roles that a direct read has to look at.
    pub doubtful: Vec<Box<str>>,
    /// Where too many differ at once for one sweep to be believed: how many, and of how many.
    pub suspect: Option<(usize, usize)>,
}

impl Account {
    /// What our own write made of a role. It is as large as its policies, and kept for so many roles only as an account
    /// lets anybody write in a settle window: of others what reads show is believed.
    pub(super) fn keep(&mut self, arn: &str, role: Option<&Role>) {
        let full = self.owns >= OWNS;
        let entry = self.entry(arn);
        let had = entry.own.is_some();
        entry.own = role.filter(|_| had || !full).map(Packed::of);
        let has = entry.own.is_some();
        self.owns = self.owns.saturating_add_signed(isize::from(has) - isize::from(had));
    }

    /// Drops what our own writes made of roles, once reads can be believed again.
    pub(super) fn tidy(&mut self, settle: Duration, now: Instant) {
        let over = |entry: &Entry| entry.written.is_none_or(|at| now >= at + settle);
        self.roles.values_mut().filter(|entry| over(entry)).for_each(|entry| entry.own = None);
        self.owns = self.roles.values().filter(|entry| entry.own.is_some()).count();
    }

    pub(super) fn begin(&mut self, source: Source, begun: Instant) -> u32 {
        self.number += 1;
        self.running = Some(Running { number: self.number, begun, source });
        self.since.get_or_insert(begun);
        // That bulk calls are granted again is true once a sweep of them is complete.
        if source == Source::Direct {
            self.source = source;
        }
        self.number
    }

    pub(super) fn drop_sweep(&mut self, number: u32) {
        self.running.take_if(|running| running.number == number);
    }

    /// A page of details that was asked for at `sent`. `ours`: whether a role is tagged as this cluster's.
    pub(super) fn details(&mut self, number: u32, sent: Instant, roles: Vec<(Detailed, bool)>) {
        for (role, ours) in roles {
            let Detailed { arn, id, print, .. } = role;
            if let Some(entry) = self.shown(number, arn, &id, ours) {
                entry.ours = ours;
                entry.details = Some(Half { print, sent, sweep: number, id: short(&id) });
            }
        }
    }

    /// A page of heads that was asked for at `sent`.
    pub(super) fn heads(&mut self, number: u32, sent: Instant, roles: Vec<Listed>) {
        for Listed { arn, id, print } in roles {
            if let Some(entry) = self.shown(number, arn, &id, false) {
                entry.head = Some(Half { print, sent, sweep: number, id: short(&id) });
            }
        }
    }

    /// The entry of a role that is to be kept: tagged as ours, or expected.
    fn shown(&mut self, number: u32, arn: String, id: &str, ours: bool) -> Option<&mut Entry> {
        if self.running.as_ref().is_none_or(|running| running.number != number) {
            return None;
        }
        if let Some(tomb) = self.tombs.get_mut(id) {
            tomb.shown = number;
            return None;
        }
        let entry = match ours {
            true => self.entry(&arn),
            false => self.roles.get_mut(arn.as_str())?,
        };
        if entry.id.is_empty() {
            entry.id = id.into();
        }
        Some(entry)
    }

    /// What is known of a role that is of concern from now on.
    pub(super) fn entry(&mut self, arn: &str) -> &mut Entry {
        let born = self.number;
        self.roles.entry(arn.into()).or_insert_with(|| Entry { born, ..Entry::default() })
    }

    /// The sweep is complete.
    pub(super) fn end(&mut self, number: u32, settle: Duration, now: Instant) -> Option<Verdict> {
        let Running { begun, source, .. } = self.running.take_if(|running| running.number == number)?;
        self.source = source;
        self.tombs.retain(|_, tomb| tomb.shown == number || begun < tomb.deleted + settle);
        let both = source == Source::Bulk;
        self.roles.retain(|_, entry| {
            let shown = [entry.details, entry.head].into_iter().flatten().any(|half| half.sweep == number);
            // Of one that we wrote lately that much has to be known, should somebody ask for it again.
            (shown && entry.ours) || entry.expected || !entry.believes(begun, settle)
        });
        self.taken = Some(Taken { number, begun, ended: now, roles: self.roles.len() });
        let (mut known, mut old, mut new, mut come) = (0, Vec::new(), Vec::new(), Vec::new());
        for (arn, entry) in &mut self.roles {
            if entry.absent && entry.head.is_some_and(|half| half.sweep == number) {
                come.push(arn.clone());
            }
            let said = entry.said(number, begun, both, settle, now);
            let Some(agreed) = &entry.agreed else { continue };
            known += 1;
            match said {
                Said::Same => entry.confirm(settle),
                Said::Other if agreed.doubt || self.suspects.contains(arn) => old.push(arn.clone()),
                Said::Other => new.push(arn.clone()),
                Said::Nothing => {}
            }
        }
        let suspect = (new.len() > MANY.0.max(known / MANY.1)).then_some((new.len(), known));
        let mut doubtful = old;
        match suspect {
            Some(_) => self.suspects = new.into_iter().chain(doubtful.iter().cloned()).collect(),
            None => {
                self.suspects.clear();
                doubtful.append(&mut new);
            }
        }
        for arn in &doubtful {
            if let Some(agreed) = self.roles.get_mut(arn).and_then(|entry| entry.agreed.as_mut()) {
                agreed.doubt = true;
            }
        }
        doubtful.append(&mut come);
        Some(Verdict { doubtful, suspect })
    }

    /// No binding asks for the role any more.
    pub(super) fn forget(&mut self, arn: &str) {
        match self.roles.get_mut(arn) {
            // That pages may not know our last change outlives who asked for it.
            Some(entry) if entry.writing || entry.written.is_some() => {
                *entry = Entry {
                    born: entry.born,
                    id: std::mem::take(&mut entry.id),
                    writing: entry.writing,
                    written: entry.written,
                    own: entry.own.take(),
                    ours: entry.ours,
                    ..Entry::default()
                };
            }
            _ => drop(self.roles.remove(arn)),
        }
    }

    pub(super) fn bury(&mut self, arn: &str, id: Option<&str>, now: Instant) {
        let known = self.roles.remove(arn).map(|entry| entry.id).unwrap_or_default();
        let id = id.map_or(known, Into::into);
        if !id.is_empty() {
            self.tombs.insert(id, Tomb { deleted: now, shown: self.number });
        }
    }

    pub(super) fn is_buried(&self, id: &str) -> bool {
        self.tombs.contains_key(id)
    }

    /// The account's own word on its roles.
    pub(super) fn set_quota(&mut self, quota: Option<Quota>) {
        self.quota = quota;
    }

    /// One role more, or one less, than the account said last.
    pub(super) fn count(&mut self, by: i64) {
        if let Some(quota) = &mut self.quota {
            quota.used = quota.used.saturating_add_signed(by);
        }
    }

    /// Why sweeps have been failing for a while; `None` where they do not.
    pub(super) fn set_trouble(&mut self, trouble: Option<Error>) {
        self.trouble = trouble;
    }

    /// Why sweeps have been failing for a while; `None` where they do not.
    #[must_use]
    pub fn trouble(&self) -> Option<&Error> {
        self.trouble.as_ref()
    }

    /// How many roles there are, and may be, as far as that is known.
    #[must_use]
    pub fn quota(&self) -> Option<Quota> {
        self.quota
    }

    /// Those whose time has come for a direct read.
    pub(super) fn lapsed(&self, now: Instant) -> Vec<Box<str>> {
        let lapsed = self.roles.iter().filter(|(_, entry)| entry.due.is_some_and(|due| due <= now));
        lapsed.map(|(arn, _)| arn.clone()).collect()
    }

    /// How many ids of deleted roles are remembered.
    #[cfg(test)]
    pub(super) fn tombs(&self) -> usize {
        self.tombs.len()
    }

    /// How many roles are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roles.len()
    }

    /// Whether no role is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }

    /// Whether a sweep waits for a second one to say the same.
    #[must_use]
    pub fn suspect(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// How its roles are watched.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Since when no sweep that is complete has been begun; `None` where nobody waits for one.
    #[must_use]
    pub fn unseen_since(&self) -> Option<Instant> {
        self.taken.map(|taken| taken.begun).or(self.since).filter(|_| self.source == Source::Bulk)
    }

    /// The last complete sweep.
    #[must_use]
    pub fn taken(&self) -> Option<Taken> {
        self.taken
    }
}
