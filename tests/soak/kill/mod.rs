//! `kill -9` of the operator at each of its AWS calls. Whatever became of the call, the next start finishes, and nothing
//! is doubled, leaked or lost.

mod adoption;
mod bindings;
mod changes;
mod handed;
mod providers;
mod quarantine;
mod replaced;
mod subject;

use crate::harness::{Emulator, Env, Operator, Rule};
use serde_json::{Value, json};

/// What becomes of a call whose sender has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It never reached AWS.
    NeverArrives,
    /// It is on its way for so long that the next operator has sent the same call by then; yet it is first.
    ArrivesJustBefore,
    /// It is on its way for so long that the next operator has done everything by then.
    ArrivesLast,
    /// It was applied, and nobody heard the answer.
    AnswerLost,
}

const FATES: [Fate; 4] = [Fate::NeverArrives, Fate::ArrivesJustBefore, Fate::ArrivesLast, Fate::AnswerLost];

/// A call that an operator is to be killed at.
struct Trap {
    /// As `CreateRole`.
    operation: &'static str,
    /// The parameters that tell it from others.
    params: Value,
    fate: Fate,
    _rule: Rule,
}

impl Trap {
    async fn set(emulator: &Emulator, operation: &'static str, params: Value, fate: Fate) -> Self {
        let rule = json!({
            "action": "hold",
            "when": if fate == Fate::AnswerLost { "after" } else { "before" },
            "match": {"operation": operation, "principal": "*assumed-role/irsa-operator/*", "params": params},
            "count": if fate == Fate::ArrivesJustBefore { 2 } else { 1 },
        });
        let rule = emulator.rule(rule).await;
        Self { operation, params, fate, _rule: rule }
    }

    /// The `nth` call that it holds.
    async fn caught(&self, emulator: &Emulator, nth: usize) -> u64 {
        let ours = |held: &Value| {
            let params = self.params.as_object().into_iter().flatten();
            held["operation"] == self.operation
                && params.into_iter().all(|(name, value)| held["params"][name] == *value)
        };
        let what = format!("{} {} is held, {:?}", self.operation, self.params, self.fate);
        crate::harness::eventually(&what, async || {
            let answer = emulator.ask("GET", format!("/_admin/held?account={}", emulator.account), None).await;
            let held = answer["held"].as_array().into_iter().flatten().filter(|held| ours(held));
            held.filter_map(|held| held["id"].as_u64()).nth(nth).ok_or_else(|| answer.to_string())
        })
        .await
    }

    /// Lets the call go on, and waits until AWS has done with it.
    async fn arrives(&self, emulator: &Emulator, held: u64) {
        let path = format!("/_admin/held?account={}", emulator.account);
        let all = emulator.ask("GET", path, None).await;
        let seq = all["held"].as_array().into_iter().flatten().find(|h| h["id"] == held).map(|h| h["seq"].clone());
        decide(emulator, held, "release").await;
        let before = seq.and_then(|seq| seq.as_u64()).expect("a held call") - 1;
        emulator.journal_wait(1, &format!("since={before}&operation={}", self.operation)).await;
    }
}

async fn decide(emulator: &Emulator, held: u64, action: &str) {
    emulator.ask("POST", format!("/_admin/held/{held}"), Some(json!({"action": action}))).await;
}

/// Waits for all of these calls, kills the operator there, and starts the next one. `done` waits until that has finished.
async fn kill_at(env: &Env, operator: Operator, traps: &[Trap], done: impl AsyncFnOnce()) -> Operator {
    kill_with(env, operator, traps, FLAGS, done).await
}

/// [`kill_at`], where the next one is given these flags.
async fn kill_with(
    env: &Env,
    operator: Operator,
    traps: &[Trap],
    flags: &[&str],
    done: impl AsyncFnOnce(),
) -> Operator {
    let emulator = &env.emulator;
    let mut calls = Vec::new();
    for trap in traps {
        calls.push((trap, trap.caught(emulator, 0).await));
    }
    operator.kill();
    for (trap, held) in &calls {
        if matches!(trap.fate, Fate::NeverArrives | Fate::AnswerLost) {
            decide(emulator, *held, "drop").await;
        }
    }
    let mut operator = Operator::start(env, flags);
    operator.ready().await;
    for (trap, held) in calls.iter().filter(|(trap, _)| trap.fate == Fate::ArrivesJustBefore) {
        let again = trap.caught(emulator, 1).await;
        trap.arrives(emulator, *held).await;
        trap.arrives(emulator, again).await;
    }
    done().await;
    for (trap, held) in calls.iter().filter(|(trap, _)| trap.fate == Fate::ArrivesLast) {
        trap.arrives(emulator, *held).await;
    }
    operator
}

/// How AWS's reads lag behind its writes from now on.
async fn lag(env: &Env, propagation: Value) {
    let path = format!("/_admin/accounts/{}/switches", env.emulator.account);
    env.emulator.ask("POST", path, Some(json!({"propagation": propagation}))).await;
}

/// It works on all at once, so that one kill hits many.
const FLAGS: &[&str] = &["--resync", "1h", "--concurrency", "64"];

fn start(env: &Env) -> Operator {
    Operator::start(env, FLAGS)
}

/// All of it in one environment, one after the other.
#[tokio::test]
async fn a_kill_at_any_call_is_made_good_by_the_next_start() {
    let env = Env::own("kill");
    // One who has just started does not know what was written a moment before; here every moment counts, and what lags
    // would only be seen later.
    lag(&env, Value::Null).await;
    let mut operator = start(&env);
    operator.ready().await;
    let operator = providers::made_and_deleted(&env, operator).await;
    let operator = providers::given_audiences(&env, operator).await;
    env.default_class().await;
    let operator = bindings::made_and_deleted(&env, operator).await;
    let operator = changes::at_each_call(&env, operator).await;
    let operator = replaced::at_each_call(&env, operator).await;
    let operator = adoption::at_each_call(&env, operator).await;
    let operator = handed::at_the_call(&env, operator).await;
    let operator = bindings::deleted_while_nobody_runs(&env, operator).await;
    let operator = bindings::deleted_before_aws_shows_them(&env, operator).await;
    let operator = bindings::with_a_new_account_of_its_own(&env, operator).await;
    bindings::whose_answers_are_lost(&env, &operator).await;
}
