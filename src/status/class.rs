//! The status of a class.

use super::{FRESH_PERMISSIONS, Notice, condition, conditions, set, trouble};
use crate::api::reason::{self, condition as kind, event};
use crate::api::{BindingCounts, ClassStatus, OrphanedRoles};
use crate::desired::Place;
use crate::error::{Category, Error};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use std::collections::BTreeSet;

/// As many orphans are named in an Event.
const SAID: usize = 3;

/// Behind these words a text of what is held names a namespace, which is what makes it news.
pub const IN_NAMESPACE: &str = "in namespace ";

/// How the roles of an account are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// By snapshots of the account.
    Snapshot,
    /// By reading one after another.
    Direct,
    /// By snapshots, the last of which can't be believed yet.
    Suspect,
    /// Not at all for now: sweeps have been failing for a while.
    Blind(Error),
}

/// What a reconcile of a class found.
#[derive(Clone, Debug, Default)]
pub struct ClassOutcome {
    /// `metadata.generation` of the object.
    pub generation: i64,
    /// Where its roles are made, once that is known.
    pub place: Option<Place>,
    /// Whether the class leaves the OIDC provider to somebody else.
    pub unmanaged: bool,
    /// Whether the class writes nothing, and what there is then to be said of the OIDC provider.
    pub observes: bool,
    /// What the OIDC provider lacks that the class would see to in another mode.
    pub lacks: Option<String>,
    /// Which OIDC providers of other trusted issuers are missing, or lack something.
    pub untrusted: Option<String>,
    /// What went wrong.
    pub failure: Option<Error>,
    /// Who still uses a class that is being deleted.
    pub in_use: Option<String>,
    /// What it allows and may be more than was meant.
    pub warnings: Vec<String>,
    /// How its roles are watched, once that is known.
    pub watch: Option<Watch>,
    /// What is said of deletions that are held.
    pub held: Option<String>,
    /// How many bindings use it.
    pub bindings: BindingCounts,
    /// Roles without a binding, once they are known.
    pub orphans: Option<OrphanedRoles>,
}

/// The status that follows `previous`. Equal to it where nothing changed, times included.
#[must_use]
pub fn class_status(previous: &ClassStatus, outcome: &ClassOutcome, now: &Time) -> ClassStatus {
    let mut next = previous.clone();
    next.bindings = Some(outcome.bindings);
    if let Some(orphans) = &outcome.orphans {
        next.orphans = Some(orphans.clone()).filter(|orphans| orphans.count > 0);
    }
    let outage = outcome.failure.as_ref().is_some_and(|error| error.category.is_outage());
    if !outage {
        next.observed_generation = Some(outcome.generation);
    }
    if let Some(place) = &outcome.place {
        next.account_id = Some(place.account.clone());
        // Told only once it is clear whose the roles are: until then a restart has to find what was so before.
        next.issuer = Some(format!("https://{}", place.issuer));
        next.oidc_provider_arn = Some(place.provider_arn());
    }
    let mut told = Vec::new();
    match &outcome.failure {
        Some(error) => {
            if !keeps(previous, outcome.generation, error) {
                told.push(condition(kind::READY, "False", error.reason, &error.message));
                told.push(condition(kind::PROVIDER_READY, "False", error.reason, &error.message));
            }
            let fresh = is_fresh(previous, error, now);
            told.push(trouble(&previous.conditions, outcome.generation, error, fresh));
        }
        None => {
            if let Some(place) = &outcome.place {
                let account =
                    format!("roles are made in account {} for the issuer https://{}", place.account, place.issuer);
                let (why, account) = match outcome.observes {
                    true => (reason::OBSERVED, format!("nothing is written in mode Observe; otherwise {account}")),
                    false => (reason::READY, account),
                };
                let doubts: String = outcome.warnings.iter().map(|doubt| format!("; but {doubt}")).collect();
                told.push(condition(kind::READY, "True", why, &format!("{account}{doubts}")));
                let owner =
                    if outcome.unmanaged { " and is left as it is (spec.oidcProvider.manage is false)" } else { "" };
                let provider = format!("{} is there{owner}", place.provider_arn());
                told.push(match (&outcome.lacks, &outcome.untrusted) {
                    (Some(text), _) => condition(kind::PROVIDER_READY, "False", reason::OBSERVED, text),
                    (None, Some(text)) => condition(kind::PROVIDER_READY, "False", reason::NOT_FOUND, text),
                    (None, None) => condition(kind::PROVIDER_READY, "True", reason::READY, &provider),
                });
            }
            // Whoever deletes the class waits for its bindings, and these for a word.
            let held = outcome.held.as_ref().map(|held| (reason::MASS_CHANGE_HELD, held));
            let stalled = held.or(outcome.in_use.as_ref().map(|users| (reason::IN_USE, users)));
            told.extend(stalled.map(|(reason, text)| condition(kind::STALLED, "True", reason, text)));
        }
    }
    let watch = outcome.watch.as_ref().zip(next.account_id.as_deref());
    told.extend(watch.map(|(watch, account)| watched(watch, account)));
    next.conditions = set(&previous.conditions, told, outcome.generation, now);
    next
}

/// The Events that stand between two statuses: what was not there before is said once.
#[must_use]
pub fn class_notices(previous: &ClassStatus, next: &ClassStatus) -> Vec<Notice> {
    let before = previous.orphans.clone().unwrap_or_default();
    let news = |now: &&OrphanedRoles| {
        let named = now.roles.iter().any(|arn| !before.roles.contains(arn));
        // Where not all are named, one may be new to the names because another went.
        now.count > before.count || (named && usize::try_from(before.count) == Ok(before.roles.len()))
    };
    let held = |status: &'_ ClassStatus| {
        let stalled = conditions::find(&status.conditions, kind::STALLED);
        stalled.filter(|c| c.reason == reason::MASS_CHANGE_HELD).map(|c| c.message.clone())
    };
    let known = held(previous);
    let mass = held(next).filter(|text| known.as_ref().is_none_or(|known| !named(text).is_subset(&named(known))));
    let mass = mass.map(|text| Notice::new(true, reason::MASS_CHANGE_HELD, "Delete", text));
    next.orphans.iter().filter(news).map(orphaned).chain(mass).collect()
}

/// The namespaces that a text of what is held names, and nothing where these are not all: then the whole class is held.
fn named(text: &str) -> BTreeSet<&str> {
    let names = text.split(IN_NAMESPACE).skip(1).filter_map(|rest| rest.split([',', ' ', ';']).next());
    let whole = text.rsplit('=').next().is_none_or(|word| !word.contains(':'));
    names.chain(whole.then_some("")).collect()
}

fn orphaned(orphans: &OrphanedRoles) -> Notice {
    let named: Vec<&str> = orphans.roles.iter().take(SAID).map(String::as_str).collect();
    let more = usize::try_from(orphans.count).unwrap_or_default().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = if orphans.count == 1 { "1 role has".to_owned() } else { format!("{} roles have", orphans.count) };
    let text = format!(
        "{what} the tags of this cluster and no IrsaBinding: {}{more}; make the binding again that the role's tags name, \
         or delete the role: the operator does not",
        named.join(", ")
    );
    Notice::new(true, event::ORPHANED, "Sweep", text)
}

/// What is said of how roles are watched. It holds no numbers, or each sweep would write a status.
fn watched(watch: &Watch, account: &str) -> Condition {
    let say = |status, reason, text: String| condition(kind::SNAPSHOT_READY, status, reason, &text);
    match watch {
        Watch::Snapshot => {
            let text = format!("the roles of account {account} are watched by snapshots of the account");
            say("True", reason::SNAPSHOT, text)
        }
        Watch::Direct => say(
            "False",
            reason::BULK_READ_DENIED,
            format!(
                "roles of account {account} are read one after another, which takes long for many: allow the operator \
                 iam:GetAccountAuthorizationDetails and iam:ListRoles"
            ),
        ),
        Watch::Blind(error) => {
            let text = format!("changes to roles of account {account} are not seen for now: {error}");
            say("False", error.reason, text)
        }
        Watch::Suspect => say(
            "False",
            reason::SNAPSHOT_SUSPECT,
            format!(
                "so many roles of account {account} are missing or changed all at once that nothing is done before a second \
                 snapshot says the same"
            ),
        ),
    }
}

/// Whether a failure says nothing about what was said before: bindings go on with what is known of the class.
fn keeps(previous: &ClassStatus, generation: i64, error: &Error) -> bool {
    let Some(ready) = conditions::find(&previous.conditions, kind::READY) else { return false };
    let was_true = ready.status == "True" && ready.observed_generation == Some(generation);
    let refused = matches!(error.category, Category::Denied | Category::Quota);
    error.category.is_outage() || (was_true && refused)
}

/// Whether a refusal began less than [`FRESH_PERMISSIONS`] ago, going by the status that told it first.
fn is_fresh(previous: &ClassStatus, error: &Error, now: &Time) -> bool {
    conditions::find(&previous.conditions, kind::RECONCILING)
        .filter(|c| c.reason == error.reason)
        .and_then(|c| now.0.duration_since(c.last_transition_time.0).try_into().ok())
        .is_none_or(|age: std::time::Duration| age < FRESH_PERMISSIONS)
}
