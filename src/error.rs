//! The one small closed set of error categories: it drives retry, condition reason, Event and metric label alike.

use crate::api::reason;
use crate::backoff::Retry;

/// What kind of trouble it is, which is all that decides what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// The spec can't be carried out as written.
    Invalid,
    /// The class does not allow it.
    Forbidden,
    /// Something that is not ours is in the way.
    Conflict,
    /// A policy or boundary that the spec names does not exist.
    Missing,
    /// The operator's own credentials do not work.
    Credentials,
    /// AWS or the API server refused the operator.
    Denied,
    /// A quota of the account is used up.
    Quota,
    /// The change would break what hangs on the role; somebody has to decide.
    Blocked,
    /// Account, issuer or provider of the class are not known yet.
    ClassNotReady,
    /// The account's request rate is used up.
    Throttled,
    /// AWS has not caught up with our own last change.
    Settling,
    /// Time-outs, 5xx, lost connections, answers that make no sense.
    Transient,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Invalid,
        Self::Forbidden,
        Self::Conflict,
        Self::Missing,
        Self::Credentials,
        Self::Denied,
        Self::Quota,
        Self::Blocked,
        Self::ClassNotReady,
        Self::Throttled,
        Self::Settling,
        Self::Transient,
    ];

    /// As a metric label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::Missing => "missing",
            Self::Credentials => "credentials",
            Self::Denied => "denied",
            Self::Quota => "quota",
            Self::Blocked => "blocked",
            Self::ClassNotReady => "class_not_ready",
            Self::Throttled => "throttled",
            Self::Settling => "settling",
            Self::Transient => "transient",
        }
    }

    /// When to try again.
    #[must_use]
    pub fn retry(self) -> Retry {
        match self {
            Self::Invalid | Self::Forbidden => Retry::OnChange,
            // What blocks may go by a change in AWS alone, which nobody tells us of.
            Self::Blocked | Self::Conflict | Self::Missing | Self::Credentials | Self::Denied | Self::Quota => {
                Retry::Slow
            }
            Self::ClassNotReady => Retry::WhenClassReady,
            // The budget of the account paces all of them; minutes for one of them would be unfair to it.
            Self::Throttled => Retry::Paced,
            Self::Transient => Retry::Exponential,
            Self::Settling => Retry::Seconds,
        }
    }

    /// The condition reason where the error brings none of its own.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Invalid => reason::INVALID,
            Self::Forbidden => reason::FORBIDDEN,
            Self::Conflict => reason::CONFLICT,
            Self::Missing => reason::NOT_FOUND,
            Self::Credentials => reason::CREDENTIALS,
            Self::Denied => reason::ACCESS_DENIED,
            Self::Quota => reason::QUOTA_EXCEEDED,
            Self::Blocked => reason::IDENTITY_CHANGED,
            Self::ClassNotReady => reason::CLASS_NOT_READY,
            Self::Throttled => reason::THROTTLED,
            Self::Settling => reason::SETTLING,
            Self::Transient => reason::UNAVAILABLE,
        }
    }

    /// Whether it says something about the spec or its surroundings that stays true until somebody acts, so that Ready
    /// is False whatever it was before.
    #[must_use]
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::Invalid | Self::Forbidden | Self::Conflict | Self::Blocked)
    }

    /// Whether it decides nothing about the current generation: an outage alone never turns Ready to False.
    #[must_use]
    pub fn is_outage(self) -> bool {
        matches!(self, Self::Credentials | Self::ClassNotReady | Self::Throttled | Self::Settling | Self::Transient)
    }

    /// Whether it usually passes by itself within seconds, so that nothing is said about it at first.
    #[must_use]
    pub fn is_brief(self) -> bool {
        matches!(self, Self::ClassNotReady | Self::Throttled | Self::Settling | Self::Transient)
    }
}

/// A failure: its category, the reason that conditions and Events show, and a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of trouble it is.
    pub category: Category,
    /// From [`crate::api::reason`].
    pub reason: &'static str,
    /// For people: what is wrong and what to do about it. The same trouble always has the same words, or each retry
    /// would write a new status.
    pub message: String,
}

impl Error {
    /// An error with its category's own reason.
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self { category, reason: category.reason(), message: message.into() }
    }

    /// An error that has a more exact reason than its category's.
    pub fn because(category: Category, reason: &'static str, message: impl Into<String>) -> Self {
        Self { category, reason, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::Category::*;
    use super::*;
    use Retry::{Exponential, OnChange, Paced, Seconds, Slow, WhenClassReady};

    /// The table of the design, a row a category. `v`erdict, `o`utage, `b`rief.
    #[test]
    fn what_each_category_leads_to() {
        let table = [
            (Invalid, OnChange, "Invalid", "v"),
            (Forbidden, OnChange, "Forbidden", "v"),
            (Conflict, Slow, "Conflict", "v"),
            (Missing, Slow, "NotFound", ""),
            (Credentials, Slow, "Credentials", "o"),
            (Denied, Slow, "AccessDenied", ""),
            (Quota, Slow, "QuotaExceeded", ""),
            (Blocked, Slow, "IdentityChanged", "v"),
            (ClassNotReady, WhenClassReady, "ClassNotReady", "ob"),
            (Throttled, Paced, "Throttled", "ob"),
            (Settling, Seconds, "Settling", "ob"),
            (Transient, Exponential, "Unavailable", "ob"),
        ];
        for (category, retry, reason, marks) in table {
            assert_eq!((category.retry(), category.reason()), (retry, reason), "{category:?}");
            let is = [('v', category.is_verdict()), ('o', category.is_outage()), ('b', category.is_brief())];
            for (mark, is) in is {
                assert_eq!(is, marks.contains(mark), "{category:?} {mark}");
            }
        }
    }

    #[test]
    fn labels_are_the_names_in_snake_case() {
        for category in Category::ALL {
            let name = format!("{category:?}");
            let words = name.chars().flat_map(|c| [c.is_uppercase().then_some('_'), Some(c.to_ascii_lowercase())]);
            let snake: String = words.flatten().collect();
            assert_eq!(category.label(), snake.trim_start_matches('_'));
        }
    }

    #[test]
    fn an_error_brings_its_categorys_reason_or_its_own() {
        assert_eq!(Error::new(Denied, "x").reason, reason::ACCESS_DENIED);
        let error = Error::because(Blocked, reason::CLUSTER_IDENTITY_CONFLICT, "x");
        assert_eq!(
            (error.category, error.reason, error.to_string().as_str()),
            (Blocked, "ClusterIdentityConflict", "x")
        );
    }
}
