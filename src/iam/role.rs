//! A role as AWS shows it.

use super::document::Document;
use super::tags::Tags;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All of a role that the operator compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// `AROA…`: what other accounts' policies name; a role made again has another.
    pub id: String,
    /// Empty where IAM has none.
    pub description: String,
    /// Longest session in seconds.
    pub max_session: i32,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// All tags, also those that are not ours.
    pub tags: Tags,
    /// `None` where what is stored can't be read as a policy: then it differs from everything.
    pub trust: Option<Document>,
    /// ARNs of attached managed policies.
    pub attached: BTreeSet<String>,
    /// Inline policies by name; `None` as for the trust policy.
    pub inline: BTreeMap<String, Option<Document>>,
}

/// What is known of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// It was read before and was as desired; nothing but that was kept.
    Agreed,
    /// There is none.
    Absent,
    /// It is there.
    Present(Box<Role>),
}
