//! Which layers are on for an account, and its quotas.
//! Every layer begins switched off unless the server was started with --strict; then those that tests and demo
//! use are on, and only the ones marked (off) are not.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Switches {
    /// Web identity tokens need an issuer whose keys are known.
    pub tokens: bool,
    /// Names, lengths, patterns, and the grammar of policies.
    pub shape: bool,
    /// Sizes and counts: the quotas.
    pub sizes: bool,
    /// Boundaries, principals, what is protected, what still hangs on something.
    pub existence: bool,
    /// What comes back is not what was sent.
    pub rewrite: bool,
    /// Pages shorter than asked.
    pub short_pages: bool,
    /// Calls are evaluated against the caller's policies.
    pub authorise: bool,
    /// Writes take their time to be seen.
    pub propagation: Option<Propagation>,
    /// (off) GetAccountAuthorizationDetails without boundaries.
    pub gaad_without_boundary: bool,
    /// (off) A token bucket.
    pub bucket: Option<Bucket>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Propagation {
    /// The answers to come after a write: `true` is stale. When they are used up, all is fresh.
    pub pattern: Vec<bool>,
    /// After so long everything is fresh, whatever is left of the pattern.
    pub lapse_ms: u64,
    /// STS refuses a role or a trust that is younger than this.
    pub young_ms: u64,
}

impl Default for Propagation {
    fn default() -> Self {
        Self { pattern: vec![true, false, true], lapse_ms: 2000, young_ms: 0 }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Bucket {
    /// Tokens that come back in a second.
    pub rate: f64,
    /// Tokens that the bucket holds.
    pub depth: f64,
    /// One bucket for each operation instead of one for all.
    #[serde(default)]
    pub per_operation: bool,
}

impl Switches {
    pub fn strict() -> Self {
        Self {
            tokens: true,
            shape: true,
            sizes: true,
            existence: true,
            rewrite: true,
            short_pages: true,
            authorise: true,
            propagation: Some(Propagation::default()),
            gaad_without_boundary: false,
            bucket: None,
        }
    }
}

/// Source: the IAM quotas page and Service Quotas; the defaults of an account that nobody has raised.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Quotas {
    pub roles: usize,
    pub policies: usize,
    pub providers: usize,
    pub policies_per_role: usize,
    pub trust_policy_size: usize,
    pub inline_policies_size: usize,
    pub managed_policy_size: usize,
    pub tags: usize,
    pub audiences: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            roles: 1000,
            policies: 1500,
            providers: 100,
            policies_per_role: 10,
            trust_policy_size: 2048,
            inline_policies_size: 10_240,
            managed_policy_size: 6144,
            tags: 50,
            audiences: 100,
        }
    }
}
