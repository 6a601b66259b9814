//! Inline policies: the rules of a class, for one binding.

use super::contain::{RuleError, Rules, violations};
use crate::api::{AllowedInline, InlineRule};
use crate::iam::document::Document;
use crate::iam::vars::Vars;
use std::hash::{Hash, Hasher};

/// The rules of a class, variables filled in.
#[derive(Clone, Debug, Default)]
pub(super) struct Fence {
    /// As the class has them: what they are told apart by.
    said: (Vec<InlineRule>, Vec<String>),
    rules: Rules,
}

impl Fence {
    /// The fence around one binding.
    pub fn new(allow: &AllowedInline, vars: &Vars) -> Result<Self, RuleError> {
        let pairs = allow.rules.iter().map(|rule| (rule.actions.as_slice(), rule.resources.as_slice()));
        let rules = Rules::expand(pairs, &allow.deny, vars)?;
        Ok(Self { said: (allow.rules.clone(), allow.deny.clone()), rules })
    }

    /// Whether any inline policy may be there.
    pub fn allows_any(&self) -> bool {
        !self.said.0.is_empty()
    }

    /// What of a document is outside, each in words that begin with its place; empty where nothing is.
    pub fn breaches(&self, document: &Document) -> Vec<String> {
        violations(document, &self.rules).iter().map(ToString::to_string).collect()
    }
}

/// The variables stand for the same in one binding, always.
impl PartialEq for Fence {
    fn eq(&self, other: &Self) -> bool {
        self.said == other.said
    }
}

impl Eq for Fence {}

impl Hash for Fence {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.said.hash(state);
    }
}
