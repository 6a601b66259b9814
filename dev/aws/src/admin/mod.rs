//! The admin API: accounts, clusters, rules, held calls, the journal, and the truth as it stands in the state.
//! It is never signed, journaled, throttled or stale.

mod accounts;
mod book;
mod edit;
mod environment;
mod faults;
mod settings;
mod truth;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http_body_util::Full;
use hyper::Response;
use serde_json::{Value, json};

use crate::answer::plain;
use crate::door::route::form;
use crate::world::World;

/// Status and body of an answer.
type Answer = Result<Value, (u16, String)>;

pub struct Ask<'a> {
    method: &'a str,
    query: BTreeMap<String, String>,
    body: Value,
}

impl Ask<'_> {
    fn text(&self, name: &str) -> Result<String, (u16, String)> {
        match self.body.get(name).and_then(Value::as_str) {
            Some(text) => Ok(text.to_owned()),
            None => bad(format!("the body needs \"{name}\", a string")),
        }
    }

    fn account(&self) -> Option<&str> {
        self.query.get("account").map(String::as_str)
    }

    fn wait(&self) -> (usize, Duration) {
        let number = |name: &str, otherwise| self.query.get(name).and_then(|n| n.parse().ok()).unwrap_or(otherwise);
        (number("count", 1) as usize, Duration::from_millis(number("timeout_ms", 5000)))
    }
}

fn bad<T>(why: impl Into<String>) -> Result<T, (u16, String)> {
    Err((400, why.into()))
}

fn missing<T>(what: &str) -> Result<T, (u16, String)> {
    Err((404, format!("no such {what}")))
}

pub async fn handle(world: &World, head: &Parts, path: &str, body: &Bytes) -> Response<Full<Bytes>> {
    let answer = match read(head, body) {
        Ok(ask) => route(world, path, ask).await,
        Err(error) => Err(error),
    };
    let (status, value) = match answer {
        Ok(value) => (200, value),
        Err((status, why)) => (status, json!({"error": why})),
    };
    plain(status, "application/json", value.to_string())
}

fn read<'a>(head: &'a Parts, body: &Bytes) -> Result<Ask<'a>, (u16, String)> {
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(body).or_else(|error| bad(format!("the body is no JSON: {error}")))?
    };
    Ok(Ask { method: head.method.as_str(), query: form(head.uri.query().unwrap_or("")), body })
}

async fn route(world: &World, path: &str, ask: Ask<'_>) -> Answer {
    let parts: Vec<&str> = path.split('/').collect();
    match (ask.method, parts.as_slice()) {
        ("GET", ["health"]) => Ok(json!({"status": "ok"})),
        ("GET", ["accounts"]) => accounts::list(world),
        ("POST", ["accounts"]) => accounts::make(world, &ask),
        ("DELETE", ["accounts", id]) => accounts::forget(world, id),
        ("POST", ["environments"]) => environment::make(world, &ask),
        ("POST", ["accounts", id, "snapshot"]) => edit::snapshot(world, id),
        ("POST", ["accounts", id, "restore"]) => edit::restore(world, id),
        ("POST", ["state", "roles"]) => edit::roles(world, ask),
        ("DELETE", ["state", "roles"]) => edit::remove_role(world, &ask),
        ("POST", ["state", "providers"]) => edit::provider(world, &ask),
        ("DELETE", ["state", "providers"]) => edit::remove_provider(world, &ask),
        ("GET" | "POST", ["accounts", id, "switches"]) => settings::switches(world, id, ask),
        ("GET" | "POST", ["accounts", id, "quotas"]) => settings::quotas(world, id, ask),
        ("GET" | "POST", ["accounts", id, "clock"]) => settings::clock(world, id, &ask),
        ("POST", ["evaluate"]) => truth::evaluate(&ask),
        ("POST", ["trusting"]) => truth::trusting(world, &ask),
        ("POST", ["can"]) => truth::can(world, &ask),
        ("POST", ["issuers"]) => settings::issuer(world, &ask),
        ("POST", ["clusters"]) => accounts::cluster(world, ask),
        ("POST", ["seed"]) => accounts::seed(world, &ask),
        ("GET", ["journal"]) => book::read(world, &ask),
        ("GET", ["journal", "wait"]) => book::wait(world, &ask).await,
        ("DELETE", ["journal"]) => book::forget(world, &ask),
        ("POST", ["rules"]) => faults::add(world, ask),
        ("GET", ["rules"]) => faults::rules(world, &ask),
        ("GET", ["rules", id]) => faults::rule(world, id),
        ("DELETE", ["rules"]) => faults::forget(world, &ask),
        ("DELETE", ["rules", id]) => faults::remove(world, id),
        ("GET", ["held"]) => faults::held(world, &ask),
        ("GET", ["held", "wait"]) => faults::wait(world, &ask).await,
        ("POST", ["held", id]) => faults::decide(world, id, ask),
        ("GET", ["fired"]) => faults::fired(world, &ask),
        ("GET", ["state", "roles"]) => truth::roles(world, &ask),
        ("GET", ["state", "providers"]) => truth::providers(world, &ask),
        ("GET", ["state", "policies"]) => truth::policies(world, &ask),
        (method, _) => Err((404, format!("the admin API has no {method} /_admin/{path}"))),
    }
}
