//! Calls that wait: held by a rule before they are applied or after it, until the admin API says how they go on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::rules::When;
use crate::answer::{Cut, Refusal};
use crate::call::Call;
use crate::world::World;

#[derive(Serialize)]
pub struct Held {
    pub id: u64,
    pub seq: u64,
    pub rule: u64,
    pub when: When,
    pub account: String,
    pub service: &'static str,
    pub operation: String,
    pub principal: String,
    pub params: BTreeMap<String, String>,
    #[serde(skip)]
    pub verdict: Option<oneshot::Sender<Verdict>>,
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Verdict {
    Release,
    Drop,
    Fail {
        #[serde(default)]
        status: Option<u16>,
        #[serde(default)]
        code: Option<String>,
        #[serde(default)]
        message: Option<String>,
    },
}

/// How a held call goes on: on its way, refused, or without an answer.
pub enum After {
    GoOn,
    Refuse(Refusal),
    Cut(Cut),
}

pub async fn hold(world: &World, call: &Call, rule: u64, when: When) -> After {
    let (verdict, decided) = oneshot::channel();
    {
        let mut own = world.own.borrow_mut();
        let id = own.faults.next_id();
        let held = Held {
            id,
            seq: call.seq,
            rule,
            when,
            account: call.account.clone(),
            service: call.service.name(),
            operation: call.op.clone(),
            principal: call.principal(),
            params: call.params.clone(),
            verdict: Some(verdict),
        };
        own.faults.held.insert(id, held);
    }
    world.ring();
    match decided.await {
        Ok(Verdict::Release) => After::GoOn,
        // A verdict that never comes: the account was forgotten.
        Ok(Verdict::Drop) | Err(_) => After::Cut(Cut::Close),
        Ok(Verdict::Fail { status, code, message }) => After::Refuse(Refusal {
            status: status.unwrap_or(500),
            code: code.unwrap_or_else(|| "ServiceFailure".to_owned()),
            message: message.unwrap_or_else(|| "failed while held".to_owned()),
        }),
    }
}
