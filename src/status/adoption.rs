//! What is said of roles that are taken over.

use super::Notice;
use crate::api::reason::{self, event};
use crate::error::{Category, Error};
use crate::plan::Step;

/// Where the word stands that some steps wait for.
const FIELD: &str = "spec.adoption.acceptRemovals";

/// A step that waits, for a list of steps.
pub(super) fn words(step: &Step) -> String {
    format!("{step} (waits for {FIELD})")
}

fn list(steps: &[Step]) -> String {
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Before the first write to another's role.
#[must_use]
pub fn adopting(arn: &str, steps: &[Step], waiting: &[Step]) -> Notice {
    let waits = if waiting.is_empty() { String::new() } else { format!("; waits for {FIELD}: {}", list(waiting)) };
    let note = format!("takes over {arn}, as its tag allows: {}{waits}", list(steps));
    Notice::new(false, event::ADOPTING, "Adopt", note)
}

/// Why a role that was taken over is not as declared.
#[must_use]
pub fn awaiting(arn: &str, waiting: &[Step]) -> Error {
    let text = format!(
        "role {arn} was taken over as it was, and nothing is taken from it or replaced unless {FIELD} is true; with it: {}",
        list(waiting)
    );
    Error::because(Category::Blocked, reason::AWAITING_ACCEPT_REMOVALS, text)
}

/// What is said of a part of it.
pub(super) fn part(steps: &[Step]) -> (&'static str, &'static str, String) {
    ("False", reason::AWAITING_ACCEPT_REMOVALS, format!("waits for {FIELD}: {}", list(steps)))
}
