//! One call as every layer sees it: what was asked, by whom, and what the layers noted about it.
//! Source: the query protocol (IAM, STS) and REST-JSON (EKS) as the SDKs speak them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use fakecloud_aws::sigv4::ParsedSigV4;
use serde_json::value::RawValue;

use crate::answer::Refusal;
use crate::world::keys::Key;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Iam,
    Sts,
    Eks,
    Unknown,
}

impl Service {
    pub fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::Eks => "eks",
            Self::Unknown => "unknown",
        }
    }

    pub fn named(name: &str) -> Self {
        match name {
            "iam" => Self::Iam,
            "sts" => Self::Sts,
            "eks" => Self::Eks,
            _ => Self::Unknown,
        }
    }
}

/// The request as it was on the wire, for the signature.
pub struct Wire {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: http::HeaderMap,
    pub body: bytes::Bytes,
    pub signed: Option<ParsedSigV4>,
    pub source: Option<std::net::IpAddr>,
}

pub struct Call {
    pub seq: u64,
    pub service: Service,
    pub op: String,
    pub params: BTreeMap<String, String>,
    /// The caller's account; for a web identity, that of the role named.
    pub account: String,
    pub partition: String,
    pub region: String,
    pub caller: Option<Key>,
    pub request_id: String,
    /// The time of the call, by the account's clock.
    pub now: DateTime<Utc>,
    pub wire: Wire,
    pub marks: Vec<String>,
    pub authorised: Vec<Box<RawValue>>,
    pub rules: Vec<u64>,
}

impl Call {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    /// A required parameter.
    pub fn need(&self, name: &str) -> Result<String, Refusal> {
        match self.get(name) {
            Some(value) => Ok(value.to_owned()),
            None => {
                let mut camel = name.to_owned();
                camel[..1].make_ascii_lowercase();
                Err(Refusal::new(
                    400,
                    "ValidationError",
                    format!(
                        "1 validation error detected: Value null at '{camel}' failed to satisfy constraint: Member must not be null"
                    ),
                ))
            }
        }
    }

    /// `NAME.member.1`, `NAME.member.2`, …
    pub fn list(&self, name: &str) -> Vec<String> {
        (1..).map_while(|i| self.params.get(&format!("{name}.member.{i}")).cloned()).collect()
    }

    /// `Tags.member.1.Key`, `Tags.member.1.Value`, …
    pub fn tags(&self) -> Vec<(String, String)> {
        (1..)
            .map_while(|i| {
                let key = self.params.get(&format!("Tags.member.{i}.Key"))?;
                let value = self.params.get(&format!("Tags.member.{i}.Value"));
                Some((key.clone(), value.cloned().unwrap_or_default()))
            })
            .collect()
    }

    /// The caller's ARN, as the journal and AWS's sentences name it.
    pub fn principal(&self) -> String {
        match &self.caller {
            Some(key) => key.arn.clone(),
            None => String::new(),
        }
    }
}
