//! Reading a role, and carrying out a plan step by step.

use super::account::accounts;
use super::adopt;
use super::agree::{agree, foresee, is_theirs, own_id};
use super::annotate::{account_step, waits};
use super::binding::Stop;
use super::contested;
use super::create;
use super::state::Ctx;
use crate::api::Mode;
use crate::api::names::tag;
use crate::aws::{Aws, Created};
use crate::contested::suspect;
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::guardrails::what_stays;
use crate::iam::role::{Observed, Role};
use crate::plan::{
    Facet, Plan, Step, after, claims, created, explained, may_try, not_yet, plan, standing, unannotated,
};
use crate::snapshot::Seen;
use crate::status::Outcome;
use crate::store::NsName;
use std::collections::BTreeSet;
use std::time::Instant;

/// What is to be made true, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What must be true.
    pub desired: &'a Desired,
    /// Its fingerprint.
    pub wish: u64,
    /// Name and generation of the class that allows it.
    pub class: (&'a str, i64),
    /// The binding.
    pub binding: &'a NsName,
    /// The account of the role.
    pub aws: &'a Aws,
    /// Whether it had a role before: to make that again is a repair.
    pub had_role: bool,
    /// Nothing but the binding's status has told of the role so far.
    pub presumed: bool,
    /// Whether what differs was changed by somebody else: this generation and this wish were true before.
    pub drift: bool,
    /// Why less may be wanted now than before though the binding has not asked for less.
    pub cause: Option<crate::fuse::Cause>,
}

/// How the AWS side of a plan ended.
pub(super) enum Ended {
    /// As planned.
    Done,
    /// There is a role of that name already: look at it, and plan again.
    Exists,
    /// Here.
    Failed,
}

impl Run<'_> {
    /// The role as AWS shows it now. Within the settle window of our own last write only whose it is is read, because
    /// what else AWS shows may be older than that write.
    pub async fn read(&self, ctx: &Ctx) -> Result<Observed, Error> {
        let (arn, settle) = (&self.desired.arn, ctx.settings.settle);
        let own = ctx.state().snapshot.own(arn, settle, Instant::now());
        let Some(mut own) = own else {
            // Where a role is that the spec names only AWS knows.
            let (named, desired) = (self.desired.adoption.named, self.desired);
            let path = if named { "/" } else { &desired.path };
            let role = self.aws.role(&desired.name, path, !named && ctx.missed(arn)).await?;
            ctx.witness(&desired.owner, role.as_ref());
            return Ok(role.map_or(Observed::Absent, |role| Observed::Present(Box::new(role))));
        };
        let Some(head) = self.aws.role_head(&self.desired.name, &self.desired.path, false).await? else {
            return Err(Error::new(Category::Settling, format!("AWS does not show {arn} everywhere yet")));
        };
        ctx.witness(&self.desired.owner, Some(&head));
        standing(self.desired, &head)?;
        if head.id != own.id {
            // The one before it, which AWS still shows; or somebody was faster than our window. That will tell.
            return Err(Error::new(Category::Settling, format!("AWS shows another {arn} than the one just written")));
        }
        own.tags.extend(head.tags.into_iter().filter(|(key, _)| key.eq_ignore_ascii_case(tag::HOLD)));
        Ok(Observed::Present(Box::new(own)))
    }

    /// Which stray managed policies only deny. Each is read once, before it would be detached.
    pub async fn denying(&self, ctx: &Ctx, role: &Role) -> Result<BTreeSet<String>, Error> {
        let known = ctx.state().snapshot.last(&self.desired.arn).map(|seen| seen.extras.denying).unwrap_or_default();
        let mut denying = BTreeSet::new();
        for arn in role.attached.difference(&self.desired.managed) {
            if known.contains(arn) || self.aws.policy_only_denies(arn).await? {
                denying.insert(arn.clone());
            }
        }
        Ok(denying)
    }
}

/// A role that CreateRole finds and GetRole does not: one that was just made or deleted, or one whose name is another, as
/// IAM asks for the name with its case and keeps the other from being made. Only time tells them apart.
fn exists_and_does_not(ctx: &Ctx, run: &Run<'_>) -> Error {
    let since = {
        let mut state = ctx.state();
        let memory = state.memory.entry(run.binding.clone()).or_default();
        *memory.seldom().hidden.get_or_insert_with(Instant::now)
    };
    let arn = &run.desired.arn;
    if since.elapsed() <= ctx.settings.settle {
        let text = format!("AWS says of {arn} both that it exists and that it does not; it is tried again in a moment");
        return Error::new(Category::Settling, text);
    }
    let text = format!(
        "AWS makes no role {arn}, as another has this name but for upper and lower case: rename this binding, or delete \
         that role"
    );
    Error::new(Category::Conflict, text)
}

/// AWS shows the role, or made it.
fn is_visible(ctx: &Ctx, run: &Run<'_>) {
    if let Some(seldom) = ctx.state().memory.get_mut(run.binding).and_then(|memory| memory.seldom.as_mut()) {
        seldom.hidden = None;
    }
}

/// Plans and does, and tells `outcome`.
pub async fn carry_out(
    ctx: &Ctx,
    run: &Run<'_>,
    mut observed: Observed,
    seen: Option<Seen>,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let mut id = seen.as_ref().map(|seen| seen.id.clone()).filter(|id| !id.is_empty());
    loop {
        // What was left for later when the role was read is still to be done.
        let manages = run.desired.mode == Mode::Manage;
        outcome.rests = seen.as_ref().filter(|_| manages).map(|s| s.extras.foreseen.clone()).unwrap_or_default();
        let (mut denying, mut known) = (BTreeSet::new(), None);
        let stays = what_stays(run.desired, &observed);
        let run = &Run { desired: stays.as_ref().unwrap_or(run.desired), ..*run };
        if let Observed::Present(role) = &observed {
            is_visible(ctx, run);
            known = Some(role.as_ref().clone());
            outcome.writers[0] = suspect(&role.tags, &run.desired.tags);
            if let Err(error) = standing(run.desired, role) {
                outcome.failure = Some((Some(Facet::Role), error));
                return Ok(());
            }
            id = own_id(run, Some(role));
            denying = run.denying(ctx, role).await?;
        }
        let service_account = &run.desired.service_account;
        let accounts = accounts(&ctx.state(), run.binding, Some(&service_account.name));
        outcome.account_missing =
            (accounts.current.is_none() && !service_account.create).then(|| service_account.name.clone());
        let mut plan = match plan(run.desired, &observed, &accounts, &denying) {
            Ok(plan) => plan,
            // The role may be ours: it is the ServiceAccount that is another's; or there is none of the name.
            Err(error) => {
                let nowhere = observed == Observed::Absent && run.desired.adoption.named;
                let facet = if nowhere { Facet::Role } else { Facet::ServiceAccount };
                outcome.failure = Some((Some(facet), error));
                return Ok(());
            }
        };
        if let Some(seen) = &seen {
            (plan.steps, plan.waiting) = unannotated(run.desired, &accounts, &seen.extras.waiting, plan.steps);
            plan.waiting.splice(..0, seen.extras.waiting.iter().cloned());
            // Nobody is sent to a role that is on hold and not ours.
            plan.steps.retain(|_| !is_theirs(seen) || run.desired.mode == Mode::Observe);
        }
        if run.desired.mode == Mode::Observe {
            foresee(ctx, run, plan, (known, denying, seen), &accounts, outcome);
            return Ok(());
        }
        if super::fuse::holds(ctx, run, &observed, &plan, id.as_ref(), outcome)? {
            return Ok(());
        }
        let held = |seen: &Seen| !seen.extras.held.is_empty();
        outcome.held = !plan.held.is_empty() || seen.as_ref().is_some_and(held);
        if plan.adopts {
            adopt::announce(ctx, run, &plan);
        }
        match steps(ctx, run, &plan, &mut known, outcome).await? {
            Ended::Exists => {
                observed = run.read(ctx).await.map_err(|error| adopt::hidden(run.desired, error))?;
                if observed == Observed::Absent {
                    return Err(exists_and_does_not(ctx, run).into());
                }
                continue;
            }
            Ended::Done if seen.is_none() => {
                is_visible(ctx, run);
                match &known {
                    Some(role) => agree(ctx, run, &plan, role, denying, &outcome.rests),
                    None => ctx.state().snapshot.absent(&run.desired.arn, None),
                }
                id = own_id(run, known.as_ref()).or(id);
            }
            Ended::Failed => id = own_id(run, known.as_ref()).or(id),
            Ended::Done => {}
        }
        outcome.pending.extend(plan.held);
        outcome.notes = plan.notes;
        outcome.pending.append(&mut outcome.rests);
        if let Some(seen) = seen {
            outcome.notes.extend(seen.extras.notes);
            outcome.pending.extend(seen.extras.held);
        }
        adopt::tell_waiting(run, plan.waiting, outcome);
        if let Some(role) = &mut outcome.role {
            role.id = id;
        }
        return Ok(());
    }
}

pub(super) async fn steps(
    ctx: &Ctx,
    run: &Run<'_>,
    plan: &Plan,
    known: &mut Option<Role>,
    outcome: &mut Outcome,
) -> Result<Ended, Stop> {
    let arn = &run.desired.arn;
    for step in &plan.steps {
        if let Err(error) = ctx.may_go_on(run) {
            outcome.failure.get_or_insert((Some(step.facet()), error));
            outcome.pending.push(step.clone());
            continue;
        }
        if contested::leave(ctx, run, step, &outcome.rests) {
            outcome.rests.push(step.clone());
            continue;
        }
        let outage = outcome.failure.as_ref().is_some_and(|(_, error)| error.category.is_outage());
        if outage || !may_try(run.desired, known.as_ref(), &outcome.pending, step) || waits(ctx, run, step, outcome) {
            outcome.pending.push(step.clone());
            continue;
        }
        let result = if step.facet() == Facet::ServiceAccount {
            outcome.writers[1] = contested::writers(ctx, run);
            match account_step(ctx, run, step).await {
                Ok(()) => Ok(()),
                Err(stop @ (Stop::Stale | Stop::Waiting | Stop::Later(_))) => return Err(stop),
                // Fails on its own: AWS goes on, and a Pod that has its annotation already keeps working.
                Err(Stop::Failed(error)) => {
                    outcome.account_failure.get_or_insert(error);
                    outcome.pending.push(step.clone());
                    continue;
                }
            }
        } else {
            ctx.state().snapshot.unknown(arn);
            let sent = match step {
                Step::CreateRole => match create::create(ctx, run).await {
                    Ok(Created::Exists) => {
                        // Whose it is may have been content with it, which is forgotten now.
                        let mut state = ctx.state();
                        state.snapshot.wrote(arn, None, Instant::now());
                        state.wake_sharing(arn, run.binding);
                        return Ok(Ended::Exists);
                    }
                    Ok(Created::New(id)) => {
                        *known = Some(created(run.desired, id));
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
                step => {
                    let tags = known.as_ref().map(|role| &role.tags);
                    let sent = run.aws.apply(run.desired, step).await;
                    sent.map_err(|error| match outcome.done.iter().any(claims) {
                        true => not_yet(&run.desired.arn, error),
                        false => explained(run.desired, step, tags, error),
                    })
                }
            };
            match (&sent, known.as_mut()) {
                (Ok(()), Some(role)) => {
                    after(role, run.desired, step);
                    // One that was taken over from a former issuer tells of no other cluster any more.
                    if matches!(step, Step::Tag(tags) if tags.contains_key(tag::ISSUER)) {
                        ctx.witness(&run.desired.owner, Some(role));
                    }
                }
                // It may have been done all the same.
                (Err(error), _) if error.category == Category::Transient => *known = None,
                _ => {}
            }
            ctx.state().snapshot.wrote(arn, known.clone(), Instant::now());
            sent
        };
        match result {
            Ok(()) => outcome.done.push(step.clone()),
            Err(error) => {
                outcome.failure.get_or_insert((Some(step.facet()), error));
                outcome.pending.push(step.clone());
            }
        }
    }
    Ok(if outcome.failure.is_some() { Ended::Failed } else { Ended::Done })
}
