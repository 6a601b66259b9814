//! Which Events a reconcile deserves: one for each transition, none for a repetition.

use super::{Outcome, conditions::find};
use crate::api::BindingStatus;
use crate::api::reason::{self, condition as kind, event};
use crate::error::Error;
use crate::plan::{Facet, Step, claims};

/// The longest note that events.k8s.io takes is 1 kB.
const NOTE_MAX: usize = 1000;

/// An Event to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Type `Warning`, else `Normal`.
    pub warning: bool,
    /// From [`crate::api::reason`].
    pub reason: &'static str,
    /// What the operator was doing, in one CamelCase word.
    pub action: &'static str,
    /// For people.
    pub note: String,
}

impl Notice {
    /// A notice whose note is cut to what the API takes.
    pub fn new(warning: bool, reason: &'static str, action: &'static str, note: impl Into<String>) -> Self {
        let mut note: String = note.into();
        while note.len() > NOTE_MAX {
            note.pop();
        }
        Self { warning, reason, action, note }
    }
}

/// The Events that stand between two statuses, to be sent once the second is written. What was done in between is told
/// by [`deeds`].
#[must_use]
pub fn notices(previous: &BindingStatus, next: &BindingStatus, outcome: &Outcome) -> Vec<Notice> {
    let mut notices = Vec::new();
    notices.extend(role_notice(previous, next));
    notices.extend(account_notice(previous, next));
    // Ready is normal-true, the other two abnormal-true.
    let whole = [(kind::READY, "False"), (kind::RECONCILING, "True"), (kind::STALLED, "True")];
    let account = [(kind::SERVICE_ACCOUNT_READY, "False")];
    if let Some((_, error)) = &outcome.failure {
        notices.extend(trouble(previous, error, &whole));
        notices.extend(outcome.account_failure.as_ref().and_then(|error| trouble(previous, error, &account)));
    } else if let Some(error) = outcome.account_failure.as_ref().or(outcome.forbidden.as_ref()) {
        notices.extend(trouble(previous, error, &whole));
    }
    if outcome.done.is_empty() {
        notices.extend(recovery(previous, next));
    }
    notices
}

/// A failure that none of these conditions has said yet. What passes by itself is left to the conditions.
fn trouble(previous: &BindingStatus, error: &Error, conditions: &[(&str, &str)]) -> Option<Notice> {
    let said = conditions
        .iter()
        .filter_map(|(kind, status)| find(&previous.conditions, kind).filter(|c| c.status == *status))
        .any(|c| c.reason == error.reason && c.message == error.message);
    (!said && !error.category.is_brief()).then(|| Notice::new(true, error.reason, "Reconcile", error.message.clone()))
}

/// Ready again, though nothing had to be done for it: whoever was told of the trouble is told of its end.
fn recovery(previous: &BindingStatus, next: &BindingStatus) -> Option<Notice> {
    let ready = |status| find(status, kind::READY);
    let was = ready(&previous.conditions).filter(|c| c.status != "True")?;
    let is = ready(&next.conditions).filter(|c| c.status == "True")?;
    let note = format!("{}, after {}", is.message, was.reason);
    Some(Notice::new(false, reason::READY, "Reconcile", note))
}

/// The Event about what was done. It is sent at once: no later reconcile knows of it.
#[must_use]
pub fn deeds(previous: &BindingStatus, outcome: &Outcome) -> Option<Notice> {
    let role = outcome.role.as_ref()?;
    if outcome.done.contains(&Step::CreateRole) {
        let policies = outcome.done.iter().filter(|step| step.facet() == Facet::Policies).count();
        let plural = if policies == 1 { "policy" } else { "policies" };
        let note = format!("made {} with {policies} {plural} for ServiceAccount {}", role.arn, role.service_account);
        return Some(Notice::new(false, event::CREATED, "Create", note));
    }
    if outcome.done.is_empty() {
        return None;
    }
    let list: Vec<String> = outcome.done.iter().map(ToString::to_string).collect();
    if outcome.done.iter().any(claims) {
        let note = format!("took over {}: {}", role.arn, list.join("; "));
        return Some(Notice::new(false, event::ADOPTED, "Adopt", note));
    }
    let (reason, action) = match is_drift(previous, outcome, outcome.done.iter()) {
        true => (event::DRIFT_CORRECTED, "Repair"),
        false => (event::UPDATED, "Update"),
    };
    Some(Notice::new(false, reason, action, format!("done on {}: {}", role.arn, list.join("; "))))
}

/// Whether these steps put right what somebody else has changed, and were not asked for.
fn is_drift<'a>(previous: &BindingStatus, outcome: &Outcome, mut steps: impl Iterator<Item = &'a Step>) -> bool {
    // A ServiceAccount that arrives after its binding is no drift, and is told by its condition.
    let waited = find(&previous.conditions, kind::SERVICE_ACCOUNT_READY).is_some_and(|c| c.status != "True");
    let mut only_account = || steps.all(|step| step.facet() == Facet::ServiceAccount);
    outcome.was_true(previous) && !outcome.wish_changed && !(waited && only_account())
}

/// What was found to differ though nobody asked for a change: the steps that put it right, and those still to be done.
/// `None` where it can't be told, because it was not looked so far.
#[must_use]
pub fn drift<'a>(previous: &BindingStatus, outcome: &'a Outcome) -> Option<(&'a [Step], &'a [Step])> {
    if outcome.role.is_none() || !outcome.has_plan() {
        return None;
    }
    // Nobody puts it right in mode Observe, and much of it may never have been so.
    let drifted = !outcome.observes() && is_drift(previous, outcome, outcome.done.iter().chain(&outcome.pending));
    Some(if drifted { (&outcome.done, &outcome.pending) } else { (&[], &[]) })
}

fn role_notice(previous: &BindingStatus, next: &BindingStatus) -> Option<Notice> {
    let now = find(&next.conditions, kind::ROLE_READY)?;
    let before = find(&previous.conditions, kind::ROLE_READY);
    let news = before.is_none_or(|c| c.reason != now.reason || c.message != now.message);
    let reason = reason::NOTED.into_iter().find(|r| now.reason == *r)?;
    news.then(|| Notice::new(true, reason, "Observe", now.message.clone()))
}

fn account_notice(previous: &BindingStatus, next: &BindingStatus) -> Option<Notice> {
    let missing = |status: &BindingStatus| {
        find(&status.conditions, kind::SERVICE_ACCOUNT_READY)
            .filter(|c| c.reason == reason::SERVICE_ACCOUNT_NOT_FOUND)
            .map(|c| c.message.clone())
    };
    let contested = |status: &BindingStatus| {
        let of = find(&status.conditions, kind::SERVICE_ACCOUNT_READY);
        of.filter(|c| c.reason == reason::CONTESTED).map(|c| c.message.clone())
    };
    if let Some(message) = contested(next).filter(|_| contested(previous).is_none()) {
        return Some(Notice::new(true, reason::CONTESTED, "Annotate", message));
    }
    let message = missing(next).filter(|_| missing(previous).is_none())?;
    Some(Notice::new(true, reason::SERVICE_ACCOUNT_NOT_FOUND, "Annotate", message))
}
