//! The token bucket of an account, one for all calls or one for each operation (off unless switched on).
//! Source: AWS says that IAM and STS run token buckets, refilled every second, and does not publish their rates.

use std::collections::HashMap;
use std::time::Instant;

use super::wire::throttle;
use crate::answer::Refusal;
use crate::call::Call;
use crate::world::World;

struct Level {
    tokens: f64,
    at: Instant,
}

/// By account and operation; no operation where one bucket serves all.
#[derive(Default)]
pub struct Buckets(HashMap<(String, String), Level>);

impl Buckets {
    pub fn forget(&mut self, account: &str) {
        self.0.retain(|(owner, _), _| owner != account);
    }
}

pub fn take(world: &World, call: &mut Call) -> Result<(), Refusal> {
    let mut own = world.own.borrow_mut();
    let Some(size) = own.accounts.get(&call.account).and_then(|account| account.switches.bucket.clone()) else {
        return Ok(());
    };
    let op = if size.per_operation { call.op.clone() } else { String::new() };
    let now = Instant::now();
    let level = own.buckets.0.entry((call.account.clone(), op)).or_insert(Level { tokens: size.depth, at: now });
    let refilled = level.tokens + now.duration_since(level.at).as_secs_f64() * size.rate;
    level.tokens = refilled.min(size.depth);
    level.at = now;
    if level.tokens >= 1.0 {
        level.tokens -= 1.0;
        return Ok(());
    }
    call.marks.push("bucket".to_owned());
    Err(throttle(call.service))
}
