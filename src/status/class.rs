//! The status of a class.

use super::{condition, conditions, set};
use crate::api::reason::{self, condition as kind};
use crate::api::{BindingCounts, ClassStatus};
use crate::desired::Place;
use crate::error::Error;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// What a reconcile of a class found.
#[derive(Clone, Debug, Default)]
pub struct ClassOutcome {
    /// `metadata.generation` of the object.
    pub generation: i64,
    /// Where its roles are made, once that is known.
    pub place: Option<Place>,
    /// Whether the class leaves the OIDC provider to somebody else.
    pub unmanaged: bool,
    /// What went wrong.
    pub failure: Option<Error>,
    /// Who still uses a class that is being deleted.
    pub in_use: Option<String>,
    /// How many bindings use it.
    pub bindings: BindingCounts,
}

/// The status that follows `previous`. Equal to it where nothing changed, times included.
#[must_use]
pub fn class_status(previous: &ClassStatus, outcome: &ClassOutcome, now: &Time) -> ClassStatus {
    let mut next = previous.clone();
    next.bindings = Some(outcome.bindings);
    let outage = outcome.failure.as_ref().is_some_and(|error| error.category.is_outage());
    if !outage {
        next.observed_generation = Some(outcome.generation);
    }
    if let Some(place) = &outcome.place {
        next.account_id = Some(place.account.clone());
        next.issuer = Some(format!("https://{}", place.issuer));
        next.oidc_provider_arn = Some(place.provider_arn());
    }
    let mut told = Vec::new();
    match &outcome.failure {
        Some(error) => {
            let known = conditions::find(&previous.conditions, kind::READY).is_some();
            if !(outage && known) {
                told.push(condition(kind::READY, "False", error.reason, &error.message));
                told.push(condition(kind::PROVIDER_READY, "False", error.reason, &error.message));
            }
            let waits = !outage && outcome.in_use.is_none();
            let kind = if waits { kind::STALLED } else { kind::RECONCILING };
            told.push(condition(kind, "True", error.reason, &error.message));
        }
        None => {
            if let Some(place) = &outcome.place {
                let account =
                    format!("roles are made in account {} for the issuer https://{}", place.account, place.issuer);
                told.push(condition(kind::READY, "True", reason::READY, &account));
                let owner =
                    if outcome.unmanaged { " and is left as it is (spec.oidcProvider.manage is false)" } else { "" };
                let provider = format!("{} is there{owner}", place.provider_arn());
                told.push(condition(kind::PROVIDER_READY, "True", reason::READY, &provider));
            }
            if let Some(users) = &outcome.in_use {
                told.push(condition(kind::STALLED, "True", reason::IN_USE, users));
            }
        }
    }
    next.conditions = set(&previous.conditions, told, outcome.generation, now);
    next
}
