//! The class that a role is under is the one in its tags, whatever its binding names by now: another class gives it
//! nothing before all of the binding fits there, and the one that it is under goes on to say what is taken off it and
//! what becomes of it. So nobody gets away from a class by naming another, or none that there is, or by a spec that
//! nothing can be made of.

use super::binding::{Stop, who};
use super::bounds;
use super::bygone;
use super::execute::Run;
use super::fuse;
use super::held::all_follows;
use super::identity::role_hints;
use super::lock::RoleLock;
use super::revoke;
use super::state::{Ctx, State};
use crate::api::names::{FINALIZER, tag};
use crate::api::reason;
use crate::api::{
    AdoptionPolicy, AdoptionSpec, DeletionPolicy, IrsaBindingSpec, IrsaClassSpec, Mode, OnViolation, RoleSpec,
    ServiceAccountSpec,
};
use crate::desired::{Desired, desired};
use crate::error::{Category, Error};
use crate::iam::arn::RoleArn;
use crate::iam::owner::Ownership;
use crate::iam::role::{Observed, Role};
use crate::iam::tags;
use crate::plan::is_adopted;
use crate::queue::Kind;
use crate::status::Outcome;
use crate::store::{LeanBinding, NsName};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A role moves to another class with all of its binding or not at all: what one class allows never meets the boundary or
/// the tags of another.
pub fn refuse_move(
    ctx: &Ctx,
    key: &NsName,
    desired: &Desired,
    observed: &Observed,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let Observed::Present(role) = observed else { return Ok(()) };
    if !matches!(desired.owner.judge(&role.tags), Ownership::Ours { .. }) {
        return Ok(());
    }
    let Some(under) = tags::get(&role.tags, tag::CLASS) else { return Ok(()) };
    ctx.state().is_under(key, under);
    if *under == desired.owner.class {
        return Ok(());
    }
    if desired.mode == Mode::Manage && !desired.adoption.accepts_removals && is_adopted(&role.tags) {
        return Err(Stop::Failed(stays_adopted(&role.arn, under, &desired.owner.class)));
    }
    match outcome.forbidden.take() {
        Some(error) => {
            let text = format!("{}; until all of it fits, its role stays as IrsaClass {under} has it", error.message);
            Err(Stop::Failed(Error { message: text, ..error }))
        }
        None => Ok(()),
    }
}

/// A role that was taken over stays with its class while nothing may be taken from it: the other one's boundary and tags
/// would meet what it has.
fn stays_adopted(arn: &str, under: &str, class: &str) -> Error {
    let text = format!(
        "{arn} was taken over and is under IrsaClass {under}; to have it moved to IrsaClass {class} set \
         spec.adoption.acceptRemovals to true, as what that one does not declare is taken from the role first; or name {under} \
         in spec.className again"
    );
    Error::because(Category::Blocked, reason::AWAITING_ACCEPT_REMOVALS, text)
}

impl State {
    /// Whether any class takes policies off roles.
    fn revokes(&self) -> bool {
        self.classes.iter().any(|class| class.decode().is_ok_and(|spec| spec.on_violation == OnViolation::Revoke))
    }

    /// AWS did not show a role that was there, as it may for a while after it was made: once more after the next sweep.
    fn look_again(&mut self, key: &NsName) {
        let memory = self.memory.entry(key.clone()).or_default();
        let nowhere = &mut memory.seldom().nowhere;
        let first = nowhere.is_none();
        nowhere.get_or_insert_with(Instant::now);
        (memory.waits, memory.waits_anywhere) = (first, first);
    }

    /// Whether sweeps, which are to tell where the role of a binding is, are yet to begin. They wake it then.
    fn waits_for_sweeps(&mut self, object: &LeanBinding) -> bool {
        let (accounts, all) = (self.accounts_in_use(), everywhere(self, object));
        let used = |arn: &String| RoleArn::parse(arn).is_some_and(|arn| accounts.contains(&arn.account));
        let known = all.iter().any(|arn| self.snapshot.is_ours(arn));
        let waits = !known && all.iter().filter(|arn| used(arn)).any(|arn| self.snapshot.is_yet_to_tell(arn));
        let memory = self.memory.entry(object.head.key.clone()).or_default();
        (memory.waits, memory.waits_anywhere) = (waits, waits);
        waits
    }

    /// A class that is not ready yet and may be of an account where one of these is, which nobody can look at so far.
    fn may_learn_of(&self, arns: &[String]) -> Option<Arc<str>> {
        let known = |arn: &String| {
            let account = RoleArn::parse(arn).map(|arn| arn.account);
            account.is_none_or(|account| self.classes_seen.values().any(|seen| seen.place.account == account))
        };
        self.unready("").filter(|_| !arns.iter().all(known))
    }

    /// One of the classes that nothing is known of yet, but for this one.
    fn unready(&self, but: &str) -> Option<Arc<str>> {
        let mut names = self.classes.iter().map(|class| &class.head.key.name);
        names.find(|name| ***name != *but && !self.classes_seen.contains_key(*name)).cloned()
    }
}

/// Where the role of a binding may be: as hints say, which a tenant may have taken away, or as any class would name it.
fn everywhere(state: &State, object: &LeanBinding) -> Vec<String> {
    let key = &object.head.key;
    let mut all = role_hints(state, object, object.service_account.as_deref().unwrap_or_default());
    for class in state.classes.iter() {
        let name = &class.head.key.name;
        let Some((spec, (place, _))) = class.decode().ok().zip(state.place_of(name)) else { continue };
        all.extend(bygone::computed(who(key, name), object, Some(&spec), &place).filter(|arn| !all.contains(arn)));
    }
    // What sweeps have shown to be nobody's or another's is not asked for; a role that was made since is remembered.
    let memory = state.memory.get(key).filter(|memory| memory.under.is_some());
    let made = memory.and_then(|memory| memory.role_arn.as_deref().map(str::to_owned));
    all.retain(|arn| made.as_ref() == Some(arn) || state.snapshot.may_be_ours(arn));
    all
}

/// The role of a binding as its own tags tell, wherever it may be.
async fn find(ctx: &Ctx, object: &LeanBinding) -> Result<Option<Role>, Error> {
    let all = everywhere(&ctx.state(), object);
    for arn in all.iter().filter_map(|hint| RoleArn::parse(hint)) {
        let known = {
            let state = ctx.state();
            let seen = state.classes_seen.values().find(|seen| seen.place.account == arn.account);
            seen.map(|seen| (seen.place.clone(), seen.aws.clone()))
        };
        let Some((place, aws)) = known else { continue };
        let role = match aws.role_head(&arn.name, &arn.path, ctx.missed(&arn.to_string())).await {
            // The fence of our own IAM policy hides what is not ours.
            Err(error) if error.category == Category::Denied => None,
            role => role?,
        };
        let owner = bygone::owner(who(&object.head.key, ""), &place, None);
        let ours = |role: &Role| matches!(owner.judge(&role.tags), Ownership::Ours { .. });
        if let Some(role) = role.filter(ours) {
            return Ok(Some(role));
        }
    }
    Ok(None)
}

/// The class that its role is under, where that is known or can be found out; and the role, where it had to be looked at
/// for that. One that was looked for `lately` and not found is not looked for again.
async fn under(ctx: &Ctx, object: &LeanBinding, lately: Duration) -> Result<Option<(Arc<str>, Option<Role>)>, Error> {
    let key = &object.head.key;
    let known = ctx.state().memory.get(key).and_then(|memory| memory.under.clone());
    if known.is_some() || !(object.head.has_finalizer(FINALIZER) || object.status().role_id.is_some()) {
        return Ok(known.map(|class| (class, None)));
    }
    let lately = |at: Instant| at.elapsed() < lately;
    if ctx.state().memory.get(key).and_then(|memory| memory.seldom.as_ref()?.nowhere).is_some_and(lately) {
        return Ok(None);
    }
    let role = find(ctx, object).await?;
    let Some(class) = role.as_ref().and_then(|role| tags::get(&role.tags, tag::CLASS)).map(Arc::<str>::from) else {
        let mut state = ctx.state();
        if state.may_learn_of(&everywhere(&state, object)).is_some() {
            return Ok(None);
        }
        state.memory.entry(key.clone()).or_default().seldom().nowhere = Some(Instant::now());
        return Ok(None);
    };
    ctx.state().is_under(key, &class);
    Ok(Some((class, role)))
}

/// Holds a role to the class that it is under, of a binding that is not carried out by that class: because it can't be, or
/// because it only looks, or because another class is to.
pub async fn hold(ctx: &Ctx, object: &LeanBinding, kind: Kind, outcome: &mut Outcome) -> Result<(), Stop> {
    let key = &object.head.key;
    {
        let mut state = ctx.state();
        // What a class takes off is looked for at once.
        if state.is_held_yet(key) || (state.waits_for_sweeps(object) && !state.revokes()) {
            return Ok(());
        }
    }
    let Some((name, found)) = under(ctx, object, ctx.settings.resync).await? else { return Ok(()) };
    let Ok(mut class) = ctx.state().class(Some(&name)) else { return Ok(()) };
    if class.spec.mode != Mode::Manage {
        return Ok(());
    }
    class.aws = class.aws.on_behalf(kind, key.namespace.clone());
    let found = if found.is_some() { found } else { find(ctx, object).await? };
    let Some(role) = found else {
        ctx.state().look_again(key);
        return Ok(());
    };
    let Some(arn) = RoleArn::parse(&role.arn).filter(|arn| arn.account == class.place.account) else { return Ok(()) };
    if let Some(now) = tags::get(&role.tags, tag::CLASS).filter(|now| **now != *name) {
        ctx.state().is_under(key, now);
        return Err(Stop::Stale);
    }
    // What is on the role is judged, and of the spec only who it is for, and whether what was taken over may change.
    let adoption = object.decode().ok().and_then(|spec| spec.adoption).unwrap_or_default();
    let spec = IrsaBindingSpec {
        class_name: Some(name.to_string()),
        mode: Mode::Observe,
        service_account: ServiceAccountSpec {
            name: object.service_account.as_deref().unwrap_or_default().to_owned(),
            ..ServiceAccountSpec::default()
        },
        role: Some(RoleSpec { name: Some(arn.name.clone()), ..RoleSpec::default() }),
        adoption: Some(AdoptionSpec { policy: AdoptionPolicy::IfTagged, ..adoption }),
        ..IrsaBindingSpec::default()
    };
    let full = desired(who(key, &name), &spec, &class.spec, &class.place)?;
    let (wanted, _) = bounds::confine(ctx, object, &spec, &class, full)?;
    let wanted = wanted.located(&arn);
    let Some(_lock) = RoleLock::try_take(ctx, &wanted.arn) else { return Err(Stop::Stale) };
    let run = Run {
        desired: &wanted,
        wish: wanted.fingerprint(),
        class: (&class.name, class.generation),
        binding: key,
        aws: &class.aws,
        had_role: true,
        presumed: false,
        drift: false,
        cause: fuse::cause(ctx, object, true),
    };
    let holding = ctx.state().holding(key, &name, class.generation);
    let observed = run.read(ctx).await?;
    if matches!(observed, Observed::Absent) {
        ctx.state().look_again(key);
        return Ok(());
    }
    // What is left to be done by another class is in nobody's way here.
    let mut own = Outcome { mode: outcome.mode, ..Outcome::default() };
    if revoke::off(ctx, &run, observed, &mut own).await?.is_some() {
        let mut state = ctx.state();
        if let Some(seldom) = state.memory.get_mut(key).and_then(|memory| memory.seldom.as_mut()) {
            seldom.nowhere = None;
        }
        state.was_held(key, &name, holding.filter(|_| all_follows(&role)));
    }
    outcome.done.append(&mut own.done);
    outcome.held |= own.held;
    outcome.held_by = outcome.held_by.take().or(own.held_by);
    outcome.failure = outcome.failure.take().or(own.failure);
    Ok(())
}

/// Name and spec of the class by which a binding goes: where the one that it names would leave the role behind, or is not
/// there, the one that the role is under is asked.
pub async fn last_class(
    ctx: &Ctx,
    object: &LeanBinding,
    (name, class): (String, Option<IrsaClassSpec>),
) -> Result<(String, Option<IrsaClassSpec>), Error> {
    let retains = |class: &IrsaClassSpec| {
        class.mode != Mode::Manage || class.allow.deletion_policies.contains(&DeletionPolicy::Retain)
    };
    let stays = |class: Option<&IrsaClassSpec>| {
        bygone::mode(object, class) != Mode::Manage || bygone::asks_to_retain(object, class)
    };
    // One of another account would look for it there, and find nothing.
    let one_account = {
        let state = ctx.state();
        let known = state.memory.get(&object.head.key).is_some_and(|memory| memory.under.is_some());
        !known && state.accounts_in_use().len() < 2 && state.unready(&name).is_none()
    };
    if one_account && (class.as_ref().is_some_and(|class| !retains(class)) || !stays(class.as_ref())) {
        return Ok((name, class));
    }
    // A deletion is for good, so it takes no older word than AWS may be late.
    let under = under(ctx, object, ctx.settings.settle).await?.map(|(under, _)| under);
    if under.is_none() {
        let state = ctx.state();
        if let Some(other) = state.may_learn_of(&everywhere(&state, object)) {
            let text = format!(
                "its role may be in an account that only IrsaClass {other} reaches, which is not ready; see kubectl \
                 describe irsaclass {other}"
            );
            return Err(Error::new(Category::ClassNotReady, text));
        }
    }
    let Some(under) = under.filter(|under| **under != *name) else { return Ok((name, class)) };
    let own = ctx.state().classes.get(&NsName::new("", under.clone())).and_then(|class| class.decode().ok());
    Ok(own.map_or((name, class), |own| (under.to_string(), Some(own))))
}

/// Whether a reconcile that ended so may have left what its role's class takes off.
pub fn left(stop: Option<&Stop>, outcome: &Outcome) -> bool {
    match stop {
        Some(Stop::Failed(error)) => matches!(
            error.category,
            Category::Invalid | Category::Forbidden | Category::Conflict | Category::Blocked | Category::ClassNotReady
        ),
        Some(_) => false,
        None => outcome.mode.is_some_and(|mode| mode != Mode::Manage),
    }
}
