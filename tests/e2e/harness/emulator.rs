//! The AWS emulator's admin API: what was called, what is true, and what shall go wrong.

use super::http::{encoded, exchange};
use serde_json::{Value, json};

/// The emulator, seen from outside.
#[derive(Clone, Debug)]
pub struct Emulator {
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// The account that everything here is in.
    pub account: String,
}

/// A call that AWS has got.
#[derive(Clone, Debug)]
pub struct Call {
    /// Grows with each call.
    pub seq: u64,
    /// As `CreateRole`.
    pub operation: String,
    /// The AWS error code, empty for success.
    pub code: String,
    /// As they were sent, by the wire's names.
    pub params: Value,
}

/// A call that is held.
#[derive(Clone, Debug)]
pub struct Held {
    /// What to release.
    pub id: u64,
    /// As `CreateRole`.
    pub operation: String,
}

/// A rule that is in force until it is dropped.
#[derive(Debug)]
pub struct Rule {
    emulator: Emulator,
    id: u64,
}

impl Drop for Rule {
    fn drop(&mut self) {
        let path = format!("/_admin/rules/{}", self.id);
        let _ = exchange(&self.emulator.address, "DELETE", &path, None);
    }
}

impl Emulator {
    /// Somebody deletes a role with all that is on it, at one moment: by calls of IAM it takes several, between which the
    /// operator may put back what is gone.
    pub async fn delete_role(&self, name: &str) {
        self.ask("DELETE", format!("/_admin/state/roles?account={}&name={name}", self.account), None).await;
    }

    /// Any call of the admin API: `/_admin/…`.
    pub async fn ask(&self, method: &'static str, path: String, body: Option<Value>) -> Value {
        let address = self.address.clone();
        let asked = path.clone();
        let answer = tokio::task::spawn_blocking(move || exchange(&address, method, &path, body.as_ref()));
        let (status, text) = answer.await.unwrap().unwrap_or_else(|error| panic!("{method} {asked}: {error}"));
        assert!(status < 300, "{method} {asked}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Calls that match this query of the admin API, as `operation=CreateRole&param.RoleName=x*`.
    pub async fn journal(&self, query: &str) -> Vec<Call> {
        calls(&self.ask("GET", format!("/_admin/journal?account={}&{query}", self.account), None).await)
    }

    /// Waits until there are `count` such calls, answered.
    pub async fn journal_wait(&self, count: usize, query: &str) -> Vec<Call> {
        let path = format!("/_admin/journal/wait?account={}&count={count}&timeout_ms=60000&{query}", self.account);
        let answer = self.ask("GET", path, None).await;
        assert_eq!(answer["met"], true, "no {count} calls of {query} came: {answer}");
        calls(&answer)
    }

    /// Turns layers of the account on and off.
    pub async fn switch(&self, switches: &Value) {
        self.ask("POST", format!("/_admin/accounts/{}/switches", self.account), Some(switches.clone())).await;
    }

    /// The role, or null.
    pub async fn role(&self, name: &str) -> Value {
        let path = format!("/_admin/state/roles?account={}&name={}", self.account, encoded(name));
        self.ask("GET", path, None).await["roles"].get(0).cloned().unwrap_or_default()
    }

    /// All OIDC providers.
    pub async fn providers(&self) -> Vec<Value> {
        let answer = self.ask("GET", format!("/_admin/state/providers?account={}", self.account), None).await;
        answer["providers"].as_array().cloned().unwrap_or_default()
    }

    /// A rule as the admin API takes it: action, match and so on. It ends when it is dropped.
    #[must_use = "the rule ends when it is dropped"]
    pub async fn rule(&self, mut rule: Value) -> Rule {
        rule["match"]["account"] = json!(self.account);
        let answer = self.ask("POST", "/_admin/rules".into(), Some(rule)).await;
        Rule { emulator: self.clone(), id: answer["id"].as_u64().expect("a rule's id") }
    }

    /// How often a rule was applied.
    pub async fn fired(&self, rule: &Rule) -> u64 {
        self.ask("GET", format!("/_admin/rules/{}", rule.id), None).await["fired"].as_u64().unwrap_or(0)
    }

    /// Waits until a call of this operation on this role is held.
    pub async fn held(&self, operation: &str, role: &str) -> Held {
        super::eventually(&format!("{operation} on {role} is held"), async || {
            let answer = self.ask("GET", format!("/_admin/held?account={}", self.account), None).await;
            let held = answer["held"].as_array().cloned().unwrap_or_default();
            let this = held.iter().find(|h| h["operation"] == operation && h["params"]["RoleName"] == role);
            let id = this.and_then(|held| held["id"].as_u64());
            id.map(|id| Held { id, operation: operation.to_owned() }).ok_or_else(|| answer.to_string())
        })
        .await
    }

    /// Lets a held call go on.
    pub async fn release(&self, held: &Held) {
        self.ask("POST", format!("/_admin/held/{}", held.id), Some(json!({"action": "release"}))).await;
    }

    /// Ends a held call without an answer; it is not applied if it was held before that.
    pub async fn drop_held(&self, held: &Held) {
        self.ask("POST", format!("/_admin/held/{}", held.id), Some(json!({"action": "drop"}))).await;
    }

    /// Calls that name this pattern as role, for a report: one line each.
    pub fn report(&self, pattern: &str) -> String {
        let path = format!("/_admin/journal?account={}&param.RoleName={}", self.account, pattern);
        let text = exchange(&self.address, "GET", &path, None).map(|(_, text)| text).unwrap_or_default();
        let lines = calls(&serde_json::from_str(&text).unwrap_or_default());
        let lines: Vec<String> =
            lines.iter().map(|c| format!("{:>6} {} {} {}", c.seq, c.operation, c.code, c.params)).collect();
        lines.join("\n")
    }
}

fn calls(answer: &Value) -> Vec<Call> {
    let call = |c: &Value| Call {
        seq: c["seq"].as_u64().unwrap_or(0),
        operation: c["operation"].as_str().unwrap_or_default().to_owned(),
        code: c["code"].as_str().unwrap_or_default().to_owned(),
        params: c["params"].clone(),
    };
    answer["calls"].as_array().into_iter().flatten().map(call).collect()
}
