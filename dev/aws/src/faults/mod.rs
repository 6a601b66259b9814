//! What goes wrong on purpose: rules that fire on a call, calls that are held, and the log of what fired.

pub mod bucket;
pub mod hold;
pub mod rules;
pub mod wire;

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::call::Call;
use hold::Held;
use rules::{Action, Rule, Stage, When};

#[derive(Default)]
pub struct Faults {
    pub rules: Vec<Rule>,
    pub held: BTreeMap<u64, Held>,
    pub fired: VecDeque<Fired>,
    made: u64,
}

#[derive(Clone, Serialize)]
pub struct Fired {
    pub rule: u64,
    pub seq: u64,
    pub account: String,
    pub service: &'static str,
    pub operation: String,
    pub when: When,
    pub action: &'static str,
}

const FIRED_KEPT: usize = 20_000;

impl Faults {
    pub fn next_id(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// What the rules of this stage do to this call, in their order, up to the first that ends it.
    pub fn fire(&mut self, call: &mut Call, when: When, stage: Stage) -> Vec<(u64, Action)> {
        let mut actions = Vec::new();
        for rule in &mut self.rules {
            if rule.when != when || rule.action.stage() != stage || !rule.fires(call) {
                continue;
            }
            if self.fired.len() >= FIRED_KEPT {
                self.fired.pop_front();
            }
            self.fired.push_back(Fired {
                rule: rule.id,
                seq: call.seq,
                account: call.account.clone(),
                service: call.service.name(),
                operation: call.op.clone(),
                when,
                action: rule.action.name(),
            });
            call.rules.push(rule.id);
            actions.push((rule.id, rule.action.clone()));
            if rule.action.ends_the_call() {
                break;
            }
        }
        actions
    }

    /// Forgets an account's rules, what they hold (those calls end without an answer) and what they did.
    pub fn forget(&mut self, account: Option<&str>) {
        let Some(account) = account else {
            self.rules.clear();
            self.held.clear();
            self.fired.clear();
            return;
        };
        self.rules.retain(|rule| !rule.is_only_for(account));
        self.held.retain(|_, held| held.account != account);
        self.fired.retain(|fired| fired.account != account);
    }
}
