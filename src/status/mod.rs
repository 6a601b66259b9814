//! What came of a reconcile, told: as status for `kubectl get`, `wait` and kstatus, and as Events on transitions.

mod adoption;
mod class;
mod conditions;
mod events;
mod parts;
#[cfg(test)]
mod tests;

pub use adoption::{adopting, awaiting};
pub use class::{ClassOutcome, IN_NAMESPACE, Watch, class_notices, class_status};
pub use conditions::{condition, find, set};
pub use events::{Notice, deeds, drift, notices};

use crate::api::reason::{self, condition as kind};
use crate::api::{BindingStatus, Mode};
use crate::contested::Contest;
use crate::error::{Category, Error};
use crate::plan::{Facet, Note, Step};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use std::time::{Duration, Instant};

/// How long a refusal may still be a permission or quota that has not reached all of AWS yet.
pub const FRESH_PERMISSIONS: Duration = Duration::from_secs(300);
/// The most steps, and the most characters of one, that the schema takes.
const STEPS_MAX: (usize, usize) = (100, 512);

/// Everything that a reconcile of a binding found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// `metadata.generation` of the object that was reconciled.
    pub generation: i64,
    /// The class in use.
    pub class: Option<String>,
    /// The generation of that class which was carried out.
    pub class_generation: i64,
    /// How far it goes; `None` where it never came so far.
    pub mode: Option<Mode>,
    /// The role that was asked for; `None` where it never came so far.
    pub role: Option<RoleInfo>,
    /// What stopped it, and where; the facet is `None` where that can't be told. Where no step is pending beside it,
    /// it stopped before there was a plan.
    pub failure: Option<(Option<Facet>, Error)>,
    /// What of the spec the class does not allow, where the rest went on all the same.
    pub forbidden: Option<Error>,
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
    /// Steps that wait until somebody says that a role which was taken over may lose what it has.
    pub waiting: Vec<Step>,
    /// Whether what is pending is so because the role carries the hold tag, or because of `held_by`.
    pub held: bool,
    /// Those of them that another tool undoes each time, while it is not known yet what else is pending.
    pub rests: Vec<Step>,
    /// Who may have changed the role and the ServiceAccount.
    pub writers: [Option<String>; 2],
    /// What has to be put right again and again.
    pub contested: Contest,
    /// Until when the last step waits for all of AWS to show the role as it was last written.
    pub settles: Option<Instant>,
    /// What is said where so many would lose something at once that nothing is done.
    pub held_by: Option<String>,
    /// For how long the same trouble has been going on.
    pub trouble_age: Duration,
    /// Whether the role was last as desired for another desired state than now: what is done is then no repair, even
    /// where the binding itself did not change.
    pub wish_changed: bool,
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
    /// The failure that decides what is said of the whole: AWS first, then the ServiceAccount.
    #[must_use]
    pub fn trouble(&self) -> Option<&Error> {
        self.failure.as_ref().map(|(_, error)| error).or(self.account_failure.as_ref()).or(self.forbidden.as_ref())
    }

    /// Whether all went well but for what the class does not allow.
    #[must_use]
    pub fn is_only_forbidden(&self) -> bool {
        self.forbidden.is_some() && self.failure.is_none() && self.account_failure.is_none()
    }

    fn on_hold(&self) -> bool {
        self.held && !self.pending.is_empty()
    }

    fn is_outage(&self) -> bool {
        self.trouble().is_some_and(|error| error.category.is_outage())
    }

    /// Whether the steps that lead to the desired state were found, done or not.
    fn has_plan(&self) -> bool {
        self.failure.is_none() || !self.pending.is_empty() || !self.waiting.is_empty()
    }

    /// Whether this generation was true before, going by what was said of it.
    fn was_true(&self, previous: &BindingStatus) -> bool {
        was_true(previous, self.generation, self.mode)
    }

    fn observes(&self) -> bool {
        self.mode == Some(Mode::Observe)
    }
}

/// Whether this generation was said to be true, in this mode: a class may change it, and what was true for one that
/// writes less was not made so.
#[must_use]
pub fn was_true(status: &BindingStatus, generation: i64, mode: Option<Mode>) -> bool {
    let ready = conditions::find(&status.conditions, kind::READY);
    let same = mode.is_none_or(|mode| mode == status.mode.unwrap_or_default());
    same && ready.is_some_and(|c| c.status == "True" && c.observed_generation == Some(generation))
}

/// The status that follows `previous`. Equal to it where nothing changed, times included.
#[must_use]
pub fn status(previous: &BindingStatus, outcome: &Outcome, now: &Time) -> BindingStatus {
    let outage = outcome.is_outage();
    let mut next = previous.clone();
    if !outage {
        next.observed_generation = Some(outcome.generation);
    }
    if outcome.class.is_some() {
        next.class_name.clone_from(&outcome.class);
    }
    if outcome.mode.is_some() {
        next.mode = outcome.mode;
    }
    if let Some(role) = &outcome.role {
        next.account_id = Some(role.account.clone());
        next.oidc_provider_arn = Some(role.provider_arn.clone());
        // Both stand here only once the role is known to be there and ours: people copy them.
        if let Some(id) = &role.id {
            next.role_arn = Some(role.arn.clone());
            next.role_id = Some(id.clone());
        }
        if outcome.mode == Some(Mode::Annotate) {
            annotates(&mut next, role);
        }
    }
    // An outage that keeps us from looking does not undo what we knew to be missing.
    if !outage || outcome.has_plan() {
        next.pending_steps = steps(outcome);
    }
    let mut conditions = Vec::new();
    let facets = [
        (Facet::Role, kind::ROLE_READY),
        (Facet::Policies, kind::POLICIES_READY),
        (Facet::ServiceAccount, kind::SERVICE_ACCOUNT_READY),
    ];
    let ready = ready(previous, outcome);
    conditions.extend(ready.map(|(status, reason, message)| condition(kind::READY, status, reason, &message)));
    for (facet, kind) in facets {
        if outcome.mode == Some(Mode::Annotate) && facet != Facet::ServiceAccount {
            continue;
        }
        let told = parts::part(previous, outcome, facet, kind);
        conditions.extend(told.map(|(status, reason, message)| condition(kind, status, reason, &message)));
    }
    conditions.extend(progress(previous, outcome));
    next.conditions = set(&next.conditions, conditions, outcome.generation, now);
    next
}

/// The status of a binding that can't be deleted yet. What it said of its role stays.
#[must_use]
pub fn deleting(previous: &BindingStatus, outcome: &Outcome, now: &Time) -> BindingStatus {
    let mut next = previous.clone();
    next.pending_steps = steps(outcome);
    next.conditions = set(&previous.conditions, Vec::from_iter(progress(previous, outcome)), outcome.generation, now);
    next
}

/// The role is another's: its ARN is what was written on the ServiceAccount, and of the rest nothing is known.
fn annotates(status: &mut BindingStatus, role: &RoleInfo) {
    if status.role_arn.as_ref() != Some(&role.arn) {
        status.role_id = None;
    }
    status.role_arn = Some(role.arn.clone());
    status.oidc_provider_arn = None;
    status.conditions.retain(|c| c.type_ != kind::ROLE_READY && c.type_ != kind::POLICIES_READY);
}

type Told = (&'static str, &'static str, String);

/// `None`: it stays as it was.
fn ready(previous: &BindingStatus, outcome: &Outcome) -> Option<Told> {
    let was_true = outcome.was_true(previous);
    // It is no less so where something else is wrong as well.
    if let Some(error) = &outcome.forbidden {
        return Some(("False", error.reason, error.message.clone()));
    }
    if let Some(error) = outcome.trouble() {
        // An outage, or a failure to look or to repair, says nothing about what is already true in AWS.
        let known = conditions::find(&previous.conditions, kind::READY).is_some();
        let keep = if error.category.is_outage() { known } else { was_true && !error.category.is_verdict() };
        return (!keep).then(|| ("False", error.reason, error.message.clone()));
    }
    if outcome.observes() {
        outcome.role.as_ref()?;
        return Some(("True", reason::OBSERVED, parts::observed(&outcome.pending, &outcome.waiting)));
    }
    if !outcome.pending.is_empty() {
        let (reason, text) = parts::why_pending(outcome, &outcome.pending);
        return (!was_true).then_some(("False", reason, text));
    }
    let role = outcome.role.as_ref()?;
    if outcome.mode == Some(Mode::Annotate) {
        let text =
            format!("ServiceAccount {} is to assume {}, which another cluster makes", role.service_account, role.arn);
        return Some(("True", reason::READY, text));
    }
    Some(("True", reason::READY, format!("ServiceAccount {} may assume {}", role.service_account, role.arn)))
}

/// `Reconciling` or `Stalled`, never both.
fn progress(previous: &BindingStatus, outcome: &Outcome) -> Option<Condition> {
    if let Some(error) = outcome.trouble() {
        let fresh = outcome.trouble_age < FRESH_PERMISSIONS;
        return Some(trouble(&previous.conditions, outcome.generation, error, fresh));
    }
    // In mode Observe nothing is under way, and nobody is waited for.
    if outcome.pending.is_empty() || outcome.observes() {
        return None;
    }
    let (reason, text) = parts::why_pending(outcome, &outcome.pending);
    match (outcome.on_hold(), outcome.was_true(previous)) {
        // It rests, and only who stops the other tool ends it: whoever waits for our progress would wait for ever.
        (false, true) if reason == reason::CONTESTED && outcome.settles.is_none() => {
            Some(condition(kind::STALLED, "True", reason, &text))
        }
        (false, _) => Some(condition(kind::RECONCILING, "True", reason, &text)),
        (true, false) => Some(condition(kind::STALLED, "True", reason, &text)),
        // Somebody keeps the role as it is, and it is what this generation asked for but for a drift: no trouble.
        (true, true) => None,
    }
}

/// Whether an error is tried again by itself (`Reconciling`) or waits for somebody (`Stalled`). `fresh`: a refusal that
/// may still be a permission or quota which has not reached all of AWS.
fn trouble(previous: &[Condition], generation: i64, error: &Error, fresh: bool) -> Condition {
    // A restart of the operator forgets the age; the same refusal was called Stalled once and stays so.
    let known = conditions::find(previous, kind::STALLED)
        .is_some_and(|c| c.reason == error.reason && c.observed_generation == Some(generation));
    let waits = match error.category {
        Category::Denied | Category::Quota | Category::Missing => known || !fresh,
        category => !category.is_outage(),
    };
    condition(if waits { kind::STALLED } else { kind::RECONCILING }, "True", error.reason, &error.message)
}

fn steps(outcome: &Outcome) -> Vec<String> {
    let waiting = outcome.waiting.iter().map(adoption::words);
    let words = outcome.pending.iter().map(ToString::to_string).chain(waiting);
    words.map(|step| step.chars().take(STEPS_MAX.1).collect()).take(STEPS_MAX.0).collect()
}
