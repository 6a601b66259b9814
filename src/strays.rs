//! Roles whose tags name a binding that is content with another one. A binding has one role: where its status and its
//! annotation were edited by hand nothing else tells of the other.
//!
//! Sweeps show them by their tags. There are none where nobody meddles, so they cost nothing.

use crate::api::names::tag;
use crate::iam::tags;
use crate::orphans::named;
use crate::snapshot::Detailed;
use crate::store::NsName;
use std::collections::{BTreeMap, HashMap};

/// What is known of them, by account.
#[derive(Debug, Default)]
pub struct Strays {
    accounts: HashMap<Box<str>, Account>,
}

#[derive(Debug, Default)]
struct Account {
    /// The running sweep.
    sweep: u32,
    /// By binding: ARNs, and the last sweep that showed each.
    roles: HashMap<NsName, BTreeMap<Box<str>, u32>>,
}

impl Strays {
    /// A sweep of this account begins.
    pub fn begin(&mut self, account: &str, sweep: u32) {
        self.accounts.entry(account.into()).or_default().sweep = sweep;
    }

    /// A page of it. `cluster` is ours, `content` says which role a binding was last reconciled to, where that is known, and
    /// `gone` whether we have deleted a role that is only shown yet.
    pub fn page<'a>(
        &mut self,
        account: &str,
        page: &[Detailed],
        cluster: &str,
        content: impl Fn(&NsName) -> Option<&'a str>,
        gone: impl Fn(&Detailed) -> bool,
    ) {
        let Some(account) = self.accounts.get_mut(account) else { return };
        for role in page.iter().filter(|role| tags::get(&role.tags, tag::CLUSTER) == Some(cluster)) {
            let kept = tags::get(&role.tags, tag::RELEASED_BY).is_none() && !gone(role);
            let Some(binding) = named(&role.tags).filter(|_| kept) else { continue };
            if content(&binding).is_some_and(|arn| arn != role.arn) {
                account.roles.entry(binding).or_default().insert(role.arn.as_str().into(), account.sweep);
            }
        }
    }

    /// The sweep is complete: what it did not show is forgotten.
    pub fn end(&mut self, account: &str) {
        let Some(Account { sweep, roles }) = self.accounts.get_mut(account) else { return };
        roles.values_mut().for_each(|arns| arns.retain(|_, shown| shown == sweep));
        roles.retain(|_, arns| !arns.is_empty());
    }

    /// ARNs of roles that name this binding beside the one that it is content with.
    pub fn of<'a>(&'a self, binding: &'a NsName) -> impl Iterator<Item = &'a str> {
        self.accounts
            .values()
            .filter_map(|account| account.roles.get(binding))
            .flat_map(BTreeMap::keys)
            .map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, extra: &[(&str, &str)]) -> Detailed {
        let own = [(tag::CLUSTER, "c"), (tag::NAMESPACE, "n"), (tag::BINDING, "app")];
        let tags = own.iter().chain(extra).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let arn = format!("arn:aws:iam::111122223333:role/{name}");
        Detailed { arn, id: name.to_owned(), tags, quarantined: false, print: 0 }
    }

    #[test]
    fn a_second_role_of_a_binding_is_known_until_it_is_gone() {
        let (mut strays, app) = (Strays::default(), NsName::new("n", "app"));
        let mut sweep = |number: u32, content: Option<&'static str>, page: &[Detailed]| {
            strays.begin("111122223333", number);
            strays.page("111122223333", page, "c", |_| content, |role| role.id == "buried");
            strays.end("111122223333");
            strays.of(&app).map(str::to_owned).collect::<Vec<_>>()
        };
        let page = [
            role("own", &[]),
            role("old", &[]),
            role("let-go", &[(tag::RELEASED_BY, "c")]),
            role("others", &[(tag::CLUSTER, "d")]),
            role("buried", &[]),
        ];
        let own = Some("arn:aws:iam::111122223333:role/own");
        assert_eq!(sweep(1, None, &page), [""; 0], "nothing is known of the binding yet");
        assert_eq!(sweep(2, own, &page), ["arn:aws:iam::111122223333:role/old"]);
        assert_eq!(sweep(3, own, &page[..1]), [""; 0]);
    }
}
