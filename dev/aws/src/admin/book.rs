//! The journal over HTTP: read, waited on, forgotten.

use serde_json::{Value, json};

use super::{Answer, Ask};
use crate::door::journal::{Entry, Filter};
use crate::world::World;

fn shown<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<Value> {
    entries.into_iter().map(|entry| serde_json::to_value(entry).unwrap_or_default()).collect()
}

pub fn read(world: &World, ask: &Ask<'_>) -> Answer {
    let own = world.own.borrow();
    let filter = Filter::from_query(&ask.query);
    let calls = shown(own.journal.find(&filter));
    Ok(json!({"count": calls.len(), "calls": calls}))
}

pub async fn wait(world: &World, ask: &Ask<'_>) -> Answer {
    let (count, timeout) = ask.wait();
    let filter = Filter::from_query(&ask.query);
    let answered = |entry: &&Entry| !entry.open;
    let met = world
        .wait(timeout, |own| {
            let found = own.journal.find(&filter).into_iter().filter(answered).count();
            (found >= count).then_some(())
        })
        .await
        .is_some();
    let own = world.own.borrow();
    let calls = shown(own.journal.find(&filter).into_iter().filter(answered));
    Ok(json!({"met": met, "count": calls.len(), "calls": calls}))
}

pub fn forget(world: &World, ask: &Ask<'_>) -> Answer {
    world.own.borrow_mut().journal.forget(ask.account());
    Ok(json!({}))
}
