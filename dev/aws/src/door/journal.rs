//! The book of all calls: read, filtered, waited on and reset over the admin API.
//! A call is entered when it comes and completed when it is answered, so that a held call is seen too.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::call::Call;

/// Of each account: enough for the longest test; the oldest go first.
const KEPT: usize = 40_000;
const LONGEST_VALUE: usize = 256;

#[derive(Clone, Serialize)]
pub struct Entry {
    pub seq: u64,
    pub time: String,
    pub account: String,
    pub service: &'static str,
    pub operation: String,
    pub principal: String,
    pub params: BTreeMap<String, String>,
    pub region: String,
    pub status: u16,
    pub code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub open: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorised: Vec<Box<RawValue>>,
}

/// By account, so that whoever waits for calls of one looks at no other's.
#[derive(Default)]
pub struct Journal {
    accounts: BTreeMap<String, VecDeque<Entry>>,
}

/// What a call ended with: a status and, for an error, its code and sentence.
pub struct End<'a> {
    pub status: u16,
    pub code: &'a str,
    pub message: &'a str,
}

fn short(value: &str) -> String {
    if value.len() <= LONGEST_VALUE {
        return value.to_owned();
    }
    let kept: String = value.chars().take(LONGEST_VALUE).collect();
    format!("{kept}… ({} bytes)", value.len())
}

/// Secrets stay out: a token's middle is of no use to a reader.
fn noted(name: &str, value: &str) -> String {
    match name {
        "WebIdentityToken" => format!("({} bytes)", value.len()),
        _ => short(value),
    }
}

impl Journal {
    pub fn come(&mut self, call: &Call) {
        let entries = self.accounts.entry(call.account.clone()).or_default();
        if entries.len() >= KEPT {
            entries.pop_front();
        }
        entries.push_back(Entry {
            seq: call.seq,
            time: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            account: call.account.clone(),
            service: call.service.name(),
            operation: call.op.clone(),
            principal: call.principal(),
            params: call.params.iter().map(|(name, value)| (name.clone(), noted(name, value))).collect(),
            region: call.region.clone(),
            status: 0,
            code: String::new(),
            message: String::new(),
            open: true,
            rules: Vec::new(),
            marks: Vec::new(),
            authorised: Vec::new(),
        });
    }

    pub fn answered(&mut self, call: &mut Call, end: &End<'_>) {
        let entries = self.accounts.get_mut(&call.account);
        let Some(entry) = entries.and_then(|all| all.iter_mut().rev().find(|entry| entry.seq == call.seq)) else {
            return;
        };
        entry.open = false;
        entry.status = end.status;
        entry.code = end.code.to_owned();
        entry.message = end.message.to_owned();
        entry.rules = std::mem::take(&mut call.rules);
        entry.marks = std::mem::take(&mut call.marks);
        entry.authorised = std::mem::take(&mut call.authorised);
    }

    /// In the order in which they came.
    pub fn find<'a>(&'a self, filter: &'a Filter) -> Vec<&'a Entry> {
        if let Some(account) = filter.account() {
            let entries = self.accounts.get(account);
            return entries.into_iter().flatten().filter(|entry| filter.matches(entry)).collect();
        }
        let mut all: Vec<&Entry> = self.accounts.values().flatten().filter(|entry| filter.matches(entry)).collect();
        all.sort_by_key(|entry| entry.seq);
        all
    }

    pub fn forget(&mut self, account: Option<&str>) {
        match account {
            Some(account) => drop(self.accounts.remove(account)),
            None => self.accounts.clear(),
        }
    }
}

/// `account service operation principal code status since param.NAME`: each value may be a list and hold `*`.
#[derive(Default)]
pub struct Filter {
    fields: Vec<(String, Vec<String>)>,
    since: u64,
}

impl Filter {
    pub fn from_query(query: &BTreeMap<String, String>) -> Self {
        let mut filter = Self::default();
        for (name, value) in query {
            match name.as_str() {
                "since" => filter.since = value.parse().unwrap_or(0),
                "count" | "timeout_ms" | "limit" => {}
                _ => {
                    let wanted = value.split(',').map(str::to_owned).collect();
                    filter.fields.push((name.clone(), wanted));
                }
            }
        }
        filter
    }

    /// The one account that is asked for, where it is one.
    fn account(&self) -> Option<&str> {
        let (_, wanted) = self.fields.iter().find(|(name, _)| name == "account")?;
        match wanted.as_slice() {
            [one] if !one.contains('*') => Some(one),
            _ => None,
        }
    }

    pub fn matches(&self, entry: &Entry) -> bool {
        entry.seq > self.since
            && self.fields.iter().all(|(name, wanted)| {
                let status;
                let value = match name.as_str() {
                    "account" => entry.account.as_str(),
                    "service" => entry.service,
                    "operation" => &entry.operation,
                    "principal" => &entry.principal,
                    "code" => &entry.code,
                    "mark" => return entry.marks.iter().any(|mark| wanted.contains(mark)),
                    "status" => {
                        status = entry.status.to_string();
                        &status
                    }
                    other => match other.strip_prefix("param.").and_then(|param| entry.params.get(param)) {
                        Some(value) => value,
                        None => return false,
                    },
                };
                wanted.iter().any(|pattern| glob(pattern, value))
            })
    }
}

/// `*` stands for any run of characters.
pub fn glob(pattern: &str, value: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return value.is_empty() };
    let Some(mut rest) = value.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
