//! Roles that are tagged as this cluster's and that no binding asks for any more. They are told of, may be cut off, and are never deleted.
//!
//! A sweep may be older than what happened since, and what we deleted a moment ago may still be shown. So a role is
//! suspected once two complete sweeps, further apart than the settle time, and all between them show it so; and it
//! counts once the API server itself says that there is no binding of the name in its tags.
//!
//! Where its class says so, a role that counts is cut off by one inline policy. Whether it carries that is what sweeps
//! show, but for what we have written since.

use crate::api::OrphanPolicy;
use crate::api::names::tag;
use crate::iam::tags::{self, Tags};
use crate::snapshot::Detailed;
use crate::store::NsName;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// What is known of orphans, by account. It is as large as they are many.
#[derive(Debug, Default)]
pub struct Orphans {
    accounts: HashMap<Box<str>, Account>,
    /// What was last said of a class whose roles could not be cut off.
    failed: HashMap<Box<str>, String>,
}

#[derive(Debug, Default)]
struct Account {
    /// By ARN.
    roles: BTreeMap<Box<str>, Suspect>,
    /// The running sweep.
    sweep: u32,
    /// It has shown a role of this cluster's id and another issuer: who is the clone, nobody knows yet.
    contradicted: bool,
    /// When the first complete sweep was begun.
    first: Option<Instant>,
    /// There were sweeps enough to know of each role whether it is one.
    known: bool,
}

#[derive(Debug)]
struct Suspect {
    binding: NsName,
    class: Box<str>,
    /// When the first complete sweep was begun that showed it so.
    since: Option<Instant>,
    /// The last sweep that showed it so.
    shown: u32,
    confirmed: bool,
    /// The last page showed it held; and cut off.
    held: bool,
    shown_quarantined: bool,
    quarantined: bool,
    /// When we last wrote that it is to be so, or is to be so no more.
    written: Option<(bool, Instant)>,
    /// When AWS last refused that.
    refused: Option<Instant>,
}

/// A role without a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orphan<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// The binding that its tags name.
    pub binding: &'a NsName,
    /// The class that its tags name; may be empty.
    pub class: &'a str,
    /// The API server has said so, too.
    pub confirmed: bool,
    /// It is cut off.
    pub quarantined: bool,
    /// It carries the hold tag, and is not written at all.
    held: bool,
    /// It was cut off by us, and somebody may have put an end to it since.
    put: bool,
    /// When AWS last refused to cut it off, or to put an end to that.
    refused: Option<Instant>,
}

/// For so long it is not asked for again what AWS has refused.
const REFUSED: Duration = Duration::from_secs(3600);

/// The policy that cuts a role off.
pub const QUARANTINE_POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

impl Orphan<'_> {
    /// Whether it is to be cut off, or is to be so no more. It is cut off once: whoever puts an end to it by hand may have
    /// a reason. What AWS has refused, for want of a permission say, is tried again an hour later.
    #[must_use]
    pub fn to_be(&self, policy: OrphanPolicy, now: Instant) -> Option<bool> {
        match policy {
            _ if self.held || self.refused.is_some_and(|at| now < at + REFUSED) => None,
            OrphanPolicy::Quarantine => (!self.quarantined && !self.put).then_some(true),
            OrphanPolicy::Report => self.quarantined.then_some(false),
        }
    }
}

impl Orphans {
    /// A sweep of this account begins.
    pub fn begin(&mut self, account: &str, sweep: u32) {
        let account = self.accounts.entry(account.into()).or_default();
        account.sweep = sweep;
        account.contradicted = false;
    }

    /// Tags are not seen any more: nothing is known.
    pub fn forget(&mut self, account: &str) {
        self.accounts.remove(account);
    }

    /// A page of it. `cluster` is ours, `contradicted` says whether another cluster may have the same id, `bound` whether
    /// there is such a binding, or the role of it is gone and only shown yet.
    pub fn page(
        &mut self,
        account: &str,
        page: &[Detailed],
        cluster: &str,
        contradicted: bool,
        bound: impl Fn(&Detailed, &NsName) -> bool,
    ) {
        let Some(account) = self.accounts.get_mut(account) else { return };
        account.contradicted |= contradicted;
        for role in page.iter().filter(|role| tags::get(&role.tags, tag::CLUSTER) == Some(cluster)) {
            let Some(binding) = owner(&role.tags).filter(|binding| !bound(role, binding)) else { continue };
            let (class, shown) = (tags::get(&role.tags, tag::CLASS).unwrap_or_default(), account.sweep);
            let entry = account.roles.entry(role.arn.as_str().into()).or_insert_with(|| Suspect {
                binding: binding.clone(),
                class: class.into(),
                since: None,
                shown,
                confirmed: false,
                held: false,
                shown_quarantined: false,
                quarantined: false,
                written: None,
                refused: None,
            });
            if entry.binding != binding {
                (entry.binding, entry.since, entry.confirmed) = (binding, None, false);
            }
            entry.shown = shown;
            entry.held = tags::get(&role.tags, tag::HOLD).is_some();
            entry.shown_quarantined = role.quarantined;
            if *entry.class != *class {
                entry.class = class.into();
            }
        }
    }

    /// The sweep, begun then, is complete. Returns which bindings are to be asked for, with the ARN of the role.
    pub fn end(&mut self, account: &str, begun: Instant, settle: Duration) -> Vec<(Box<str>, NsName)> {
        let Some(account) = self.accounts.get_mut(account) else { return Vec::new() };
        let later = |since: Instant| begun > since + settle;
        let sweep = account.sweep;
        account.roles.retain(|_, role| role.shown == sweep);
        if account.contradicted {
            account.roles.clear();
        }
        account.known |= later(*account.first.get_or_insert(begun));
        let mut ask = Vec::new();
        for (arn, role) in &mut account.roles {
            if role.written.is_none_or(|(_, at)| later(at)) {
                role.quarantined = role.shown_quarantined;
            }
            if later(*role.since.get_or_insert(begun)) && !role.confirmed {
                ask.push((arn.clone(), role.binding.clone()));
            }
        }
        ask
    }

    /// The API server was asked for the binding of this role: whether it is there.
    pub fn asked(&mut self, account: &str, arn: &str, there: bool) {
        let Some(roles) = self.accounts.get_mut(account).map(|account| &mut account.roles) else { return };
        match roles.get_mut(arn) {
            Some(role) if !there => role.confirmed = true,
            _ => drop(roles.remove(arn)),
        }
    }

    /// We have cut it off just now, or put an end to that.
    pub fn wrote(&mut self, account: &str, arn: &str, quarantined: bool, now: Instant) {
        let role = self.accounts.get_mut(account).and_then(|account| account.roles.get_mut(arn));
        if let Some(role) = role {
            (role.quarantined, role.written) = (quarantined, Some((quarantined, now)));
        }
    }

    /// AWS does not let it be cut off, or let go on.
    pub fn refused(&mut self, account: &str, arn: &str, now: Instant) {
        let role = self.accounts.get_mut(account).and_then(|account| account.roles.get_mut(arn));
        if let Some(role) = role {
            role.refused = Some(now);
        }
    }

    /// This came of cutting off roles of a class, empty where nothing failed. Whether that is to be said.
    pub fn failed(&mut self, class: &str, text: &str) -> bool {
        if text.is_empty() {
            self.failed.remove(class);
            return false;
        }
        self.failed.insert(class.into(), text.to_owned()).is_none_or(|before| before != text)
    }

    /// The orphans of an account, by ARN; `None` before that can be known.
    pub fn of(&self, account: &str) -> Option<impl Iterator<Item = Orphan<'_>>> {
        Some(self.suspects(account)?.filter(|orphan| orphan.confirmed))
    }

    /// The same, and those that may turn out to be some.
    pub fn suspects(&self, account: &str) -> Option<impl Iterator<Item = Orphan<'_>>> {
        let account = self.accounts.get(account).filter(|account| account.known)?;
        Some(account.roles.iter().map(|(arn, role)| Orphan {
            arn,
            binding: &role.binding,
            class: &role.class,
            confirmed: role.confirmed,
            quarantined: role.quarantined,
            held: role.held,
            put: role.written.is_some_and(|(put, _)| put),
            refused: role.refused,
        }))
    }
}

/// The binding that tags name, unless the role was released.
fn owner(tags: &Tags) -> Option<NsName> {
    named(tags).filter(|_| tags::get(tags, tag::RELEASED_BY).is_none())
}

/// The binding that tags name. What can't be a name in Kubernetes names nothing.
#[must_use]
pub fn named(tags: &Tags) -> Option<NsName> {
    let name = |key| tags::get(tags, key).filter(|name| is_name(name));
    Some(NsName::new(name(tag::NAMESPACE)?, name(tag::BINDING)?))
}

fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 253
        && text.chars().all(inner)
        && text.starts_with(ends)
        && text.ends_with(ends)
        && !text.contains("..")
}

#[cfg(test)]
mod tests;
