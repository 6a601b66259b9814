//! The order of a call: hold and broken connections; signature, fault; then the layers and the handler; and on the
//! way back hold and fault once more. Waits stand only at both ends: what lies between is one piece.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http_body_util::Full;
use hyper::Response;

use crate::answer::{Cut, Outcome, Refusal, respond};
use crate::call::{Call, Service};
use crate::door::journal;
use crate::door::{principal, route};
use crate::faults::bucket;
use crate::faults::hold::{After, hold};
use crate::faults::rules::{Action, Stage, When};
use crate::faults::wire;
use crate::world::{World, lag};
use crate::{authorise, eks, exist, iam, ops, policy, shape, sts};

enum End {
    Outcome(Outcome),
    Page(u16),
    Cut(Cut),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Outcome(Err(refusal))
    }
}

pub async fn serve(world: Rc<World>, head: Parts, body: Bytes, peer: IpAddr) -> Result<Response<Full<Bytes>>, Cut> {
    let mut call = route::parse(&world, head, body, peer);
    world.own.borrow_mut().journal.come(&call);
    let end = match pass(&world, &mut call).await {
        Ok(outcome) => End::Outcome(outcome),
        Err(end) => end,
    };
    let (status, code, message) = match &end {
        End::Outcome(Ok(_)) => (200, "", ""),
        End::Outcome(Err(refusal)) => (refusal.status, refusal.code.as_str(), refusal.message.as_str()),
        End::Page(status) => (*status, "(html)", ""),
        End::Cut(Cut::Close) => (0, "(closed)", ""),
        End::Cut(Cut::Reset) => (0, "(reset)", ""),
    };
    let entry = journal::End { status, code, message };
    world.own.borrow_mut().journal.answered(&mut call, &entry);
    world.ring();
    match end {
        End::Outcome(outcome) => Ok(respond(call.service, &outcome, &call.request_id)),
        End::Page(status) => Ok(wire::page(status)),
        End::Cut(cut) => Err(cut),
    }
}

async fn pass(world: &World, call: &mut Call) -> Result<Outcome, End> {
    faults(world, call, When::Before, Stage::Door).await?;
    principal::verified(world, call)?;
    faults(world, call, When::Before, Stage::Service).await?;
    bucket::take(world, call)?;
    let outcome = apply(world, call);
    // Only what was applied can be lost on its way back.
    if outcome.is_ok() {
        faults(world, call, When::After, Stage::Door).await?;
        faults(world, call, When::After, Stage::Service).await?;
    }
    Ok(outcome)
}

/// From here to the end nothing waits.
fn apply(world: &World, call: &mut Call) -> Outcome {
    ops::known(call)?;
    shape::check(world, call)?;
    authorise::check(world, call)?;
    policy::check(world, call)?;
    exist::check(world, call)?;
    policy::rewrite(world, call);
    let touched = lag::before(world, call)?;
    let then = exist::before(world, call);
    let outcome = lag::around(world, call, |call| handle(world, call));
    exist::after(world, call, then, &outcome);
    lag::after(world, call, touched, &outcome);
    outcome
}

fn handle(world: &World, call: &mut Call) -> Outcome {
    match call.service {
        Service::Iam => iam::handle(world, call),
        Service::Sts => sts::handle(world, call),
        Service::Eks => eks::handle(world, call),
        Service::Unknown => Err(Refusal::new(400, "InvalidAction", "no such service here")),
    }
}

async fn faults(world: &World, call: &mut Call, when: When, stage: Stage) -> Result<(), End> {
    let actions = world.own.borrow_mut().faults.fire(call, when, stage);
    for (rule, action) in actions {
        match action {
            Action::Hold => match hold(world, call, rule, when).await {
                After::GoOn => {}
                After::Refuse(refusal) => return Err(refusal.into()),
                After::Cut(cut) => return Err(End::Cut(cut)),
            },
            Action::Delay { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
            Action::Throttle => return Err(wire::throttle(call.service).into()),
            Action::Fail { status, code, message } => return Err(Refusal { status, code, message }.into()),
            Action::Reset => return Err(End::Cut(Cut::Reset)),
            Action::Close => return Err(End::Cut(Cut::Close)),
            Action::Html { status } => return Err(End::Page(status)),
        }
    }
    Ok(())
}
