//! Rules, held calls and the log of what fired, over HTTP.

use serde_json::{Value, json};

use super::{Answer, Ask, bad, missing};
use crate::door::journal::glob;
use crate::faults::hold::{Held, Verdict};
use crate::faults::rules::Rule;
use crate::world::{Own, World};

pub fn add(world: &World, ask: Ask<'_>) -> Answer {
    let mut own = world.own.borrow_mut();
    let id = own.faults.next_id();
    let rule = Rule::from_json(ask.body, id).or_else(bad)?;
    own.faults.rules.push(rule);
    Ok(json!({"id": id}))
}

fn show(rule: &Rule) -> Value {
    serde_json::to_value(rule).unwrap_or_default()
}

pub fn rules(world: &World, ask: &Ask<'_>) -> Answer {
    let own = world.own.borrow();
    let wanted = |rule: &&Rule| ask.account().is_none_or(|account| rule.is_only_for(account));
    let all: Vec<Value> = own.faults.rules.iter().filter(wanted).map(show).collect();
    Ok(json!({"rules": all}))
}

pub fn rule(world: &World, id: &str) -> Answer {
    let own = world.own.borrow();
    match own.faults.rules.iter().find(|rule| rule.id.to_string() == id) {
        Some(rule) => Ok(show(rule)),
        None => missing("rule"),
    }
}

pub fn remove(world: &World, id: &str) -> Answer {
    let mut own = world.own.borrow_mut();
    let before = own.faults.rules.len();
    own.faults.rules.retain(|rule| rule.id.to_string() != id);
    if own.faults.rules.len() == before { missing("rule") } else { Ok(json!({})) }
}

pub fn forget(world: &World, ask: &Ask<'_>) -> Answer {
    let mut own = world.own.borrow_mut();
    match ask.account() {
        Some(account) => own.faults.rules.retain(|rule| !rule.is_only_for(account)),
        None => own.faults.rules.clear(),
    }
    Ok(json!({}))
}

fn wanted<'a>(own: &'a Own, ask: &'a Ask<'_>) -> impl Iterator<Item = &'a Held> {
    let fits = |name: &str, value: &str| ask.query.get(name).is_none_or(|pattern| glob(pattern, value));
    own.faults.held.values().filter(move |held| {
        fits("account", &held.account)
            && fits("service", held.service)
            && fits("operation", &held.operation)
            && fits("principal", &held.principal)
            && fits("rule", &held.rule.to_string())
            && ask.query.iter().all(|(name, pattern)| match name.strip_prefix("param.") {
                Some(param) => held.params.get(param).is_some_and(|value| glob(pattern, value)),
                None => true,
            })
    })
}

fn list(own: &Own, ask: &Ask<'_>) -> Vec<Value> {
    wanted(own, ask).map(|held| serde_json::to_value(held).unwrap_or_default()).collect()
}

pub fn held(world: &World, ask: &Ask<'_>) -> Answer {
    Ok(json!({"held": list(&world.own.borrow(), ask)}))
}

pub async fn wait(world: &World, ask: &Ask<'_>) -> Answer {
    let (count, timeout) = ask.wait();
    let met = world.wait(timeout, |own| (wanted(own, ask).count() >= count).then_some(())).await.is_some();
    Ok(json!({"met": met, "held": list(&world.own.borrow(), ask)}))
}

pub fn decide(world: &World, id: &str, ask: Ask<'_>) -> Answer {
    let verdict: Verdict = serde_json::from_value(ask.body).or_else(|error| bad(error.to_string()))?;
    let mut own = world.own.borrow_mut();
    let held = id.parse().ok().and_then(|id: u64| own.faults.held.remove(&id));
    match held.and_then(|held| held.verdict) {
        // The call's own task is the receiver and does not go away before it is told.
        Some(sender) => sender.send(verdict).map(|()| json!({})).or_else(|_| missing("held call")),
        None => missing("held call"),
    }
}

pub fn fired(world: &World, ask: &Ask<'_>) -> Answer {
    let own = world.own.borrow();
    let wanted = own.faults.fired.iter().filter(|fired| ask.account().is_none_or(|account| fired.account == account));
    let all: Vec<Value> = wanted.map(|fired| serde_json::to_value(fired).unwrap_or_default()).collect();
    Ok(json!({"count": all.len(), "fired": all}))
}
