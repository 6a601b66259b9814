//! The reconcile of a binding.

use super::account::accounts;
use super::adopt::hidden;
use super::annotate::make_sure;
use super::api::ApiError;
use super::bounds;
use super::contested::may_rest;
use super::deletion;
use super::execute::{Run, carry_out};
use super::former;
use super::fuse;
use super::hand_over;
use super::held;
use super::identity::{refuse_new_identity, role_hints};
use super::lock::RoleLock;
use super::revoke;
use super::rival::refuse_rival;
use super::state::{Class, Ctx, State};
use super::tell::conclude;
use super::worker::Next;
use super::write;
use crate::api::names::FINALIZER;
use crate::api::reason;
use crate::api::{IrsaBindingSpec, Mode};
use crate::desired::{Desired, Who, desired};
use crate::error::{Category, Error};
use crate::iam::arn::RoleArn;
use crate::iam::role::Observed;
use crate::plan::{taken_away, with_flag};
use crate::queue::Kind;
use crate::snapshot::{Judgement, Prints, Question, Seen};
use crate::status::{Outcome, RoleInfo, status, was_true};
use crate::store::{LeanBinding, NsName};
use std::sync::Arc;
use std::time::Instant;

/// Why a reconcile ended early.
#[derive(Debug)]
pub enum Stop {
    /// What it was computed from is no longer so.
    Stale,
    /// Somebody has to be told.
    Failed(Error),
    /// The account's first snapshot is not complete yet.
    Waiting,
    /// Not before then: whom else it concerns is not known yet.
    Later(Instant),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Failed(error) => Self::Failed(error),
            // Fields are told apart where they can occur; the others come right by the watch.
            ApiError::Stale | ApiError::NotFound | ApiError::Fields(_) | ApiError::Terminating => Self::Stale,
        }
    }
}

/// Makes a binding true, or gone.
pub async fn reconcile(ctx: &Ctx, key: &NsName, kind: Kind) -> Next {
    let Some(mut object) = ctx.state().bindings.get(key).cloned() else { return Next::Gone };
    if object.head.deleted.is_some() {
        return deletion::reconcile(ctx, object, kind).await;
    }
    let (mut outcome, began) = (Outcome::default(), Instant::now());
    let mut stop = keep(ctx, &mut object, kind, &mut outcome).await.err();
    if stop.is_none() && outcome.trouble().is_none() && outcome.mode == Some(Mode::Manage) {
        // What waits for somebody's word, or for its turn, is not as the class says yet.
        let whole = !outcome.held && outcome.pending.is_empty();
        let generation = whole.then_some(outcome.class_generation);
        outcome.class.iter().for_each(|class| ctx.state().is_held(key, class, generation));
    } else if former::left(stop.as_ref(), &outcome) {
        stop = match (former::hold(ctx, &object, kind, &mut outcome).await, stop) {
            // What is wrong with the binding is what its owner can do something about.
            (Err(Stop::Failed(_)), Some(stop @ Stop::Failed(_))) | (Ok(()), Some(stop)) => Some(stop),
            (revoked, _) => revoked.err(),
        };
    }
    outcome.generation = object.head.generation;
    match stop {
        Some(Stop::Stale) => return Next::Again,
        Some(Stop::Waiting) => return Next::Wait,
        Some(Stop::Later(at)) => {
            ctx.state().fuse.decided(key, Instant::now());
            return Next::Look(kind, at);
        }
        Some(Stop::Failed(error)) => outcome.failure = Some((None, error)),
        None => {}
    }
    decided(ctx, key, &outcome);
    conclude(ctx, &object, outcome, began, status).await
}

/// What was found out holds for the pass that looks at all bindings, unless it is only that nothing can be found out now.
fn decided(ctx: &Ctx, key: &NsName, outcome: &Outcome) {
    let mut state = ctx.state();
    let waits = state.memory.get(key).is_some_and(|memory| memory.waits);
    // In an account that is frozen nobody knows yet what is to be done there once it is not.
    let unknown = |error: &Error| error.category.is_outage() || error.reason == reason::CLUSTER_IDENTITY_CONFLICT;
    if !waits && !outcome.trouble().is_some_and(unknown) {
        state.fuse.decided(key, Instant::now());
    }
}

/// The table of contents. `outcome` tells how far it came.
async fn keep(ctx: &Ctx, object: &mut Arc<LeanBinding>, kind: Kind, outcome: &mut Outcome) -> Result<(), Stop> {
    let spec = object.decode().map_err(|e| Error::new(Category::Invalid, e.to_string()))?;
    let mut class = ctx.state().class(spec.class_name.as_deref())?;
    class.aws = class.aws.on_behalf(kind, object.head.key.namespace.clone());
    (outcome.class, outcome.class_generation) = (Some(class.name.clone()), class.generation);
    outcome.mode = Some(spec.mode.within(class.spec.mode));
    refuse_rival(&ctx.state(), object, &spec)?;
    let desired = desired(who(&object.head.key, &class.name), &spec, &class.spec, &class.place)?;
    let (desired, forbidden) = bounds::confine(ctx, object, &spec, &class, desired)?;
    let mut desired = located(&ctx.state(), object, desired);
    refuse_new_identity(ctx, &class, object, &spec, &desired).await?;
    // What its class does not allow as it stands is not claimed before there is a role.
    let claims = desired.mode != Mode::Observe;
    let fresh = claims && forbidden.is_none() && claim(ctx, object, &spec, &class).await?;
    // One that a sweep has shown is there already: a cluster that was rebuilt, or a binding that was away.
    let fresh = fresh && !ctx.state().snapshot.shows(&desired.arn);
    outcome.role = Some(info(&desired, object));
    outcome.forbidden.clone_from(&forbidden);
    let key = object.head.key.clone();
    let before = object.status();
    outcome.wish_changed = ctx.state().snapshot.wished_otherwise(&desired.arn, desired.fingerprint());
    let run = Run {
        desired: &desired,
        wish: desired.fingerprint(),
        class: (&class.name, class.generation),
        binding: &key,
        aws: &class.aws,
        had_role: before.role_id.is_some(),
        presumed: false,
        drift: was_true(&before, object.head.generation, Some(desired.mode)) && !outcome.wish_changed,
        cause: fuse::cause(ctx, object, outcome.wish_changed),
    };
    remember(ctx, object, &desired);
    make_sure(ctx, object, &desired.service_account).await?;
    if desired.mode == Mode::Annotate {
        if let Some(error) = forbidden.filter(|_| !object.head.has_finalizer(FINALIZER)) {
            return Err(bounds::refused(outcome, error));
        }
        if object.status().mode != Some(Mode::Annotate) {
            // Of the role nothing is asked any more, and nothing remembered.
            let mut state = ctx.state();
            state.snapshot.forget(&desired.arn);
            state.wake_sharing(&desired.arn, &object.head.key);
        }
        revoke::off_former(ctx, &run, outcome).await?;
        let offered = hand_over::offer_role(ctx, &run, &class.spec, outcome).await;
        carry_out(ctx, &run, Observed::Agreed, Some(Seen::default()), outcome).await?;
        return offered;
    }
    bounds::refuse_unheard_of(ctx, object, &desired, kind, outcome)?;
    hand_over::offer_role(ctx, &run, &class.spec, outcome).await?;
    if let Some(at) = ctx.state().fuse.waits(&object.head.key, Instant::now()).filter(|_| !fresh) {
        return Err(Stop::Later(at));
    }
    match judge(ctx, object, &run) {
        _ if fresh => {}
        // What was left for later has its turn.
        Judgement::Agreed(seen) if desired.mode == Mode::Manage && !may_rest(ctx, &run, &seen.extras.foreseen) => {}
        // And what waits for a word may be revoked by now.
        Judgement::Agreed(seen) if !seen.extras.waiting.is_empty() && seen.extras.revoked != desired.revoked() => {}
        Judgement::Agreed(seen) => {
            if !claims && outcome.forbidden.is_none() {
                held::agrees(ctx, &run);
            }
            return carry_out(ctx, &run, Observed::Agreed, Some(seen), outcome).await;
        }
        Judgement::Wait => return wait(ctx, &run, object, outcome).await,
        Judgement::Look => {}
    }
    let Some(_lock) = RoleLock::try_take(ctx, &desired.arn) else {
        return Err(Error::new(Category::Settling, format!("another binding is working on {}", desired.arn)).into());
    };
    let (had_role, drift, cause) = (run.had_role, run.drift, run.cause);
    // A binding that we never touched has no role of ours. Whether there is another is asked by CreateRole itself.
    let makes = fresh && !desired.adoption.named;
    let makes = makes || (forbidden.is_some() && ctx.missed(&desired.arn));
    let observed = if makes { Observed::Absent } else { look(ctx, &run, object).await? };
    former::refuse_move(ctx, &key, &desired, &observed, outcome)?;
    bounds::refuse_new(&desired, &observed, outcome.forbidden.clone(), outcome)?;
    if outcome.forbidden.is_some() && claims {
        claim(ctx, object, &spec, &class).await?;
    }
    if let Observed::Present(role) = &observed
        && let Some(arn) = RoleArn::parse(&role.arn).filter(|arn| role.arn != desired.arn && desired.may_be(arn))
    {
        desired = desired.located(&arn);
        outcome.role = Some(info(&desired, object));
        remember(ctx, object, &desired);
    }
    let (wish, of) = (desired.fingerprint(), (class.name.as_str(), class.generation));
    let aws = &class.aws;
    let run = Run { desired: &desired, wish, class: of, binding: &key, aws, had_role, presumed: false, drift, cause };
    let Some(observed) = revoke::off(ctx, &run, observed, outcome).await? else { return Ok(()) };
    if !claims && outcome.forbidden.is_none() {
        held::has_looked(ctx, &run, &observed);
    }
    carry_out(ctx, &run, observed, None, outcome).await
}

/// The path of a role that the spec names, as far as it is known without asking AWS: what of it is wrong, a sweep or a
/// direct read puts right.
fn located(state: &State, object: &LeanBinding, desired: Desired) -> Desired {
    if !desired.adoption.named {
        return desired;
    }
    let hints = role_hints(state, object, &desired.service_account.name);
    let known = hints.iter().filter_map(|hint| RoleArn::parse(hint)).find(|arn| desired.may_be(arn));
    known.iter().fold(desired, Desired::located)
}

/// What the snapshot says of the role.
fn judge(ctx: &Ctx, object: &LeanBinding, run: &Run<'_>) -> Judgement {
    let desired = run.desired;
    let question = Question {
        arn: &desired.arn,
        wish: run.wish,
        wanted: Prints::wanted(desired),
        was_true: was_true(&object.status(), object.head.generation, Some(desired.mode)),
        due: ctx.first_direct_look(&desired.account, Instant::now()),
    };
    let mut state = ctx.state();
    let judgement = state.snapshot.judge(&question, ctx.settings.settle, Instant::now());
    state.memory.entry(object.head.key.clone()).or_default().waits = judgement == Judgement::Wait;
    judgement
}

/// Until the first sweep tells of the role, the ServiceAccount is seen to; where that is as it should be, nothing is
/// said.
async fn wait(ctx: &Ctx, run: &Run<'_>, object: &LeanBinding, outcome: &mut Outcome) -> Result<(), Stop> {
    let seen = Seen { id: object.status().role_id.unwrap_or_default(), ..Seen::default() };
    carry_out(ctx, &Run { presumed: true, ..*run }, Observed::Agreed, Some(seen), outcome).await?;
    if outcome.done.is_empty() && outcome.trouble().is_none() { Err(Stop::Waiting) } else { Ok(()) }
}

/// The role as AWS shows it. The fence of our own IAM policy hides a role that is not ours: where no role was ever known
/// to be this binding's, CreateRole tells whether there is another of its name.
async fn look(ctx: &Ctx, run: &Run<'_>, object: &LeanBinding) -> Result<Observed, Error> {
    match run.read(ctx).await {
        // Nothing is created in mode Observe; a role that is listed and may not be read is one that is not ours.
        read if run.desired.mode == Mode::Observe => read.map_err(|error| hidden(run.desired, error)),
        Err(error) if error.category == Category::Denied && object.status().role_id.is_none() => {
            if run.desired.adoption.named { Err(hidden(run.desired, error)) } else { Ok(Observed::Absent) }
        }
        Err(error) if error.category == Category::Denied && ctx.is_theirs(&run.desired.arn) => {
            Err(taken_away(&run.desired.arn))
        }
        Err(error) if run.desired.adoption.named => Err(with_flag(&run.desired.arn, error)),
        read => read,
    }
}

/// The names of a binding.
pub fn who<'a>(key: &'a NsName, class: &'a str) -> Who<'a> {
    Who { namespace: &key.namespace, name: &key.name, class }
}

/// Our finalizer, before the first change outside. `true`: it was not there, so we have never changed anything.
async fn claim(ctx: &Ctx, object: &mut Arc<LeanBinding>, spec: &IrsaBindingSpec, class: &Class) -> Result<bool, Stop> {
    let class = spec.class_name.is_none().then_some(class.name.as_str());
    let fresh = !object.head.has_finalizer(FINALIZER);
    if fresh || class.is_some() {
        *object = write::claim(ctx, object.as_ref(), class).await?;
    }
    Ok(fresh)
}

fn info(desired: &Desired, object: &LeanBinding) -> RoleInfo {
    RoleInfo {
        account: desired.account.clone(),
        arn: desired.arn.clone(),
        id: None,
        provider_arn: desired.provider_arn.clone(),
        service_account: format!("{}/{}", object.head.key.namespace, desired.service_account.name),
        grants: !desired.managed.is_empty() || !desired.inline.is_empty(),
    }
}

fn remember(ctx: &Ctx, object: &LeanBinding, desired: &Desired) {
    let mut state = ctx.state();
    let memory = state.memory.entry(object.head.key.clone()).or_default();
    if let Some(seldom) = memory.seldom.as_mut().filter(|_| desired.mode == Mode::Manage) {
        seldom.offered = None;
    }
    if memory.role_arn.as_deref() == Some(&desired.arn) {
        return;
    }
    if let Some(before) = memory.role_arn.replace(desired.arn.as_str().into()) {
        state.snapshot.forget(&before);
        state.wake_sharing(&before, &object.head.key);
    }
}

/// The ServiceAccounts of a binding as the store holds them.
pub fn seen_accounts(ctx: &Ctx, object: &LeanBinding) -> crate::plan::Accounts {
    accounts(&ctx.state(), &object.head.key, object.service_account.as_deref())
}
