//! A rule: which calls, when, how often, and what happens to them. They come by the admin API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::door::journal::glob;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    #[default]
    Before,
    After,
}

/// What takes place at the door, before anything is known of the caller, and what the service itself answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Door,
    Service,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    Hold,
    Fail {
        #[serde(default = "five_hundred")]
        status: u16,
        #[serde(default = "service_failure")]
        code: String,
        #[serde(default = "failure_sentence")]
        message: String,
    },
    Throttle,
    Delay {
        ms: u64,
    },
    Reset,
    Close,
    Html {
        #[serde(default = "bad_gateway")]
        status: u16,
    },
}

fn five_hundred() -> u16 {
    500
}

fn bad_gateway() -> u16 {
    502
}

fn service_failure() -> String {
    "ServiceFailure".to_owned()
}

fn failure_sentence() -> String {
    "The request processing has failed because of an unknown error, exception or failure.".to_owned()
}

impl Action {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Fail { .. } => "fail",
            Self::Throttle => "throttle",
            Self::Delay { .. } => "delay",
            Self::Reset => "reset",
            Self::Close => "close",
            Self::Html { .. } => "html",
        }
    }

    pub fn stage(&self) -> Stage {
        match self {
            Self::Hold | Self::Reset | Self::Close | Self::Html { .. } => Stage::Door,
            Self::Fail { .. } | Self::Throttle | Self::Delay { .. } => Stage::Service,
        }
    }

    pub fn ends_the_call(&self) -> bool {
        !matches!(self, Self::Hold | Self::Delay { .. })
    }
}

/// One pattern or several.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Patterns {
    One(String),
    Many(Vec<String>),
}

impl Patterns {
    fn matches(&self, value: &str) -> bool {
        match self {
            Self::One(pattern) => glob(pattern, value),
            Self::Many(patterns) => patterns.iter().any(|pattern| glob(pattern, value)),
        }
    }
}

fn matched(patterns: Option<&Patterns>, value: &str) -> bool {
    patterns.is_none_or(|patterns| patterns.matches(value))
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Patterns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Patterns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Patterns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Patterns>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    params: BTreeMap<String, Patterns>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Rule {
    #[serde(skip_deserializing)]
    pub id: u64,
    #[serde(flatten)]
    pub action: Action,
    #[serde(default)]
    pub when: When,
    #[serde(default, rename = "match")]
    matching: Match,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(default)]
    skip: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(default)]
    seed: u64,
    #[serde(skip_deserializing)]
    pub fired: u64,
    #[serde(skip_deserializing)]
    seen: u64,
    #[serde(skip)]
    dice: u64,
}

impl Rule {
    pub fn from_json(value: Value, id: u64) -> Result<Self, String> {
        // A mistyped key would make a rule that matches more than was meant.
        const KEYS: [&str; 11] =
            ["action", "when", "match", "count", "skip", "probability", "seed", "status", "code", "message", "ms"];
        for key in value.as_object().into_iter().flat_map(|rule| rule.keys()) {
            if !KEYS.contains(&key.as_str()) {
                return Err(format!("a rule has no \"{key}\": it has {}", KEYS.join(", ")));
            }
        }
        let mut rule: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        rule.id = id;
        // Zero is the one state that xorshift never leaves.
        rule.dice = rule.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Ok(rule)
    }

    pub fn is_only_for(&self, account: &str) -> bool {
        match &self.matching.account {
            Some(Patterns::One(only)) => only == account,
            Some(Patterns::Many(only)) => only.iter().all(|one| one == account),
            None => false,
        }
    }

    fn matches(&self, call: &Call) -> bool {
        let m = &self.matching;
        matched(m.account.as_ref(), &call.account)
            && matched(m.service.as_ref(), call.service.name())
            && matched(m.operation.as_ref(), &call.op)
            && matched(m.principal.as_ref(), &call.principal())
            && m.params.iter().all(|(name, patterns)| call.get(name).is_some_and(|value| patterns.matches(value)))
    }

    /// Whether it fires on this call; counts as it goes.
    pub fn fires(&mut self, call: &Call) -> bool {
        if self.count.is_some_and(|count| self.fired >= count) || !self.matches(call) {
            return false;
        }
        self.seen += 1;
        if self.seen <= self.skip || self.probability.is_some_and(|p| self.roll() >= p) {
            return false;
        }
        self.fired += 1;
        true
    }

    /// Between 0 and 1, the same sequence for the same seed (xorshift64*).
    fn roll(&mut self) -> f64 {
        self.dice ^= self.dice >> 12;
        self.dice ^= self.dice << 25;
        self.dice ^= self.dice >> 27;
        (self.dice.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}
