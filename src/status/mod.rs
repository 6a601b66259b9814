//! What came of a reconcile, told: as status for `kubectl get`, `wait` and kstatus, and as Events on transitions.

mod class;
mod conditions;
mod events;
#[cfg(test)]
mod tests;

pub use class::{ClassOutcome, class_status};
pub use conditions::{condition, find, set};
pub use events::{Notice, notices};

use crate::api::BindingStatus;
use crate::api::reason::{self, condition as kind};
use crate::error::{Category, Error};
use crate::plan::{Facet, Note, Step};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use std::time::Duration;

/// How long a refusal may still be a permission or quota that has not reached all of AWS yet.
pub const FRESH_PERMISSIONS: Duration = Duration::from_secs(300);

/// Everything that a reconcile of a binding found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// `metadata.generation` of the object that was reconciled.
    pub generation: i64,
    /// The class in use.
    pub class: Option<String>,
    /// The role that was asked for; `None` where it never came so far.
    pub role: Option<RoleInfo>,
    /// What stopped it, and where; the facet is `None` where nothing was known yet.
    pub failure: Option<(Option<Facet>, Error)>,
    /// The ServiceAccount steps fail on their own and stop nothing else.
    pub account_failure: Option<Error>,
    /// The ServiceAccount that is not there.
    pub account_missing: Option<String>,
    /// What was left alone.
    pub notes: Vec<Note>,
    /// Steps that were done.
    pub done: Vec<Step>,
    /// Steps that are still to be done.
    pub pending: Vec<Step>,
    /// Whether what is pending is so because the role carries the hold tag.
    pub held: bool,
    /// For how long the same trouble has been going on.
    pub trouble_age: Duration,
}

/// The role of a binding, for its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleInfo {
    /// Account of the role.
    pub account: String,
    /// Its ARN.
    pub arn: String,
    /// Its unique id, where it is known.
    pub id: Option<String>,
    /// The provider that it trusts.
    pub provider_arn: String,
    /// The ServiceAccount as `namespace/name`.
    pub service_account: String,
    /// Whether the spec lists any policy.
    pub grants: bool,
}

impl Outcome {
    /// An outcome for a binding that could not be reconciled at all.
    #[must_use]
    pub fn failed(generation: i64, class: Option<String>, error: Error) -> Self {
        Self { generation, class, failure: Some((None, error)), ..Self::default() }
    }

    /// The failure that decides what is said of the whole: AWS first, then the ServiceAccount.
    #[must_use]
    pub fn trouble(&self) -> Option<&Error> {
        self.failure.as_ref().map(|(_, error)| error).or(self.account_failure.as_ref())
    }

    fn on_hold(&self) -> bool {
        self.held && !self.pending.is_empty()
    }
}

/// The status that follows `previous`. Equal to it where nothing changed, times included.
#[must_use]
pub fn status(previous: &BindingStatus, outcome: &Outcome, now: &Time) -> BindingStatus {
    let outage = outcome.trouble().is_some_and(|error| error.category.is_outage());
    let mut next = previous.clone();
    if !outage {
        next.observed_generation = Some(outcome.generation);
    }
    if outcome.class.is_some() {
        next.class_name.clone_from(&outcome.class);
    }
    if let Some(role) = &outcome.role {
        next.account_id = Some(role.account.clone());
        next.oidc_provider_arn = Some(role.provider_arn.clone());
        // Both stand here only once the role is known to be there and ours: people copy them.
        if let Some(id) = &role.id {
            next.role_arn = Some(role.arn.clone());
            next.role_id = Some(id.clone());
        }
    }
    next.pending_steps = outcome.pending.iter().map(ToString::to_string).collect();
    let mut conditions = Vec::new();
    let facets = [
        (Facet::Role, kind::ROLE_READY),
        (Facet::Policies, kind::POLICIES_READY),
        (Facet::ServiceAccount, kind::SERVICE_ACCOUNT_READY),
    ];
    let ready = ready(previous, outcome);
    conditions.extend(ready.map(|(status, reason, message)| condition(kind::READY, status, reason, &message)));
    for (facet, kind) in facets {
        let told = facet_condition(previous, outcome, facet, kind);
        conditions.extend(told.map(|(status, reason, message)| condition(kind, status, reason, &message)));
    }
    conditions.extend(progress(outcome));
    next.conditions = set(&previous.conditions, conditions, outcome.generation, now);
    next
}

/// The status of a binding that can't be deleted yet. What it said of its role stays.
#[must_use]
pub fn deleting(previous: &BindingStatus, outcome: &Outcome, now: &Time) -> BindingStatus {
    let mut next = previous.clone();
    next.pending_steps = outcome.pending.iter().map(ToString::to_string).collect();
    next.conditions = set(&previous.conditions, progress(outcome), outcome.generation, now);
    next
}

type Told = (&'static str, &'static str, String);

/// `None`: it stays as it was.
fn ready(previous: &BindingStatus, outcome: &Outcome) -> Option<Told> {
    let before = conditions::find(&previous.conditions, kind::READY);
    let in_aws = before.is_some_and(|c| c.status == "True" && c.observed_generation == Some(outcome.generation));
    if let Some(error) = outcome.trouble() {
        // An outage, or a failure to look or to repair, says nothing about what is already true in AWS.
        let keep = if error.category.is_outage() { before.is_some() } else { in_aws && !error.category.is_verdict() };
        return (!keep).then(|| ("False", error.reason, error.message.clone()));
    }
    if outcome.on_hold() {
        return (!in_aws).then(|| ("False", reason::HELD, hold_message(outcome)));
    }
    let role = outcome.role.as_ref()?;
    Some(("True", reason::READY, format!("ServiceAccount {} may assume {}", role.service_account, role.arn)))
}

fn facet_condition(previous: &BindingStatus, outcome: &Outcome, facet: Facet, kind: &str) -> Option<Told> {
    let before = conditions::find(&previous.conditions, kind);
    let failed = match &outcome.failure {
        Some((at, error)) if *at == Some(facet) || at.is_none() => Some(error),
        _ => outcome.account_failure.as_ref().filter(|_| facet == Facet::ServiceAccount),
    };
    if let Some(error) = failed {
        let says_nothing = outcome.failure.as_ref().is_some_and(|(at, _)| at.is_none()) && before.is_some();
        let keep = (error.category.is_outage() && before.is_some()) || says_nothing;
        return (!keep).then(|| ("False", error.reason, error.message.clone()));
    }
    let waiting = outcome.pending.iter().filter(|step| step.facet() == facet).count();
    if waiting > 0 {
        let why = if outcome.held { reason::HELD } else { reason::PENDING };
        let text = if outcome.held { hold_message(outcome) } else { format!("{waiting} steps to go") };
        return Some(("False", why, text));
    }
    let role = outcome.role.as_ref()?;
    Some(match facet {
        Facet::Role => role_told(previous, role, outcome),
        Facet::Policies if !role.grants => (
            "True",
            reason::NO_POLICIES,
            "the spec lists no policies: the role can be assumed but may do nothing".into(),
        ),
        Facet::Policies => restricted(outcome).map_or_else(
            || ("True", reason::READY, "exactly the listed policies are on the role".into()),
            |text| ("True", reason::RESTRICTED, text),
        ),
        Facet::ServiceAccount => match &outcome.account_missing {
            Some(name) => (
                "False",
                reason::SERVICE_ACCOUNT_NOT_FOUND,
                format!("ServiceAccount {name} does not exist; create it, or set spec.serviceAccount.create to true"),
            ),
            None => ("True", reason::READY, format!("ServiceAccount {} names the role", role.service_account)),
        },
    })
}

fn role_told(previous: &BindingStatus, role: &RoleInfo, outcome: &Outcome) -> Told {
    let before = conditions::find(&previous.conditions, kind::ROLE_READY);
    if let (Some(old), Some(new)) = (&previous.role_id, &role.id)
        && old != new
        && previous.role_arn.as_ref() == Some(&role.arn)
    {
        let text = format!(
            "somebody deleted the role and it was made again: its unique id was {old} and is {new}. Bucket, key and trust \
             policies elsewhere that name the role still mean the old one and have to be written again"
        );
        return ("True", reason::ROLE_RECREATED, text);
    }
    // Said until the next change of the spec: by then somebody has been here and has read it.
    if let Some(before) = before
        && before.reason == reason::ROLE_RECREATED
        && before.observed_generation == Some(outcome.generation)
    {
        return ("True", reason::ROLE_RECREATED, before.message.clone());
    }
    restricted(outcome).map_or_else(
        || ("True", reason::READY, format!("{} is as declared", role.arn)),
        |text| ("True", reason::RESTRICTED, text),
    )
}

fn restricted(outcome: &Outcome) -> Option<String> {
    let names: Vec<&str> = outcome.notes.iter().flat_map(|Note::Restricted(names)| names).map(String::as_str).collect();
    (!names.is_empty()).then(|| {
        format!("policies that only deny were put on the role by somebody else and stay: {}", names.join(", "))
    })
}

fn hold_message(outcome: &Outcome) -> String {
    let steps: Vec<String> = outcome.pending.iter().map(ToString::to_string).collect();
    format!(
        "the role carries the tag {} and is not written; waiting: {}",
        crate::api::names::tag::HOLD,
        steps.join("; ")
    )
}

/// `Reconciling` or `Stalled`, never both.
fn progress(outcome: &Outcome) -> Vec<Condition> {
    if let Some(error) = outcome.trouble() {
        let waits = match error.category {
            Category::Denied | Category::Quota | Category::Missing => outcome.trouble_age >= FRESH_PERMISSIONS,
            category => !category.is_outage(),
        };
        let kind = if waits { kind::STALLED } else { kind::RECONCILING };
        return vec![condition(kind, "True", error.reason, &error.message)];
    }
    if outcome.on_hold() {
        return vec![condition(kind::STALLED, "True", reason::HELD, &hold_message(outcome))];
    }
    if !outcome.pending.is_empty() {
        let text = format!("{} steps to go", outcome.pending.len());
        return vec![condition(kind::RECONCILING, "True", reason::PENDING, &text)];
    }
    Vec::new()
}
