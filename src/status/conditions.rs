//! Merging conditions as the Kubernetes API conventions ask: by type, and the time moves only on a flip.

use crate::api::reason::condition as kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The longest message that `metav1.Condition` allows.
const MESSAGE_MAX: usize = 32_768;

/// A condition without generation and time; [`set`] fills these in.
#[must_use]
pub fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(MESSAGE_MAX).collect(),
        observed_generation: None,
        last_transition_time: Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH),
    }
}

/// `previous` with `told` put in. Conditions that are not told stay as they are, but for `Reconciling` and `Stalled`,
/// which are abnormal-true: told by none, they are gone.
#[must_use]
pub fn set(previous: &[Condition], told: Vec<Condition>, generation: i64, now: &Time) -> Vec<Condition> {
    let abnormal = |c: &&Condition| c.type_ == kind::RECONCILING || c.type_ == kind::STALLED;
    let is_told = |c: &&Condition| told.iter().any(|t| t.type_ == c.type_);
    let kept: Vec<Condition> = previous.iter().filter(|c| !abnormal(c) && !is_told(c)).cloned().collect();
    let mut next: Vec<Condition> = told
        .iter()
        .map(|new| {
            let same = find(previous, &new.type_).filter(|old| old.status == new.status);
            Condition {
                observed_generation: Some(generation),
                last_transition_time: same.map_or_else(|| now.clone(), |old| old.last_transition_time.clone()),
                ..new.clone()
            }
        })
        .chain(kept)
        .collect();
    next.sort_by_key(|c| rank(&c.type_));
    next
}

/// The condition of this type.
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == kind)
}

/// The order in which people read them, and one order for ever, so that equal content is equal.
fn rank(kind: &str) -> usize {
    const ORDER: [&str; 8] = [
        kind::READY,
        kind::PROVIDER_READY,
        kind::SNAPSHOT_READY,
        kind::ROLE_READY,
        kind::POLICIES_READY,
        kind::SERVICE_ACCOUNT_READY,
        kind::RECONCILING,
        kind::STALLED,
    ];
    ORDER.iter().position(|k| *k == kind).unwrap_or(ORDER.len())
}
