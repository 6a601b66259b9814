//! An account's switches, quotas and clock, and the keys of issuers.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Answer, Ask, bad, missing};
use crate::sts::jwks::Issuer;
use crate::world::World;
use crate::world::switches::Switches;

/// What is named in `change` replaces what stands in `old`.
fn merged<T: Serialize + DeserializeOwned>(old: &T, change: Value) -> Result<T, (u16, String)> {
    let Value::Object(change) = change else { return bad("the body is an object") };
    let mut all = serde_json::to_value(old).unwrap_or_default();
    if let Value::Object(all) = &mut all {
        all.extend(change);
    }
    serde_json::from_value(all).or_else(|error| bad(error.to_string()))
}

fn shown<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

pub fn switches(world: &World, id: &str, ask: Ask<'_>) -> Answer {
    switches_of(world, id, ask.body)
}

pub fn switches_of(world: &World, id: &str, mut change: Value) -> Answer {
    let mut own = world.own.borrow_mut();
    let Some(account) = own.accounts.get_mut(id) else { return missing("account") };
    // `strict` stands for all of them, on or off; what else is named comes on top.
    let strict = change.as_object_mut().and_then(|change| change.remove("strict"));
    let base = match strict.as_ref().and_then(Value::as_bool) {
        Some(true) => Switches::strict(),
        Some(false) => Switches::default(),
        None => account.switches.clone(),
    };
    account.switches = if change.is_null() { base } else { merged(&base, change)? };
    Ok(shown(&account.switches))
}

pub fn quotas(world: &World, id: &str, ask: Ask<'_>) -> Answer {
    quotas_of(world, id, ask.body)
}

pub fn quotas_of(world: &World, id: &str, change: Value) -> Answer {
    let mut own = world.own.borrow_mut();
    let Some(account) = own.accounts.get_mut(id) else { return missing("account") };
    if !change.is_null() {
        account.quotas = merged(&account.quotas, change)?;
    }
    Ok(shown(&account.quotas))
}

pub fn clock(world: &World, id: &str, ask: &Ask<'_>) -> Answer {
    let mut own = world.own.borrow_mut();
    let Some(account) = own.accounts.get_mut(id) else { return missing("account") };
    if let Some(offset) = ask.body.get("offsetMs").and_then(Value::as_i64) {
        account.clock_offset_ms = offset;
    }
    Ok(json!({"offsetMs": account.clock_offset_ms}))
}

pub fn issuer(world: &World, ask: &Ask<'_>) -> Answer {
    let url = ask.text("issuer")?;
    let keys = match ask.body.get("jwks").and_then(|jwks| jwks.get("keys")) {
        Some(Value::Array(keys)) => keys.clone(),
        Some(_) => return bad("\"jwks\" is {\"keys\": […]}"),
        None => Vec::new(),
    };
    let unreachable = ask.body.get("unreachable").and_then(Value::as_bool).unwrap_or(false);
    let account = ask.body.get("account").and_then(Value::as_str).map(str::to_owned);
    let count = keys.len();
    world.own.borrow_mut().issuers.put(account, &url, Issuer { unreachable, keys });
    Ok(json!({"issuer": url, "keys": count, "unreachable": unreachable}))
}
