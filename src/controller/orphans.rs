//! Roles without a binding: the sweeps suspect them, the API server confirms them, the classes tell of them.

use super::api::{self, ApiError};
use super::state::{Ctx, State};
use super::write;
use crate::api::OrphanedRoles;
use crate::orphans::Orphan;
use crate::snapshot::Detailed;
use crate::store::{LeanBinding, NsName};
use std::sync::Arc;
use std::time::Instant;
use tracing::debug;

/// As many are asked for after one sweep; the others after the next.
const ASKED: usize = 500;

/// As many are named in the status of a class.
const NAMED: usize = 20;

impl State {
    /// A page of a sweep, before what is in it goes to the snapshot.
    pub fn look_for_orphans(&mut self, account: &str, page: &[Detailed], cluster: &str) {
        self.look_for_strangers(account, page, cluster);
        let contradicted = self.issuers.stranger(account).is_some();
        self.released.page(account, page, cluster);
        let (bindings, snapshot, memory) = (&self.bindings, &self.snapshot, &self.memory);
        let content = |key: &NsName| memory.get(key).and_then(|memory| memory.role_arn.as_deref());
        let gone = |role: &Detailed| snapshot.is_buried(account, &role.id);
        self.strays.page(account, page, cluster, content, gone);
        let bound = |role: &Detailed, key: &NsName| bindings.get(key).is_some() || gone(role);
        self.orphans.page(account, page, cluster, contradicted, bound);
    }

    /// How many there are in an account, where that is known: those that are only told, and those that are cut off.
    pub fn orphan_count(&self, account: &str) -> Option<(usize, usize)> {
        let mut counts = (0, 0);
        for orphan in self.orphans_in(account)? {
            *(if orphan.quarantined { &mut counts.1 } else { &mut counts.0 }) += 1;
        }
        Some(counts)
    }

    /// Something may have changed for roles without a binding that this class tells of: a sweep is to come soon.
    pub fn hint_for_orphans(&self, class: &str, changed: bool) {
        let Some(seen) = self.classes_seen.get(class).filter(|_| changed) else { return };
        let known =
            self.orphan_count(&seen.place.account).is_some_and(|(reported, quarantined)| reported + quarantined > 0);
        if let Some(hint) = self.hints.get(&seen.place.account).filter(|_| known) {
            hint.notify_one();
        }
    }

    /// Those of an account, where they are known.
    pub fn orphans_in<'a>(&'a self, account: &str) -> Option<impl Iterator<Item = Orphan<'a>>> {
        // Where a direct read has shown that another cluster may have our id, whose they are is not known.
        let doubt = self.issuers.stranger(account).is_some();
        // A binding that has come back is not to wait for the next sweep.
        Some(self.orphans.of(account)?.filter(move |orphan| !doubt && self.bindings.get(orphan.binding).is_none()))
    }

    /// Those that a class tells of: whose tags name it, and, if it is the first of its account, those of no class there.
    pub fn orphans_of(&self, class: &str) -> Option<OrphanedRoles> {
        let account = &self.classes_seen.get(class)?.place.account;
        let here = |name: &str| self.classes_seen.get(name).is_some_and(|seen| seen.place.account == *account);
        let names = self.classes_seen.keys().map(AsRef::<str>::as_ref);
        let first = names.filter(|name| here(name)).min() == Some(class);
        let told = |orphan: &Orphan<'_>| if here(orphan.class) { orphan.class == class } else { first };
        let mut orphans = OrphanedRoles::default();
        for orphan in self.orphans_in(account)?.filter(told) {
            orphans.count = orphans.count.saturating_add(1);
            if orphans.roles.len() < NAMED {
                orphans.roles.push(orphan.arn.to_owned());
            }
            if orphan.quarantined {
                *orphans.quarantined.get_or_insert_default() += 1;
                if orphans.quarantined_roles.len() < NAMED {
                    orphans.quarantined_roles.push(orphan.arn.to_owned());
                }
            }
        }
        Some(orphans)
    }
}

/// A sweep is complete: whom it suspects is asked for. Whether all were, and answered.
pub async fn confirm(ctx: &Arc<Ctx>, account: &str, begun: Instant) -> bool {
    let suspects = ctx.state().orphans.end(account, begun, ctx.settings.settle);
    let mut all = suspects.len() <= ASKED;
    for (arn, binding) in suspects.into_iter().take(ASKED) {
        match is_there(ctx, &binding).await {
            Ok(there) => ctx.state().orphans.asked(account, &arn, there),
            // The next sweep asks again.
            Err(error) => {
                debug!(%binding, ?error, "could not be asked for");
                all = false;
            }
        }
    }
    all
}

/// Whether the API server shows this binding.
pub async fn is_there(ctx: &Ctx, binding: &NsName) -> Result<bool, ApiError> {
    let api = write::namespaced::<LeanBinding>(ctx, &binding.namespace);
    match api::send(&format!("show IrsaBinding {binding}"), api.get_metadata(&binding.name)).await {
        Ok(_) => Ok(true),
        Err(ApiError::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}
