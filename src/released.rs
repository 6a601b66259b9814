//! Roles of this cluster that bindings have left behind, as `Retain` says. They are nobody's orphans, and still what a class
//! gave a namespace: they count against what it allows, and its Revoke reaches them.
//!
//! Sweeps show them by their tags; what we let go ourselves is known at once.

use crate::api::names::tag;
use crate::iam::tags;
use crate::orphans::named;
use crate::snapshot::Detailed;
use crate::store::NsName;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is known of them, by account. It is as large as they are many.
#[derive(Debug, Default)]
pub struct Released {
    accounts: HashMap<Box<str>, Account>,
}

#[derive(Debug, Default)]
struct Account {
    /// By ARN.
    roles: BTreeMap<Box<str>, Role>,
    /// The running sweep.
    sweep: u32,
}

#[derive(Debug)]
struct Role {
    binding: NsName,
    class: Box<str>,
    /// Fingerprint of what the last page showed.
    print: u64,
    /// The last sweep that showed it so.
    shown: u32,
    /// When we let it go, which sweeps may show later.
    let_go: Option<Instant>,
    judged: Option<Judged>,
}

/// What was found by a direct read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Of what: role, class and namespace as they were, in a number.
    pub of: u64,
    /// Whether there is something to be taken off it.
    pub takes: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct LetGo<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// The binding that it was.
    pub binding: &'a NsName,
    /// Fingerprint of what the last page showed.
    pub print: u64,
    /// What was found of it last.
    pub judged: Option<Judged>,
}

impl Released {
    /// A sweep of this account begins.
    pub fn begin(&mut self, account: &str, sweep: u32) {
        self.accounts.entry(account.into()).or_default().sweep = sweep;
    }

    /// A page of it. `cluster` is ours.
    pub fn page(&mut self, account: &str, page: &[Detailed], cluster: &str) {
        let Some(account) = self.accounts.get_mut(account) else { return };
        for role in page.iter().filter(|role| tags::get(&role.tags, tag::CLUSTER) == Some(cluster)) {
            let known = account.roles.get(role.arn.as_str());
            let Some(binding) = named(&role.tags).filter(|_| tags::get(&role.tags, tag::RELEASED_BY).is_some()) else {
                continue;
            };
            let class = tags::get(&role.tags, tag::CLASS).unwrap_or_default();
            let known = known.filter(|known| known.binding == binding).map(|known| (known.let_go, known.judged));
            let (let_go, judged) = known.unwrap_or_default();
            let (print, shown) = (role.print, account.sweep);
            let role_now = Role { binding, class: class.into(), print, shown, let_go, judged };
            account.roles.insert(role.arn.as_str().into(), role_now);
        }
    }

    /// The sweep, begun then, is complete. Returns the namespaces that have fewer of them than before.
    pub fn end(&mut self, account: &str, begun: Instant, settle: Duration) -> BTreeSet<Arc<str>> {
        let mut fewer = BTreeSet::new();
        let Some(Account { roles, sweep }) = self.accounts.get_mut(account) else { return fewer };
        roles.retain(|_, role| {
            let stays = role.shown == *sweep || role.let_go.is_some_and(|at| begun <= at + settle);
            if !stays {
                fewer.insert(role.binding.namespace.clone());
            }
            stays
        });
        fewer
    }

    /// We have just let this role go.
    pub fn note(&mut self, account: &str, arn: &str, binding: NsName, class: &str, now: Instant) {
        let account = self.accounts.entry(account.into()).or_default();
        let role =
            Role { binding, class: class.into(), print: 0, shown: account.sweep, let_go: Some(now), judged: None };
        account.roles.insert(arn.into(), role);
    }

    /// The role is no more.
    pub fn forget(&mut self, account: &str, arn: &str) {
        if let Some(account) = self.accounts.get_mut(account) {
            account.roles.remove(arn);
        }
    }

    /// How many a class has in a namespace, but for those that are some binding's again.
    pub fn count(&self, class: &str, namespace: &str, taken: impl Fn(&NsName, &str) -> bool) -> usize {
        let all = self.accounts.values().flat_map(|account| &account.roles);
        all.filter(|(arn, role)| {
            *role.class == *class && *role.binding.namespace == *namespace && !taken(&role.binding, arn)
        })
        .count()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.values().map(|account| account.roles.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those of a class in an account, by ARN.
    pub fn of<'a>(&'a self, account: &str, class: &'a str) -> impl Iterator<Item = LetGo<'a>> {
        let roles = self.accounts.get(account).into_iter().flat_map(|account| &account.roles);
        roles.filter(move |(_, role)| *role.class == *class).map(|(arn, role)| LetGo {
            arn,
            binding: &role.binding,
            print: role.print,
            judged: role.judged,
        })
    }

    /// What a direct read has found of one; `None` where nothing is known any more.
    pub fn judged(&mut self, account: &str, arn: &str, judged: Option<Judged>) {
        if let Some(role) = self.accounts.get_mut(account).and_then(|account| account.roles.get_mut(arn)) {
            role.judged = judged;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";

    fn role(name: &str, extra: &[(&str, &str)]) -> Detailed {
        let tags = [(tag::CLUSTER, "prod"), (tag::NAMESPACE, "shop"), (tag::BINDING, name), (tag::CLASS, "teams")];
        let all = tags.iter().chain(extra).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Detailed { arn: format!("arn/{name}"), id: name.into(), tags: all.collect(), quarantined: false, print: 7 }
    }

    const LET_GO: (&str, &str) = (tag::RELEASED_BY, "prod");

    fn sweep(released: &mut Released, number: u32, begun: Instant, page: &[Detailed]) -> usize {
        released.begin(ACCOUNT, number);
        released.page(ACCOUNT, page, "prod");
        released.end(ACCOUNT, begun, Duration::from_secs(10)).len()
    }

    fn count(released: &Released) -> usize {
        released.count("teams", "shop", |_, _| false)
    }

    #[test]
    fn those_that_were_let_go_and_are_there_count() {
        let (mut released, start) = (Released::default(), Instant::now());
        let page = [role("a", &[LET_GO]), role("b", &[]), role("c", &[LET_GO, (tag::CLUSTER, "other")])];
        sweep(&mut released, 1, start, &page);
        assert_eq!(count(&released), 1, "neither what is somebody's nor another cluster's");
        assert_eq!(released.count("other", "shop", |_, _| false) + released.count("teams", "x", |_, _| false), 0);
        assert_eq!(released.count("teams", "shop", |binding, arn| &*binding.name == "a" && arn == "arn/a"), 0);
        assert_eq!(sweep(&mut released, 2, start, &[role("a", &[])]), 1, "it is a binding's again");
        assert!(released.is_empty());
    }

    #[test]
    fn what_we_let_go_counts_at_once_and_until_sweeps_would_show_it() {
        let (mut released, start) = (Released::default(), Instant::now());
        sweep(&mut released, 1, start, &[]);
        released.note(ACCOUNT, "arn/a", NsName::new("shop", "a"), "teams", start);
        assert_eq!(count(&released), 1);
        sweep(&mut released, 2, start + Duration::from_secs(10), &[]);
        assert_eq!(count(&released), 1, "reads may lag behind");
        sweep(&mut released, 3, start + Duration::from_secs(11), &[]);
        assert_eq!(count(&released), 0, "somebody has deleted it");
    }

    #[test]
    fn what_was_found_is_remembered_as_long_as_it_is_the_same_binding() {
        let (mut released, start) = (Released::default(), Instant::now());
        let judged = Some(Judged { of: 1, takes: false });
        sweep(&mut released, 1, start, &[role("a", &[LET_GO])]);
        released.judged(ACCOUNT, "arn/a", judged);
        sweep(&mut released, 2, start, &[role("a", &[LET_GO])]);
        assert_eq!(released.of(ACCOUNT, "teams").next().unwrap().judged, judged);
        sweep(&mut released, 3, start, &[Detailed { arn: "arn/a".into(), ..role("b", &[LET_GO]) }]);
        assert_eq!(released.of(ACCOUNT, "teams").next().unwrap().judged, None);
    }
}
