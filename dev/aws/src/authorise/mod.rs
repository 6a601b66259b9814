//! Authorisation: each call against the caller's policies, its boundary and its session policies, with the right
//! resource, path included, and the condition keys of each action. Every question is noted in the journal, also
//! where nothing is refused because the layer is off.
//! Source: IAM user guide, "Policy evaluation logic"; Service Authorization Reference (actions, resources, keys).

mod arnlike;
mod context;
mod decide;
mod needs;
mod sentence;
mod special;

pub use decide::{Asked, Decision, Layers, evaluate};

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::call::{Call, Service};
use crate::world::World;
use crate::world::keys::Key;
use needs::Need;

pub fn check(world: &World, call: &mut Call) -> Result<(), Refusal> {
    let needs = needs::of(world, call);
    let enforced = world.own.borrow().switches(&call.account).authorise;
    for need in needs {
        let decision = ask(world, call, &need);
        if enforced && decision != Decision::Allow {
            return Err(refusal(call, &need, decision));
        }
    }
    Ok(())
}

/// May this caller have a session of the role, as far as the caller's own policies go?
pub fn may_assume(world: &World, call: &mut Call, arn: &str, session: &str) -> (Decision, Refusal) {
    let need = needs::assume(call, arn, session);
    let decision = ask(world, call, &need);
    let refusal = refusal(call, &need, decision);
    (decision, refusal)
}

pub fn enforced(world: &World, account: &str) -> bool {
    world.own.borrow().switches(account).authorise
}

fn ask(world: &World, call: &mut Call, need: &Need) -> Decision {
    let Some(key) = &call.caller else { return Decision::NoIdentity };
    let context = context::of(world, call, key, need);
    let layers = Layers::of(world, key);
    let asked = Asked { action: &need.action, resource: &need.resource, context: &context };
    let decision = evaluate(&layers, &asked);
    let entry = json!({
        "action": need.action,
        "resource": need.resource,
        "allowed": decision == Decision::Allow,
        "why": sentence::layer(decision),
        "context": context::shown(&context),
    });
    // As text: the journal keeps tens of thousands of these.
    call.authorised.extend(to_raw_value(&entry));
    decision
}

fn refusal(call: &Call, need: &Need, decision: Decision) -> Refusal {
    let code = if call.service == Service::Eks { "AccessDeniedException" } else { "AccessDenied" };
    Refusal::new(403, code, sentence::of(&call.principal(), &need.action, &need.named, decision))
}

/// For the admin API: a decision on policies and a context that a test brings.
pub fn try_out(layers: &Layers, action: &str, resource: &str, given: &Value) -> Value {
    let context = context::given(given);
    let decision = evaluate(layers, &Asked { action, resource, context: &context });
    json!({"allowed": decision == Decision::Allow, "why": sentence::layer(decision)})
}

/// For the admin API: would a session of this role be allowed this, by all that is on the role now? The context is the
/// session's own, with what a test adds.
pub fn session_may(world: &World, key: &Key, action: &str, resource: &str, given: &Value) -> Value {
    let mut context = context::given(given);
    context.aws_userid = Some(key.user_id.clone());
    context.aws_principal_account = Some(key.account.clone());
    context.aws_current_time = Some(key.issued);
    context.aws_epoch_time = Some(key.issued.timestamp());
    context.aws_secure_transport = Some(true);
    context::caller(&mut context, world, key);
    let decision = evaluate(&Layers::of(world, key), &Asked { action, resource, context: &context });
    json!({"allowed": decision == Decision::Allow, "why": sentence::layer(decision)})
}
