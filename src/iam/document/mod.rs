//! Policy documents. AWS does not give back the bytes it was sent: it re-orders lists and keys, unwraps lists of one,
//! and percent-encodes the whole. So documents are compared by a normal form that is blind to all this, and to nothing
//! that changes what a policy means.
//!
//! - `grammar` says what a user may write, `condition` the part of it under `Condition`;
//! - `normal` is the normal form;
//! - `text` writes JSON, and counts it as AWS does.

mod condition;
mod grammar;
mod normal;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod text;

use super::json_path::excerpt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt;
use std::hash::{Hash, Hasher};

/// The most characters that all inline policies of a role may have together, white space not counted. AWS does not
/// raise it ("IAM and AWS STS quotas", IAM user guide).
pub const INLINE_TOTAL_MAX: usize = 10_240;

/// The most characters of a trust policy, white space not counted, in an account that has not raised its quota
/// L-C07B4B0D ("IAM and AWS STS quotas", IAM user guide).
pub const TRUST_MAX: usize = 2_048;

/// The version of the policy language that we write and accept.
const VERSION: &str = "2012-10-17";

/// A policy document. Two are equal when they mean the same, whatever was written and whatever AWS made of it.
#[derive(Clone)]
pub struct Document {
    /// What is sent: the values as they were written, in the order in which people expect the elements.
    json: Box<str>,
    /// What is compared: SHA-256 of the normal form, so that a document is not held twice.
    fingerprint: [u8; 32],
    only_denies: bool,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(path))]
pub struct DocumentError {
    /// The JSON path at fault, as `Statement[0].Action`; empty for the whole document.
    pub path: String,
    /// What is wrong there and what to write instead.
    pub message: String,
}

fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

impl DocumentError {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl Document {
    /// The identity policy that a user wrote, variables expanded.
    ///
    /// # Errors
    /// The first place at which it is no identity policy by IAM's grammar (IAM user guide, "Grammar of the IAM JSON
    /// policy language"). Whether its services, actions and condition keys exist only AWS knows.
    pub fn identity(value: &Value) -> Result<Self, DocumentError> {
        grammar::check(value)?;
        Ok(Self::lenient(value))
    }

    /// A document as AWS returns it: JSON, percent-encoded by RFC 3986 (so `+` is a plus sign) or plain.
    ///
    /// # Errors
    /// Where it is no JSON. Whatever is JSON is taken, because somebody else may have written it: what can't be
    /// understood is kept as it is, and so differs from everything that we write.
    pub fn stored(text: &str) -> Result<Self, DocumentError> {
        let decoded;
        let plain = if text.trim_start().starts_with(['{', '[']) {
            text
        } else {
            decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
            decoded.as_ref()
        };
        let value: Value = serde_json::from_str(plain)
            .map_err(|error| DocumentError::new("", format!("is no JSON ({error}): {:?}", excerpt(plain))))?;
        Ok(Self::lenient(&value))
    }

    /// A document of any kind, unchecked.
    #[must_use]
    pub fn lenient(value: &Value) -> Self {
        let normal = normal::document(value);
        Self {
            json: text::write(value).into(),
            fingerprint: Sha256::digest(text::write(&normal)).into(),
            only_denies: normal::only_denies(&normal),
        }
    }

    /// What is sent to AWS: compact JSON with the values as they were written. The same value gives the same text.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.json.to_string()
    }

    /// Its characters as AWS counts them against quotas: white space is not counted.
    #[must_use]
    pub fn size(&self) -> usize {
        text::size(&self.json)
    }

    /// Whether it holds statements and all of them deny: the mark of a policy that somebody put there in an emergency.
    #[must_use]
    pub fn only_denies(&self) -> bool {
        self.only_denies
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json)
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Document {}

impl Hash for Document {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

/// As the JSON that it is.
impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_json()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::stored(text.get()).map_err(serde::de::Error::custom)
    }
}

/// What a role's inline policies count against [`INLINE_TOTAL_MAX`].
pub fn inline_total<'a>(documents: impl IntoIterator<Item = &'a Document>) -> usize {
    documents.into_iter().map(Document::size).sum()
}
