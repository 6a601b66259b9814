//! Which issuers the roles of this cluster's id were made under, account by account.
//!
//! A role of ours that was made under another issuer means one of two things: this cluster was rebuilt, or there are two
//! clusters of one id, one of them perhaps a copy of the other's etcd. Only a person can tell. Until the issuer is listed
//! as a former one, nothing is written in the account, for whoever is the copy would take away what the other lives on.
//!
//! Sweeps show the tags of all roles, and a direct read those of one. What either has shown holds until a complete sweep
//! does not show it any more, or a later read of just that role. A role that was let go is nobody's, and tells nothing.

use crate::api::names::tag;
use crate::iam::tags::{self, Tags};
use crate::snapshot::Detailed;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// All accounts.
#[derive(Debug, Default)]
pub struct Issuers {
    accounts: HashMap<Box<str>, Account>,
}

#[derive(Debug, Default)]
struct Account {
    /// Other issuers than ours, each with one role of it.
    found: BTreeMap<Box<str>, Box<str>>,
    /// What the running sweep has shown.
    running: BTreeMap<Box<str>, Box<str>>,
    /// Those that the classes of the account name as this cluster's former ones.
    listed: BTreeSet<String>,
    /// There was a complete sweep.
    known: bool,
}

/// Whose roles are ours.
#[derive(Clone, Copy, Debug)]
pub struct Cluster<'a> {
    /// `--cluster-id`.
    pub id: &'a str,
    /// Its issuer, without `https://`.
    pub issuer: &'a str,
}

/// A role of this cluster's id that was made under another issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// The issuer, without `https://`.
    pub issuer: Box<str>,
    /// ARN of the role.
    pub role: Box<str>,
}

impl Cluster<'_> {
    /// The other issuer that a role of this cluster's id was made under.
    fn other<'a>(&self, live: &'a Tags) -> Option<&'a str> {
        let of = |key| tags::get(live, key);
        let ours = of(tag::CLUSTER) == Some(self.id) && of(tag::RELEASED_BY).is_none();
        of(tag::ISSUER).filter(|issuer| ours && *issuer != self.issuer)
    }
}

impl Issuers {
    /// A sweep of this account begins.
    pub fn begin(&mut self, account: &str) {
        self.account(account).running.clear();
    }

    /// A page of it. What it shows counts at once.
    pub fn page(&mut self, account: &str, page: &[Detailed], cluster: Cluster<'_>) {
        let account = self.account(account);
        for role in page {
            let Some(issuer) = cluster.other(&role.tags) else { continue };
            let named = account.found.entry(issuer.into()).or_insert_with(|| role.arn.as_str().into());
            // As long as it is shown the same role is named: another would be another sentence on all bindings.
            if **named == *role.arn || !account.running.contains_key(issuer) {
                account.running.insert(issuer.into(), role.arn.as_str().into());
            }
        }
    }

    /// The sweep is complete: what it has not shown is not there.
    pub fn end(&mut self, account: &str) {
        let account = self.account(account);
        account.found = std::mem::take(&mut account.running);
        account.known = true;
    }

    /// A role was read directly.
    pub fn saw(&mut self, account: &str, arn: &str, tags: &Tags, cluster: Cluster<'_>) {
        match cluster.other(tags) {
            Some(issuer) => {
                self.account(account).found.entry(issuer.into()).or_insert_with(|| arn.into());
            }
            None => self.cleared(account, arn),
        }
    }

    /// A role was looked for, and is not there or tells nothing.
    pub fn cleared(&mut self, account: &str, arn: &str) {
        if let Some(account) = self.accounts.get_mut(account) {
            account.found.retain(|_, role| **role != *arn);
        }
    }

    /// The classes of the account name these as former issuers of this cluster.
    pub fn list(&mut self, account: &str, issuers: BTreeSet<String>) {
        self.account(account).listed = issuers;
    }

    /// Whether an issuer is listed as a former one.
    #[must_use]
    pub fn lists(&self, account: &str, issuer: &str) -> bool {
        self.accounts.get(account).is_some_and(|account| account.listed.contains(issuer))
    }

    /// Whether roles of ours were last shown with this issuer.
    #[must_use]
    pub fn shows(&self, account: &str, issuer: &str) -> bool {
        self.accounts.get(account).is_some_and(|account| account.found.contains_key(issuer))
    }

    /// A role that forbids to write in the account.
    #[must_use]
    pub fn stranger(&self, account: &str) -> Option<Stranger> {
        let account = self.accounts.get(account)?;
        let (issuer, role) = account.found.iter().find(|(issuer, _)| !account.listed.contains(&***issuer))?;
        Some(Stranger { issuer: issuer.clone(), role: role.clone() })
    }

    /// Whether a complete sweep has shown all roles of the account.
    #[must_use]
    pub fn known(&self, account: &str) -> bool {
        self.accounts.get(account).is_some_and(|account| account.known)
    }

    fn account(&mut self, account: &str) -> &mut Account {
        self.accounts.entry(account.into()).or_default()
    }
}

#[cfg(test)]
mod tests;
