//! The reconcile of a class: where roles are made, and the OIDC provider that makes AWS trust the cluster.

use super::api::ApiError;
use super::binding::Stop;
use super::issuers::Standing;
use super::state::{ClassSeen, Ctx};
use super::tell::reference;
use super::worker::Next;
use super::{facts, fuse, issuers, provider, released, write};
use crate::api::names::FINALIZER;
use crate::api::{IrsaClassSpec, Mode, OrphanedRoles};
use crate::desired::Place;
use crate::error::{Category, Error};
use crate::guardrails;
use crate::iam::name::check_template;
use crate::queue::{Key, Kind};
use crate::snapshot::Source;
use crate::status::{ClassOutcome, Notice, Watch, class_notices, class_status};
use crate::store::LeanClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use std::sync::Arc;
use std::time::Instant;
use tracing::warn;

/// How many users of a class are named.
const NAMED: usize = 5;

/// Makes a class ready, or lets it go.
pub async fn reconcile(ctx: &Ctx, name: &Arc<str>, kind: Kind) -> Next {
    let key = crate::store::NsName::new("", name.clone());
    let Some(mut object) = ctx.state().classes.get(&key).cloned() else { return Next::Gone };
    match fuse::heed(ctx, &mut object).await {
        Ok(notice) => notice.into_iter().for_each(|notice| ctx.events.send(reference(object.as_ref()), notice)),
        Err(Stop::Failed(error)) => {
            warn!(reason = error.reason, "{error}");
            return Next::Failed(error.category);
        }
        Err(_) => return Next::Again,
    }
    let mut outcome = ClassOutcome { generation: object.head.generation, ..ClassOutcome::default() };
    let stop = if object.head.deleted.is_some() {
        match let_go(ctx, &object, &mut outcome).await {
            Ok(true) => return Next::Wait,
            Ok(false) => None,
            Err(stop) => Some(stop),
        }
    } else {
        keep(ctx, &mut object, kind, &mut outcome).await.err()
    };
    if let Some(place) = outcome.place.as_ref().filter(|_| object.head.deleted.is_none()) {
        released::see_to(ctx, &place.account, Some(name)).await;
    }
    match stop {
        Some(Stop::Stale) => return Next::Again,
        Some(Stop::Waiting) => return Next::Wait,
        Some(Stop::Later(at)) => return Next::Look(kind, at),
        Some(Stop::Failed(error)) => {
            warn!(reason = error.reason, "{error}");
            outcome.failure = Some(error);
        }
        None => {}
    }
    conclude(ctx, &object, outcome).await
}

async fn keep(ctx: &Ctx, object: &mut Arc<LeanClass>, kind: Kind, outcome: &mut ClassOutcome) -> Result<(), Stop> {
    let name = object.head.key.name.clone();
    let spec = decode(object).inspect_err(|_| forget(ctx, &name))?;
    outcome.warnings = guardrails::warnings(&spec).into_iter().take(NAMED).collect();
    outcome.unmanaged = !spec.oidc_provider.manage;
    outcome.observes = spec.mode == Mode::Observe;
    if !outcome.observes && !object.head.has_finalizer(FINALIZER) {
        *object = write::claim(ctx, object.as_ref(), None).await?;
    }
    let generation = object.head.generation;
    let now = Instant::now();
    let fresh = ctx
        .state()
        .classes_seen
        .get(&name)
        .filter(|s| s.generation == generation && now < s.due && s.standing == Standing::Clear)
        .map(|s| (s.place.clone(), s.lacks.clone(), s.untrusted.clone()));
    let doubt = |place: &Place| ctx.state().issuers.stranger(&place.account).is_some();
    if let Some((place, lacks, untrusted)) = fresh.filter(|(place, ..)| !doubt(place)) {
        (outcome.place, outcome.lacks, outcome.untrusted) = (Some(place), lacks, untrusted);
        return Ok(());
    }
    let aws = ctx.accounts.of(spec.account.as_ref().map(|account| account.assume_role_arn.as_str())).await;
    let place = match facts::place(ctx, &aws).await {
        Ok(place) => place,
        // A failure to look says nothing of what was known before, and neither does a refusal: an API server that has
        // just started refuses everything for a moment. A contradiction does.
        Err(error) if !error.category.is_verdict() => return Err(error.into()),
        Err(error) => {
            forget(ctx, &name);
            return Err(error.into());
        }
    };
    guardrails::faults(&spec, &place).inspect_err(|_| forget(ctx, &name))?;
    let own_role = aws.identity().await?.role;
    let asking = aws.on_behalf(kind, Arc::default());
    let mut seen = ClassSeen {
        place: place.clone(),
        aws,
        own_role,
        standing: issuers::look(ctx, &asking, &name, &place).await?,
        observed: outcome.observes,
        lacks: None,
        untrusted: None,
        generation,
        due: ctx.next_look(now),
    };
    match seen.standing.clone() {
        Standing::Clear => outcome.place = Some(place.clone()),
        // It is swept all the same.
        standing => {
            note(ctx, object, seen);
            let Standing::Frozen(error) = standing else { return Err(Stop::Waiting) };
            outcome.orphans = Some(OrphanedRoles::default());
            return Err(error.into());
        }
    }
    let lacks = match outcome.observes {
        true => provider::missing(&asking, &spec, &place).await?,
        false => provider::ensure(ctx, &asking, object, &spec, &place).await.map(|()| None)?,
    };
    outcome.lacks.clone_from(&lacks);
    seen.lacks = lacks;
    seen.untrusted = provider::missing_of_others(&asking, &spec, &place).await?;
    outcome.untrusted.clone_from(&seen.untrusted);
    note(ctx, object, seen);
    issuers::let_go_of_former(ctx, &asking, object, &spec, &place).await;
    Ok(())
}

/// Remembers what was seen of a class, and wakes its bindings if that is news to them.
fn note(ctx: &Ctx, object: &LeanClass, seen: ClassSeen) {
    let name = &object.head.key.name;
    let mut state = ctx.state();
    let news = state.classes_seen.get(name).is_none_or(|before| {
        (&before.place, before.observed, &before.standing) != (&seen.place, seen.observed, &seen.standing)
    });
    let generation = seen.generation;
    let before = state.classes_seen.insert(name.clone(), seen);
    // What becomes of roles without a binding is seen to after a sweep.
    state.hint_for_orphans(name, before.map(|before| before.generation) != Some(generation));
    ctx.classes_changed.notify_one();
    if news {
        state.wake_bindings_of(name, object.is_default);
        drop(state);
        ctx.wake.notify_one();
    }
}

fn decode(object: &LeanClass) -> Result<IrsaClassSpec, Error> {
    let spec = object.decode().map_err(|e| Error::new(Category::Invalid, e.to_string()))?;
    check_template(&spec.role.name_template)
        .map_err(|e| Error::new(Category::Invalid, format!("spec.role.nameTemplate: {e}")))?;
    Ok(spec)
}

fn forget(ctx: &Ctx, name: &Arc<str>) {
    ctx.state().classes_seen.remove(name);
    ctx.classes_changed.notify_one();
}

/// `true` once it is gone.
async fn let_go(ctx: &Ctx, object: &LeanClass, outcome: &mut ClassOutcome) -> Result<bool, Stop> {
    if !object.head.has_finalizer(FINALIZER) {
        return Ok(true);
    }
    let name = &object.head.key.name;
    let users = users(ctx, name);
    if !users.is_empty() {
        let seen = ctx.state().classes_seen.get(name).map(|seen| (seen.place.clone(), seen.standing.clone()));
        outcome.place = seen.filter(|(_, standing)| *standing == Standing::Clear).map(|(place, _)| place);
        let more = users.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = users.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        outcome.in_use = Some(format!(
            "its deletion waits until no binding uses it; delete {named}{more}, or let them name another class"
        ));
        return Ok(false);
    }
    provider::remove(ctx, object).await?;
    write::release(ctx, object).await?;
    forget(ctx, name);
    Ok(true)
}

fn users(ctx: &Ctx, class: &str) -> Vec<String> {
    let state = ctx.state();
    let using = state.bindings.iter().filter(|b| b.class_name.as_deref() == Some(class));
    using.map(|b| b.head.key.to_string()).collect()
}

/// How the roles of the account are watched, once that has been seen.
fn watch(ctx: &Ctx, place: Option<&Place>) -> Option<Watch> {
    let state = ctx.state();
    let account = state.snapshot.account(&place?.account)?;
    match account.source() {
        _ if account.trouble().is_some() => account.trouble().cloned().map(Watch::Blind),
        Source::Direct => Some(Watch::Direct),
        Source::Bulk if account.suspect() => Some(Watch::Suspect),
        Source::Bulk => account.taken().map(|_| Watch::Snapshot),
    }
}

async fn conclude(ctx: &Ctx, object: &Arc<LeanClass>, mut outcome: ClassOutcome) -> Next {
    let name = &object.head.key.name;
    if outcome.failure.is_some() && ctx.accounts.going_on().is_err() {
        // It stops in the middle of it. The next start tells.
        return Next::Again;
    }
    outcome.bindings = ctx.state().counts(name);
    outcome.watch = watch(ctx, outcome.place.as_ref());
    outcome.held = ctx.state().held_removals(name);
    outcome.orphans = outcome.orphans.or_else(|| ctx.state().orphans_of(name));
    outcome.failure.iter().for_each(|error| ctx.metrics.failed(&Key::Class(name.clone()), error.category));
    let previous = object.status();
    let next = class_status(&previous, &outcome, &Time(Timestamp::now()));
    if next != previous {
        if let Some(error) = outcome.failure.as_ref().filter(|error| !error.category.is_brief()) {
            let said = previous.conditions.iter().any(|c| c.reason == error.reason && c.message == error.message);
            if !said {
                ctx.events.send(
                    reference(object.as_ref()),
                    Notice::new(true, error.reason, "Reconcile", error.message.clone()),
                );
            }
        }
        match write::status(ctx, object.as_ref(), &next).await {
            Ok(_) => {
                let notices = class_notices(&previous, &next).into_iter();
                notices.for_each(|notice| ctx.events.send(reference(object.as_ref()), notice));
            }
            Err(ApiError::NotFound) => {}
            Err(ApiError::Failed(error)) => return Next::Failed(error.category),
            Err(_) => return Next::Again,
        }
    }
    if outcome.in_use.is_some() && outcome.failure.is_none() {
        return Next::Look(Kind::Sweep, ctx.next_look(Instant::now()));
    }
    match &outcome.failure {
        // Somebody is about to make the provider, or permissions that were given a moment ago are not known everywhere:
        // all bindings wait for it, and to look costs a call or two.
        Some(error) if matches!(error.category, Category::Missing | Category::Credentials | Category::Denied) => {
            Next::Failed(Category::Settling)
        }
        // Nothing that the cluster tells us of ends it, so it is tried again in any case.
        Some(error) if error.category.is_verdict() => Next::Failed(Category::Denied),
        Some(error) => Next::Failed(error.category),
        None => {
            let due = ctx.state().classes_seen.get(name).map(|seen| seen.due);
            due.map_or(Next::Wait, |due| Next::Look(Kind::Sweep, due))
        }
    }
}
