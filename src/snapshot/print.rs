//! Fingerprints of a role, in two halves, as no bulk call shows all of it: `GetAccountAuthorizationDetails` leaves out
//! description and session, `ListRoles` policies, boundary and tags (service model of IAM; aws-sdk-go#2115).

use crate::desired::Desired;
use crate::iam::document::Document;
use crate::iam::role::Role;
use crate::iam::tags::{self, Tags};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Both halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prints {
    /// Trust, policies, boundary, and those tags that are ours or from a spec.
    pub details: u64,
    /// Description and session.
    pub head: u64,
}

/// What `GetAccountAuthorizationDetails` shows of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detailed {
    /// Its ARN.
    pub arn: String,
    /// Its unique id.
    pub id: String,
    /// All its tags.
    pub tags: Tags,
    /// Whether it carries the policy of ours that denies everything.
    pub quarantined: bool,
    /// Fingerprint of this half.
    pub print: u64,
}

/// What `ListRoles` shows of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its ARN.
    pub arn: String,
    /// Its unique id.
    pub id: String,
    /// Fingerprint of this half.
    pub print: u64,
}

impl Prints {
    /// Of a role that is exactly as desired.
    #[must_use]
    pub fn wanted(desired: &Desired) -> Self {
        let tags = tags::ours(&desired.tags);
        let inline = desired.inline.iter().map(|(name, document)| (name.as_str(), Some(document)));
        let details =
            details(Some(&desired.trust), &desired.managed, inline.collect(), desired.boundary.as_deref(), &tags);
        Self { details, head: head(&desired.description, desired.max_session) }
    }

    /// Of a role that was read whole.
    #[must_use]
    pub fn of(role: &Role) -> Self {
        Self { details: role_details(role), head: head(&role.description, role.max_session) }
    }
}

/// The details of a role.
#[must_use]
pub fn role_details(role: &Role) -> u64 {
    let inline = role.inline.iter().map(|(name, document)| (name.as_str(), document.as_ref()));
    let tags = tags::ours(&role.tags);
    details(role.trust.as_ref(), &role.attached, inline.collect(), role.boundary.as_deref(), &tags)
}

/// The head of a role.
#[must_use]
pub fn head(description: &str, max_session: i32) -> u64 {
    let mut hasher = DefaultHasher::new();
    (description, max_session).hash(&mut hasher);
    hasher.finish()
}

fn details(
    trust: Option<&Document>,
    attached: &BTreeSet<String>,
    inline: BTreeMap<&str, Option<&Document>>,
    boundary: Option<&str>,
    tags: &BTreeMap<String, &str>,
) -> u64 {
    let mut hasher = DefaultHasher::new();
    (trust, attached, inline, boundary, tags).hash(&mut hasher);
    hasher.finish()
}
