//! What nobody can keep from being done by asking for something that can't be.

use super::{Step, goes_on};
use crate::api::names::{INLINE_PREFIX, tag};
use crate::desired::Desired;
use crate::iam::document::Document;
use crate::iam::role::Role;
use crate::iam::tags;
use crate::iam::trust::{Subjects, accounts, subjects_change};

/// Whether `step` may be tried, where those of `undone` came before it in a plan and failed or were left out. `role` is
/// what is known of the role by now.
#[must_use]
pub fn may_try(desired: &Desired, role: Option<&Role>, undone: &[Step], step: &Step) -> bool {
    goes_on(undone, step) || role.is_some_and(|role| restricts(desired, role, step))
}

/// Whether a step only holds a role to its class: it needs no other to have been done before.
#[must_use]
pub fn restricts(desired: &Desired, role: &Role, step: &Step) -> bool {
    match step {
        Step::Detach(arn) => desired.revokes.as_ref().is_some_and(|revokes| revokes.managed(arn)),
        Step::DeleteInline(name) => {
            role.inline.get(name).is_some_and(|live| forbids_inline(desired, name, live.as_ref()))
        }
        // Another class's boundary never meets what the former one allowed.
        Step::PutBoundary(_) => !moves(desired, role),
        Step::UpdateTrust => {
            let shuts = desired.revokes.as_ref().is_some_and(|revokes| revokes.whole());
            let narrows = |live| subjects_change(live, &desired.trust) == Subjects::Removed;
            shuts || role.trust.as_ref().is_some_and(narrows)
        }
        Step::UpdateRole => shortens(desired, role),
        _ => false,
    }
}

/// Whether a step takes what the class allows none of its roles, those that were taken over among them: policies, a longer
/// session, another boundary than its own, and ServiceAccounts that it does not let in.
pub(super) fn revokes(desired: &Desired, role: &Role, step: &Step) -> bool {
    let Some(revokes) = desired.revokes.as_deref().filter(|revokes| !revokes.keeps()) else { return false };
    match step {
        Step::UpdateTrust => {
            let unfit = |live| !revokes.shuts_out(accounts(live, &desired.owner.namespace)).is_empty();
            revokes.whole() || (role.trust.as_ref().is_some_and(unfit) && restricts(desired, role, step))
        }
        Step::UpdateRole => role.max_session > revokes.longest(),
        Step::Detach(_) | Step::DeleteInline(_) | Step::PutBoundary(_) => restricts(desired, role, step),
        _ => false,
    }
}

/// Whether the class takes an inline policy of this text off its roles. Our own quarantine it leaves.
fn forbids_inline(desired: &Desired, name: &str, live: Option<&Document>) -> bool {
    !name.starts_with(INLINE_PREFIX) && desired.revokes.as_ref().is_some_and(|revokes| revokes.inline(live))
}

/// Whether the role is another class's so far.
pub(super) fn moves(desired: &Desired, role: &Role) -> bool {
    tags::get(&role.tags, tag::CLASS).is_some_and(|class| *class != desired.owner.class)
}

/// Whether its sessions are longer than they may be.
pub(super) fn shortens(desired: &Desired, role: &Role) -> bool {
    role.max_session > desired.max_session
}
