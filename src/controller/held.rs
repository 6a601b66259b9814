//! Which roles are known to be as their classes say, so that nobody looks at them again for that.

use super::execute::Run;
use super::state::{Ctx, State};
use crate::api::OnViolation;
use crate::api::names::tag;
use crate::iam::owner::Ownership;
use crate::iam::role::{Observed, Role};
use crate::iam::tags;
use crate::plan::is_adopted;
use crate::store::NsName;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;

impl State {
    /// The role of a binding is under this class.
    pub(super) fn is_under(&mut self, key: &NsName, class: &str) {
        let own = self.classes.get(&NsName::new("", class)).map(|class| class.head.key.name.clone());
        self.memory.entry(key.clone()).or_default().under = Some(own.unwrap_or_else(|| class.into()));
    }

    /// The role of a binding is under this class, and all of it is as this generation of the class says; `None`: not all.
    pub(super) fn is_held(&mut self, key: &NsName, class: &str, generation: Option<i64>) {
        let held = generation.and_then(|generation| self.holding(key, class, generation));
        self.was_held(key, class, held);
    }

    /// The same, with the number as it was when the role was read: what a sweep has shown since may be a change.
    pub(super) fn was_held(&mut self, key: &NsName, class: &str, holding: Option<NonZeroU64>) {
        self.is_under(key, class);
        self.memory.entry(key.clone()).or_default().held = holding;
    }

    /// Whether the role of a binding was held to its class, and both are as they were then.
    pub(super) fn is_held_yet(&self, key: &NsName) -> bool {
        let memory = self.memory.get(key);
        let Some((held, under)) = memory.and_then(|memory| memory.held.zip(memory.under.as_ref())) else {
            return false;
        };
        let Some(class) = self.classes.get(&NsName::new("", under.clone())) else { return false };
        // What a class that revokes takes depends on more than the class.
        let keeps = || class.decode().is_ok_and(|spec| spec.on_violation != OnViolation::Revoke);
        self.holding(key, under, class.head.generation) == Some(held) && keeps()
    }

    /// A number that is the same while the class and, as sweeps show it, the role are: one that was held to its class then
    /// is so yet.
    pub(super) fn holding(&self, key: &NsName, class: &str, generation: i64) -> Option<NonZeroU64> {
        let arn = self.memory.get(key).filter(|memory| !memory.waits)?.role_arn.as_deref();
        let mut hasher = DefaultHasher::new();
        (class, generation, arn.map(|arn| self.snapshot.print(arn))).hash(&mut hasher);
        NonZeroU64::new(hasher.finish())
    }
}

/// Whether nothing of a role that was held to its class is left: once its owner accepts removals, or the hold tag is off,
/// there is something to be done.
pub(super) fn all_follows(role: &Role) -> bool {
    !is_adopted(&role.tags) && tags::get(&role.tags, tag::HOLD).is_none()
}

/// A sweep has shown that a role is all that its binding and its class say, the first that is known of it.
pub(super) fn agrees(ctx: &Ctx, run: &Run<'_>) {
    let mut state = ctx.state();
    if state.memory.get(run.binding).is_none_or(|memory| memory.under.is_none()) {
        state.is_held(run.binding, run.class.0, Some(run.class.1));
    }
}

/// A role was looked at and held to its class by a binding that leaves it as it is: nobody else
/// need look, too.
pub(super) fn has_looked(ctx: &Ctx, run: &Run<'_>, observed: &Observed) {
    let Observed::Present(role) = observed else { return };
    let ours = matches!(run.desired.owner.judge(&role.tags), Ownership::Ours { .. });
    if ours && all_follows(role) && tags::get(&role.tags, tag::CLASS) == Some(&run.desired.owner.class) {
        ctx.state().is_held(run.binding, run.class.0, Some(run.class.1));
    }
}
