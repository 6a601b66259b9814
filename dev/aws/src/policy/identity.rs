//! The grammar of identity policies: inline ones of roles, managed ones.
//! Most of it is the crate's `validate_policy_document`, which lets principals pass and does not know the
//! partition aws-eusc. Source of the sentences: reports, and emulators that recorded AWS's answers.

use fakecloud_iam::policy_validation::validate_policy_document;
use serde_json::Value;

use super::{grammar, malformed};
use crate::answer::Refusal;

pub fn check(text: &str) -> Result<(), Refusal> {
    if text.starts_with(char::is_whitespace) {
        return Err(malformed("JSON strings must not have leading spaces"));
    }
    let document: Value = serde_json::from_str(text).map_err(|_| malformed(grammar::SYNTAX))?;
    let statements = grammar::statements(&document).map_err(malformed)?;
    if statements.iter().any(|one| one.contains_key("Principal") || one.contains_key("NotPrincipal")) {
        return Err(malformed("Policy document should not specify a principal."));
    }
    validate_policy_document(&text.replace("arn:aws-eusc:", "arn:aws:")).map_err(malformed)?;
    grammar::unique_sids(&statements).map_err(malformed)?;
    for condition in statements.iter().filter_map(|one| one.get("Condition")) {
        grammar::condition(condition).map_err(malformed)?;
    }
    Ok(())
}
