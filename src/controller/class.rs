//! The reconcile of a class: where roles are made, and the OIDC provider that makes AWS trust the cluster.

use super::api::ApiError;
use super::binding::Stop;
use super::state::{ClassSeen, Ctx};
use super::tell::reference;
use super::worker::Next;
use super::{facts, fuse, write};
use crate::api::names::{FINALIZER, tag};
use crate::api::reason::event;
use crate::api::{DeletionPolicy, IrsaClassSpec, Mode};
use crate::aws::Aws;
use crate::desired::Place;
use crate::error::{Category, Error};
use crate::iam::name::check_template;
use crate::iam::tags::{self, Tags};
use crate::queue::{Key, Kind};
use crate::snapshot::Source;
use crate::status::{ClassOutcome, Notice, Watch, class_notices, class_status};
use crate::store::LeanClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use std::sync::Arc;
use std::time::Instant;
use tracing::{info, warn};

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
    match stop {
        Some(Stop::Stale) => return Next::Again,
        Some(Stop::Waiting) => return Next::Wait,
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
        .filter(|s| s.generation == generation && now < s.due)
        .map(|s| (s.place.clone(), s.lacks.clone()));
    if let Some((place, lacks)) = fresh {
        (outcome.place, outcome.lacks) = (Some(place), lacks);
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
    outcome.place = Some(place.clone());
    let asking = aws.on_behalf(kind, Arc::default());
    let lacks = match outcome.observes {
        true => missing(&asking, &spec, &place).await?,
        false => provider(ctx, &asking, object, &spec, &place).await.map(|()| None)?,
    };
    outcome.lacks.clone_from(&lacks);
    let observed = outcome.observes;
    let seen = ClassSeen { place: place.clone(), aws, observed, lacks, generation, due: ctx.next_look(now) };
    let mut state = ctx.state();
    let before = state.classes_seen.insert(name.clone(), seen);
    ctx.classes_changed.notify_one();
    if before.is_none_or(|before| before.place != place || before.observed != observed) {
        state.wake_bindings_of(&name, object.is_default);
        drop(state);
        ctx.wake.notify_one();
    }
    Ok(())
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

/// What the provider lacks, where nothing is done about it.
async fn missing(aws: &Aws, spec: &IrsaClassSpec, place: &Place) -> Result<Option<String>, Error> {
    let arn = place.provider_arn();
    let Some(live) = aws.provider(&arn).await? else {
        return Ok(Some(format!("the OIDC provider {arn} does not exist, and is not made in mode Observe")));
    };
    let audiences = &spec.oidc_provider.audiences;
    let lacking: Vec<&str> =
        audiences.iter().filter(|audience| !live.audiences.contains(audience)).map(String::as_str).collect();
    let text = || format!("the OIDC provider {arn} lacks {}, which is not added in mode Observe", lacking.join(", "));
    Ok((!lacking.is_empty()).then(text))
}

/// Made where it is missing; adopted where it is there; audiences are only added.
async fn provider(ctx: &Ctx, aws: &Aws, object: &LeanClass, spec: &IrsaClassSpec, place: &Place) -> Result<(), Error> {
    let arn = place.provider_arn();
    let wanted = &spec.oidc_provider.audiences;
    let mut live = aws.provider(&arn).await?;
    if live.is_none() && spec.oidc_provider.manage {
        if aws.create_provider(&place.issuer, wanted, &provider_tags(place)).await? {
            info!(provider = arn, "made the OIDC provider");
            ctx.metrics.changed(&Key::Class(object.head.key.name.clone()));
            let note = format!("made the OIDC provider {arn} with the audiences {}", wanted.join(", "));
            ctx.events.send(reference(object), Notice::new(false, event::PROVIDER_CREATED, "Create", note));
            return Ok(());
        }
        live = aws.provider(&arn).await?;
    }
    let Some(live) = live else {
        if spec.oidc_provider.manage {
            let text = format!("AWS says of the OIDC provider {arn} both that it exists and that it does not");
            return Err(Error::new(Category::Settling, text));
        }
        let text = format!("the OIDC provider {arn} does not exist; make it, or set spec.oidcProvider.manage to true");
        return Err(Error::new(Category::Missing, text));
    };
    for audience in wanted.iter().filter(|audience| !live.audiences.contains(audience)) {
        if !spec.oidc_provider.manage {
            let text = format!(
                "the OIDC provider {arn} lacks the audience {audience}; add it, or set spec.oidcProvider.manage to true"
            );
            return Err(Error::new(Category::Missing, text));
        }
        aws.add_audience(&arn, audience).await?;
        info!(provider = arn, audience, "added an audience");
        ctx.metrics.changed(&Key::Class(object.head.key.name.clone()));
    }
    Ok(())
}

fn provider_tags(place: &Place) -> Tags {
    [(tag::CLUSTER, place.cluster_id.as_str()), (tag::SCHEMA, tag::SCHEMA_VERSION)]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// `true` once it is gone.
async fn let_go(ctx: &Ctx, object: &LeanClass, outcome: &mut ClassOutcome) -> Result<bool, Stop> {
    if !object.head.has_finalizer(FINALIZER) {
        return Ok(true);
    }
    let name = &object.head.key.name;
    let users = users(ctx, name);
    if !users.is_empty() {
        outcome.place = ctx.state().place_of(name).map(|(place, _)| place);
        let more = users.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = users.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        outcome.in_use = Some(format!(
            "its deletion waits until no binding uses it; delete {named}{more}, or let them name another class"
        ));
        return Ok(false);
    }
    remove_provider(ctx, object).await?;
    write::release(ctx, object).await?;
    forget(ctx, name);
    Ok(true)
}

fn users(ctx: &Ctx, class: &str) -> Vec<String> {
    let state = ctx.state();
    let using = state.bindings.iter().filter(|b| b.class_name.as_deref() == Some(class));
    using.map(|b| b.head.key.to_string()).collect()
}

/// Only if the class says so, we made it, no other class needs it and no role trusts it.
async fn remove_provider(ctx: &Ctx, object: &LeanClass) -> Result<(), Error> {
    let says_delete = object
        .decode()
        .is_ok_and(|spec| spec.oidc_provider.deletion_policy == DeletionPolicy::Delete && spec.mode != Mode::Observe);
    if !says_delete {
        return Ok(());
    }
    let known = ctx.state().place_of(&object.head.key.name);
    let (place, aws) = match known {
        Some(known) => known,
        None => {
            let role = object.decode().ok().and_then(|spec| spec.account).map(|account| account.assume_role_arn);
            let aws = ctx.accounts.of(role.as_deref()).await;
            (facts::place(ctx, &aws).await?, aws)
        }
    };
    if ctx.state().shares_place(&object.head.key.name, &place) {
        return Ok(());
    }
    let arn = place.provider_arn();
    // What was made or deleted a moment ago AWS shows to some and not to others: neither is the last word for a while.
    let asked = object.head.deleted.as_ref().map_or(Timestamp::UNIX_EPOCH, |since| since.0);
    let settling = |text: String| match Timestamp::now().duration_since(asked).unsigned_abs() < ctx.settings.settle {
        true => Err(Error::new(Category::Settling, text)),
        false => Ok(()),
    };
    let Some(provider) = aws.provider(&arn).await? else {
        return settling(format!("the OIDC provider {arn} is not shown; if it stays so, there is nothing to delete"));
    };
    if tags::get(&provider.tags, tag::CLUSTER) != Some(place.cluster_id.as_str()) {
        return Ok(());
    }
    if let Some(role) = aws.role_that_trusts(&arn).await? {
        settling(format!("{role} still trusts the OIDC provider {arn}; if it goes on to, the provider stays"))?;
        info!(provider = arn, role, "the OIDC provider stays, as a role trusts it");
        return Ok(());
    }
    aws.delete_provider(&arn).await?;
    info!(provider = arn, "deleted the OIDC provider");
    ctx.metrics.changed(&Key::Class(object.head.key.name.clone()));
    Ok(())
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
    outcome.orphans = ctx.state().orphans_of(name);
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
