//! Telling what came of a reconcile of a binding: log, Events, status, and when to look again.

use super::api::ApiError;
use super::contested;
use super::state::Ctx;
use super::worker::Next;
use super::write;
use crate::api::BindingStatus;
use crate::api::names::API_VERSION;
use crate::api::reason::event;
use crate::error::Category;
use crate::plan::Facet;
use crate::queue::{Key, Kind};
use crate::status::{Outcome, deeds, notices};
use crate::store::LeanBinding;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{debug, info, warn};

/// What passes by itself is said only once it has lasted this long.
const QUIET: Duration = Duration::from_secs(10);

/// Tells what came of it, and says when to look again.
pub async fn conclude(
    ctx: &Ctx,
    object: &Arc<LeanBinding>,
    mut outcome: Outcome,
    began: Instant,
    told: fn(&BindingStatus, &Outcome, &Time) -> BindingStatus,
) -> Next {
    let key = &object.head.key;
    let category = outcome.trouble().map(|error| error.category);
    outcome.trouble_age = ctx.state().trouble_age(key, category, began);
    // What is left undone because the operator stops is not for anybody's eyes: the next start does it.
    let stops = ctx.accounts.going_on().is_err();
    let quiet = category.is_some_and(Category::is_brief) && (stops || outcome.trouble_age < QUIET);
    log(&outcome, quiet);
    if !outcome.done.is_empty() {
        // It came further than before, and so is not what the failures before it were. Without this a long plan on a
        // throttled account would wait minutes between any two of its steps.
        ctx.state().backoff.forget(&Key::Binding(key.clone()));
    }
    let previous = object.status();
    let rests = contested::note(ctx, object, &previous, &mut outcome);
    ctx.metrics.told(&Key::Binding(key.clone()), &previous, &outcome);
    let next = told(&previous, &outcome, &Time(Timestamp::now()));
    let send = |notice| ctx.events.send(reference(object.as_ref()), notice);
    if let Some(deed) = deeds(&previous, &outcome) {
        // Whoever changed one role may have changed others.
        let in_aws = outcome.done.iter().any(|step| step.facet() != Facet::ServiceAccount);
        let drift = in_aws && deed.reason == event::DRIFT_CORRECTED;
        if let Some(role) = outcome.role.as_ref().filter(|_| drift) {
            ctx.hint(&role.account);
        }
        send(deed);
    }
    if !quiet {
        if next != previous {
            match write::status(ctx, object.as_ref(), &next).await {
                Ok(written) => count(ctx, object, &written),
                Err(ApiError::NotFound) => {}
                Err(ApiError::Failed(error)) => {
                    warn!(%error, "the status could not be written");
                    return Next::Failed(error.category);
                }
                Err(_) => return Next::Again,
            }
        }
        // Not before the status is written: computed again from the same status, they would be sent again.
        notices(&previous, &next, &outcome).into_iter().for_each(send);
    }
    match category {
        // The rest of it is as it should be, and goes on being watched.
        Some(_) if outcome.is_only_forbidden() => Next::Wait,
        Some(category) if quiet => Next::FailedQuietly(category, QUIET.saturating_sub(outcome.trouble_age)),
        Some(category) => Next::Failed(category),
        // Somebody waits for it, and it has no worker meanwhile.
        None => match (outcome.settles, rests) {
            (Some(at), _) => Next::Look(Kind::Change, at),
            (None, Some(at)) => Next::Look(Kind::Repair, at),
            // Sweeps tell when there is something to be done.
            (None, None) => Next::Wait,
        },
    }
}

/// The class counts its bindings by what their statuses say.
fn count(ctx: &Ctx, before: &LeanBinding, now: &LeanBinding) {
    if let Some(class) = now.class_name.as_deref().filter(|_| before.says != now.says) {
        ctx.state().count_class(class);
    }
}

fn log(outcome: &Outcome, quiet: bool) {
    for step in &outcome.done {
        info!(role = outcome.role.as_ref().map(|r| r.arn.as_str()), "{step}");
    }
    match outcome.trouble() {
        Some(error) if quiet => debug!(reason = error.reason, "{error}; tried again in a moment"),
        Some(error) => warn!(reason = error.reason, pending = outcome.pending.len(), "{error}"),
        None => {}
    }
}

/// What an Event is about.
pub fn reference<T: write::Owned>(object: &T) -> ObjectReference {
    let head = object.head();
    ObjectReference {
        api_version: Some(API_VERSION.to_owned()),
        kind: Some(T::KIND.to_owned()),
        name: Some(head.key.name.to_string()),
        namespace: Some(head.key.namespace.to_string()).filter(|n| !n.is_empty()),
        uid: Some(head.uid.to_string()),
        ..ObjectReference::default()
    }
}
