//! Roles that are left to another cluster: once a binding leaves mode Manage, its role says which binding may take it.

use super::binding::Stop;
use super::execute::Run;
use super::lock::RoleLock;
use super::state::Ctx;
use crate::api::names::tag;
use crate::api::{IrsaClassSpec, Mode};
use crate::error::{Category, Error};
use crate::iam::owner::{Owner, Ownership};
use crate::iam::role::Role;
use crate::iam::tags;
use crate::plan::{Step, after};
use crate::status::Outcome;
use std::time::Instant;

/// The value of the tag that offers a role to the binding of the same name in another cluster.
fn offer(to: &str, owner: &Owner) -> String {
    format!("{to}/{}/{}", owner.namespace, owner.binding)
}

/// Offers the role of a binding that is not managed any more, once. `had_role`: it ever had one.
pub async fn offer_role(ctx: &Ctx, run: &Run<'_>, class: &IrsaClassSpec, outcome: &mut Outcome) -> Result<(), Stop> {
    let desired = run.desired;
    let leaves = desired.mode != Mode::Manage && class.mode != Mode::Observe && run.had_role;
    let Some(value) = class.hand_over_to.as_ref().filter(|_| leaves).map(|to| offer(to, &desired.owner)) else {
        return Ok(());
    };
    let offered = ctx.state().memory.get(run.binding).and_then(|memory| memory.seldom.as_ref()?.offered.clone());
    if offered.as_ref() == Some(&value) {
        return Ok(());
    }
    let Some(_lock) = RoleLock::try_take(ctx, &desired.arn) else {
        return Err(Error::new(Category::Settling, format!("another binding is working on {}", desired.arn)).into());
    };
    let (role, theirs) = match run.aws.role_head(&desired.name, &desired.path, ctx.missed(&desired.arn)).await {
        // The fence of our own IAM policy hides it: it is another's already, unless a sweep has shown that it is ours.
        Err(error) if error.category == Category::Denied => (None, !ctx.state().snapshot.is_ours(&desired.arn)),
        role => (role?, false),
    };
    ctx.witness(&desired.owner, role.as_ref());
    if role.as_ref().is_some_and(|role| tags::get(&role.tags, tag::HOLD).is_some()) {
        // It is offered once somebody takes that off.
        return Ok(());
    }
    let hidden = role.is_none() && !theirs;
    let ours = role.filter(|role| {
        let ours = matches!(desired.owner.judge(&role.tags), Ownership::Ours { .. });
        role.arn == desired.arn && ours
    });
    if hidden {
        // One that AWS does not show now is offered once it does.
        return Ok(());
    }
    // Shortly after a write of ours AWS may still show what was before.
    let own = ctx.own_role(&desired.arn);
    let said = |role: &Role| tags::get(&own.as_ref().unwrap_or(role).tags, tag::ADOPTABLE_BY) == Some(&value);
    if let Some(role) = ours.filter(|role| !said(role)) {
        ctx.accounts.going_on().and_then(|()| ctx.may_write(desired))?;
        let step = Step::Tag([(tag::ADOPTABLE_BY.to_owned(), value.clone())].into());
        ctx.state().snapshot.unknown(&role.arn);
        let sent = run.aws.reduce(&desired.name, &step).await;
        let now = own.clone().filter(|_| sent.is_ok()).map(|mut own| {
            after(&mut own, desired, &step);
            own
        });
        ctx.state().snapshot.wrote(&role.arn, now, Instant::now());
        sent?;
        outcome.done.push(step);
        // Nobody's drift: it was asked for.
        outcome.wish_changed = true;
    }
    ctx.state().memory.entry(run.binding.clone()).or_default().seldom().offered = Some(value);
    Ok(())
}

/// The same for a role that a deleted binding leaves behind: with the mark that it was let go, in the same call.
pub fn offered(steps: Vec<Step>, class: Option<&IrsaClassSpec>, owner: &Owner) -> Vec<Step> {
    let Some(to) = class.and_then(|class| class.hand_over_to.as_ref()) else { return steps };
    let mut steps = steps;
    for step in &mut steps {
        if let Step::Tag(marks) = step
            && marks.contains_key(tag::RELEASED_BY)
        {
            marks.insert(tag::ADOPTABLE_BY.to_owned(), offer(to, owner));
        }
    }
    steps
}
