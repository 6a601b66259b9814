//! Whether another cluster may have this one's id: where that is looked for, and whom it concerns.

use super::state::{Ctx, State};
use super::tell::reference;
use crate::api::reason::{self, event};
use crate::api::{DeletionPolicy, IrsaClassSpec, Mode};
use crate::aws::Aws;
use crate::desired::{Desired, Place};
use crate::error::{Category, Error};
use crate::iam::arn::{RoleArn, provider_arn};
use crate::iam::owner::Owner;
use crate::iam::role::Role;
use crate::issuers::{Cluster, Issuers};
use crate::plan::other_issuer;
use crate::queue::Key;
use crate::snapshot::{Detailed, Source};
use crate::status::Notice;
use crate::store::{LeanBinding, LeanClass, NsName};
use std::collections::BTreeSet;
use std::time::Instant;
use tracing::{info, warn};

/// After so many regular looks it is looked again whether a former provider may go.
const AGAIN: u32 = 10;

/// Whether an account may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Clear,
    /// The first sweep has to tell.
    Unknown,
    /// It may not, and why.
    Frozen(Error),
}

/// Who we are, as far as messages tell it.
fn us(place: &Place, class: &str) -> Owner {
    Owner {
        cluster: place.cluster_id.clone(),
        issuer: place.issuer.clone(),
        class: class.to_owned(),
        ..Owner::default()
    }
}

impl State {
    /// Does this to what is known of issuers, and wakes whom it concerns.
    pub fn note_issuers(&mut self, account: &str, change: impl FnOnce(&mut Issuers)) {
        let known = |issuers: &Issuers| (issuers.known(account), issuers.stranger(account));
        let before = known(&self.issuers);
        change(&mut self.issuers);
        let after = known(&self.issuers);
        if before == after {
            return;
        }
        self.wake_classes_of(account);
        if before.1 != after.1 {
            let here = self.classes_seen.iter().filter(|(_, seen)| seen.place.account == account);
            for class in here.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
                let default = self.classes.get(&NsName::new("", &*class)).is_some_and(|class| class.is_default);
                self.wake_bindings_of(&class, default);
            }
        }
    }

    /// A page of a sweep.
    pub fn look_for_strangers(&mut self, account: &str, page: &[Detailed], cluster: &str) {
        let issuer = self.classes_seen.values().find(|seen| seen.place.account == account);
        let Some(issuer) = issuer.map(|seen| seen.place.issuer.clone()) else { return };
        self.note_issuers(account, |all| all.page(account, page, Cluster { id: cluster, issuer: &issuer }));
    }

    /// Why nothing may be written for a class, by roles that were seen.
    pub fn frozen(&self, place: &Place, class: &str) -> Option<Error> {
        self.frozen_for(&place.account, || us(place, class))
    }

    fn frozen_for(&self, account: &str, owner: impl FnOnce() -> Owner) -> Option<Error> {
        let stranger = self.issuers.stranger(account)?;
        Some(other_issuer(&owner(), &stranger.role, &stranger.issuer))
    }

    /// Whether a deletion has to leave everything as it is: also where it is only suspected that another cluster may have
    /// our id. A role that was then our binding's has another issuer in its tag.
    pub fn is_frozen(&self, place: &Place) -> bool {
        let suspected = || !self.issuers.known(&place.account) && self.suspicion(place).is_some();
        self.issuers.stranger(&place.account).is_some() || suspected()
    }

    /// The same for a binding's class, as far as that has been seen.
    pub fn class_is_frozen(&self, binding: &LeanBinding) -> bool {
        let (class, _) = super::bygone::class(self, binding);
        self.place_of(&class).is_some_and(|(place, _)| self.is_frozen(&place))
    }

    /// The issuers that classes of this account name as former ones of this cluster.
    fn former_issuers(&self, account: &str) -> BTreeSet<String> {
        let here = |class: &&std::sync::Arc<LeanClass>| self.account_of(class).as_deref() == Some(account);
        let specs = self.classes.iter().filter(here).filter_map(|class| class.decode().ok());
        specs.flat_map(|spec| spec.take_over_from_issuers).collect()
    }

    fn account_of(&self, class: &LeanClass) -> Option<String> {
        if let Some(seen) = self.classes_seen.get(&class.head.key.name) {
            return Some(seen.place.account.clone());
        }
        let named = class.decode().ok().and_then(|spec| RoleArn::parse(&spec.account?.assume_role_arn));
        named.map(|arn| arn.account).or_else(|| class.status().account_id)
    }

    /// A class of this account that was last told of under another issuer which nobody has listed: what etcd remembers of
    /// a cluster, and may be a copy of. Its name and that issuer.
    fn suspicion(&self, place: &Place) -> Option<(String, String)> {
        let listed = self.former_issuers(&place.account);
        let others = self.classes.iter().filter_map(|class| {
            let status = class.status();
            let issuer = status.issuer?.trim_start_matches("https://").to_owned();
            let other = status.account_id.as_ref() == Some(&place.account) && issuer != place.issuer;
            (other && !listed.contains(&issuer)).then(|| (class.head.key.name.to_string(), issuer))
        });
        others.min()
    }

    /// Whether a class of this account was last told of under the present issuer.
    fn is_proven(&self, place: &Place) -> bool {
        self.classes.iter().map(|class| class.status()).any(|status| {
            let same = status.issuer.as_deref().and_then(|issuer| issuer.strip_prefix("https://"));
            status.account_id.as_ref() == Some(&place.account) && same == Some(place.issuer.as_str())
        })
    }
}

impl Ctx {
    /// A role was read: whose cluster's it is may concern all others.
    pub fn witness(&self, owner: &Owner, role: Option<&Role>) {
        let Some((role, arn)) = role.and_then(|role| Some((role, RoleArn::parse(&role.arn)?))) else { return };
        let us = Cluster { id: &owner.cluster, issuer: &owner.issuer };
        self.state().note_issuers(&arn.account, |all| all.saw(&arn.account, &role.arn, &role.tags, us));
        self.wake.notify_one();
    }

    /// Between any two steps: whether the next may still be taken.
    pub fn may_write(&self, desired: &Desired) -> Result<(), Error> {
        self.state().frozen_for(&desired.account, || desired.owner.clone()).map_or(Ok(()), Err)
    }
}

/// What is known of the account of a class, and what the class itself says of it.
pub async fn look(ctx: &Ctx, aws: &Aws, class: &str, place: &Place) -> Result<Standing, Error> {
    let account = &place.account;
    let (stranger, blind, direct) = {
        let mut state = ctx.state();
        let listed = state.former_issuers(account);
        state.note_issuers(account, |all| all.list(account, listed));
        let watched = state.snapshot.account(account);
        let direct = watched.is_some_and(|account| account.source() == Source::Direct);
        let blind = direct || watched.is_some_and(|account| account.trouble().is_some());
        (state.issuers.stranger(account), blind, direct)
    };
    // No sweep tells of it: whether it is still so, just that role does.
    if let Some(arn) = stranger.filter(|_| direct).and_then(|stranger| RoleArn::parse(&stranger.role)) {
        match aws.role_head(&arn.name, &arn.path, false).await? {
            Some(role) => ctx.witness(&us(place, class), Some(&role)),
            None => ctx.state().note_issuers(account, |all| all.cleared(account, &arn.to_string())),
        }
    }
    let state = ctx.state();
    if let Some(error) = state.frozen(place, class) {
        return Ok(Standing::Frozen(error));
    }
    if state.issuers.known(account) {
        return Ok(Standing::Clear);
    }
    Ok(match state.suspicion(place) {
        Some(suspicion) if blind => Standing::Frozen(suspect(place, suspicion)),
        None if blind || state.is_proven(place) => Standing::Clear,
        // Whoever comes into an account for the first time looks before it writes.
        _ => Standing::Unknown,
    })
}

fn suspect(place: &Place, (class, issuer): (String, String)) -> Error {
    let text = format!(
        "IrsaClass {class} was last used by cluster {} under the issuer {issuer}, this cluster's issuer is {}, and the tags \
         of the roles in account {} can't be seen, which would tell whether another cluster uses them. Nothing is written \
         there. If this cluster was rebuilt and no other uses its roles, add {issuer} to spec.takeOverFromIssuers of \
         IrsaClass {class}; if this is a copy of another cluster, give it another --cluster-id. Allow the operator \
         iam:GetAccountAuthorizationDetails to have it found out",
        place.cluster_id, place.issuer, place.account
    );
    Error::because(Category::Blocked, reason::CLUSTER_IDENTITY_CONFLICT, text)
}

/// The providers of former issuers: each goes if we made it, the class says so, and no role trusts it any more. What
/// fails is tried again later, and holds up nothing.
pub async fn let_go_of_former(ctx: &Ctx, aws: &Aws, object: &LeanClass, spec: &IrsaClassSpec, place: &Place) {
    let provider = &spec.oidc_provider;
    let deletes = provider.manage && provider.deletion_policy == DeletionPolicy::Delete && spec.mode != Mode::Observe;
    for issuer in spec
        .take_over_from_issuers
        .iter()
        .filter(|issuer| deletes && **issuer != place.issuer && !spec.trusted_issuers.contains(issuer))
    {
        let arn = provider_arn(&place.partition, &place.account, issuer);
        let now = Instant::now();
        {
            let mut state = ctx.state();
            let watched = state.snapshot.account(&place.account);
            let direct = watched.is_some_and(|account| account.source() == Source::Direct);
            // A sweep tells for nothing that roles are still to be taken over.
            let taken = direct || state.issuers.known(&place.account);
            let due = state.former_providers.get(&arn).is_none_or(|due| *due <= now);
            if !due || !taken || state.issuers.shows(&place.account, issuer) {
                continue;
            }
            state.former_providers.insert(arn.clone(), now + ctx.settings.resync * AGAIN);
        }
        match remove_former(aws, &arn, place).await {
            Ok(true) => {
                info!(provider = arn, "deleted the OIDC provider of a former issuer");
                ctx.metrics.changed(&Key::Class(object.head.key.name.clone()));
                let note = format!("deleted the OIDC provider {arn} of a former issuer, as no role trusts it any more");
                ctx.events.send(reference(object), Notice::new(false, event::PROVIDER_DELETED, "Delete", note));
            }
            Ok(false) => {}
            Err(error) => warn!(provider = arn, %error, "the OIDC provider of a former issuer stays for now"),
        }
    }
}

async fn remove_former(aws: &Aws, arn: &str, place: &Place) -> Result<bool, Error> {
    let Some(provider) = aws.provider(arn).await? else { return Ok(false) };
    if !super::provider::is_ours(&provider.tags, place) {
        return Ok(false);
    }
    if let Some(role) = aws.role_that_trusts(arn).await? {
        info!(provider = arn, role, "the OIDC provider of a former issuer stays, as a role trusts it");
        return Ok(false);
    }
    aws.delete_provider(arn).await.map(|()| true)
}
