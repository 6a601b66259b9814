//! Removals wait for their fellows, and where they are too many for somebody's word.

use super::api::ApiError;
use super::binding::Stop;
use super::bygone::{asks_to_retain, class, mode};
use super::deletion::definition_is_going;
use super::execute::Run;
use super::state::{Ctx, State};
use super::write;
use crate::api::Mode;
use crate::api::names::{ALLOW_REMOVALS, FINALIZER};
use crate::api::reason;
use crate::error::{Category, Error};
use crate::fuse::{Allowed, Cause, Held, Removal, Verdict, WAIT};
use crate::iam::role::Observed;
use crate::plan::{Plan, Step, takes_away};
use crate::queue::Kind;
use crate::status::{IN_NAMESPACE, Notice, Outcome, was_true};
use crate::store::{LeanBinding, LeanClass, NsName, Store};
use std::sync::Arc;
use std::time::Instant;
use tracing::info;

/// As many namespaces are named that are held by themselves.
const NAMED: usize = 3;

impl State {
    /// A binding is being deleted, or something about it or its class has changed since.
    pub fn note_removal(&mut self, object: &LeanBinding) {
        let (key, now) = (&object.head.key, Instant::now());
        if object.head.deleted.is_some() && object.head.has_finalizer(FINALIZER) {
            let (name, class) = class(self, object);
            let keeps = mode(object, class.as_ref()) == Mode::Observe || asks_to_retain(object, class.as_ref());
            // One that has no role takes none along, and is not to hold up those that have.
            let takes = !keeps && self.may_have_role(object);
            self.fuse.note(key, &name, if takes { Removal::Role } else { Removal::Nothing }, now);
        } else if matches!(self.fuse.removal(key), Some(Removal::Quarantine | Removal::Released)) {
            // It is back.
            self.fuse.settled(key);
        }
    }

    /// What a class tells of removals that are held.
    pub fn held_removals(&self, class: &str) -> Option<String> {
        let held = self.fuse.held(class)?;
        let alone: Vec<_> = self.fuse.all_alone(class).map(|(name, held)| (&**name, held)).collect();
        Some(format!(
            "{}; {} begins before somebody allows it: {}",
            many(held, &places(held, &alone)),
            if held.count() == 1 { "it" } else { "none of them" },
            word(class, held, &alone)
        ))
    }

    /// The first pass begins: whatever it is to take away is counted before any of it is taken.
    pub fn begin_first_pass(&mut self) {
        let Self { fuse, bindings, classes, .. } = self;
        let default = classes.iter().find(|class| class.is_default).map(|class| class.head.key.name.clone());
        let all = bindings.iter().filter(|binding| binding.head.deleted.is_none());
        let named = all.filter_map(|binding| {
            let class = binding.class_name.as_deref().or(default.as_deref())?;
            Some((&binding.head.key, class))
        });
        fuse.start(named, Instant::now());
    }

    /// A class was edited: whatever this takes from its bindings is counted before any of it is taken.
    ///
    /// `default`: it is or was the class of bindings that name none.
    pub fn begin_class_pass(&mut self, class: &str, default: bool) {
        let Self { fuse, bindings, .. } = self;
        let uses = |b: &&Arc<LeanBinding>| b.class_name.as_deref().map_or(default, |name| name == class);
        let its = bindings.iter().filter(|b| b.head.deleted.is_none()).filter(uses);
        fuse.edited(class, its.map(|binding| &binding.head.key), Instant::now());
    }

    /// What is to become of what was noted of a binding, or of a role without one. The class tells of the first that is
    /// held.
    pub fn ask_fuse(&mut self, key: &NsName, class: &str) -> Verdict {
        let Self { fuse, bindings, .. } = self;
        let verdict = fuse.ask(key, || users(bindings, class), Instant::now());
        if self.fuse.take_news(class) {
            self.wake_class(class);
        }
        verdict
    }

    /// What is said of one that is held: how many are, where, and how they are let go.
    fn held_with(&self, binding: &NsName, class: &str, held: Held) -> String {
        let namespace = &*binding.namespace;
        let alone: &[_] = if self.fuse.alone(class, namespace).is_some() { &[(namespace, held)] } else { &[] };
        format!("{}; to let them go: {}", many(held, &places(held, alone)), word(class, held, alone))
    }
}

/// How many bindings a class has.
fn users(bindings: &Store<LeanBinding>, class: &str) -> usize {
    bindings.iter().filter(|binding| binding.class_name.as_deref() == Some(class)).count()
}

/// The namespaces that are held by themselves; the first few, where there are many.
fn places(held: Held, alone: &[(&str, Held)]) -> String {
    let all = alone.iter().map(|(_, held)| held.count()).sum::<usize>() == held.count();
    let named = alone.iter().take(NAMED).map(|(name, of)| format!("{} of them {IN_NAMESPACE}{name}", of.count()));
    let more = alone.len().saturating_sub(NAMED);
    match alone {
        [] => String::new(),
        [(name, of)] if all => format!(", {}{IN_NAMESPACE}{name}", if of.count() == 1 { "" } else { "all " }),
        _ if more > 0 => format!(", {} and others in {more} more", named.collect::<Vec<_>>().join(", ")),
        _ => format!(", {}", named.collect::<Vec<_>>().join(", ")),
    }
}

/// What lets all of them go, and nothing else where they are of a few namespaces.
fn word(class: &str, held: Held, alone: &[(&str, Held)]) -> String {
    let all = alone.iter().map(|(_, held)| held.count()).sum::<usize>() == held.count();
    let said = match alone {
        [_, ..] if all && alone.len() <= NAMED => {
            let each: Vec<String> = alone.iter().map(|(name, of)| format!("{name}:{}", of.count())).collect();
            each.join(",")
        }
        _ => held.count().to_string(),
    };
    format!("kubectl annotate irsaclass {class} {ALLOW_REMOVALS}={said}")
}

fn many(held: Held, places: &str) -> String {
    let what = |count: usize, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {more}")),
    };
    let all = [
        what(
            held.roles,
            "deletion is held that takes its role along",
            "deletions are held that take their roles along",
        ),
        what(
            held.policies,
            "change is held that takes permissions away",
            "changes are held that take permissions away",
        ),
        what(held.quarantines, "quarantine of a role is held", "quarantines of roles are held"),
        what(
            held.released,
            "change of a role that was left behind is held",
            "changes of roles that were left behind are held",
        ),
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    let of = match held.of {
        0 => "no binding".to_owned(),
        1 => "1 binding".to_owned(),
        of => format!("{of} bindings"),
    };
    format!("{}{places}, in a class that had {of}", all.join(" and "))
}

/// Whether the deletion of a binding may begin; else when, or why not.
pub async fn ask(ctx: &Ctx, object: &LeanBinding) -> Result<Option<Instant>, Error> {
    let (verdict, name) = {
        let mut state = ctx.state();
        state.note_removal(object);
        let (name, _) = class(&state, object);
        (state.ask_fuse(&object.head.key, &name), name)
    };
    match verdict {
        Verdict::Go => Ok(None),
        Verdict::Wait(until) => Ok(Some(until)),
        // Then they keep their roles, all of them.
        Verdict::Held(_) if is_definition_going(ctx).await? => Ok(None),
        Verdict::Held(held) => {
            let key = &object.head.key;
            let text = format!(
                "{}; to keep this one's role: kubectl -n {} patch irsabinding {} --type merge -p \
                 '{{\"spec\":{{\"deletionPolicy\":\"Retain\"}}}}'",
                ctx.state().held_with(key, &name, held),
                key.namespace,
                key.name
            );
            Err(Error::because(Category::Blocked, reason::MASS_CHANGE_HELD, text))
        }
    }
}

/// Asked once in a while for all that are held. What it was a moment ago tells enough here: a deletion is held when it is
/// older than that.
async fn is_definition_going(ctx: &Ctx) -> Result<bool, Error> {
    let known = ctx.state().definition_stays;
    if known.is_some_and(|at| at.elapsed() < WAIT / 2) {
        return Ok(false);
    }
    let going = definition_is_going(ctx).await?;
    ctx.state().definition_stays = (!going).then(Instant::now);
    Ok(going)
}

/// One that takes nothing along, whatever it asks for, neither waits nor counts.
pub fn pass(ctx: &Ctx, object: &LeanBinding) -> Option<Instant> {
    ctx.state().fuse.settled(&object.head.key);
    None
}

/// Why less may be wanted of a binding now though it has not asked for less itself: the pass that it is looked at in.
pub fn cause(ctx: &Ctx, object: &LeanBinding, wish_changed: bool) -> Option<Cause> {
    let cause = ctx.state().fuse.cause(&object.head.key)?;
    // What a binding asks for itself is its own affair, and so is a repair; but an operator that has just started can't
    // tell them from an old state of the cluster.
    let by_class = wish_changed && was_true(&object.status(), object.head.generation, None);
    (cause == Cause::Start || by_class).then_some(cause)
}

/// Whether the steps of this plan are held, which is then told. One that takes nothing away, or only what the binding has
/// asked for itself, is not.
///
/// # Errors
/// `Later` where its fellows are not known yet.
pub fn holds(
    ctx: &Ctx,
    run: &Run<'_>,
    observed: &Observed,
    plan: &Plan,
    id: Option<&String>,
    outcome: &mut Outcome,
) -> Result<bool, Stop> {
    let Some(text) = weigh(ctx, run, observed, &plan.steps)? else { return Ok(false) };
    (outcome.held, outcome.held_by) = (true, Some(text));
    outcome.pending = plan.steps.iter().chain(&plan.held).cloned().collect();
    outcome.notes.clone_from(&plan.notes);
    if let Some(role) = &mut outcome.role {
        role.id = id.cloned();
    }
    Ok(true)
}

fn weigh(ctx: &Ctx, run: &Run<'_>, observed: &Observed, steps: &[Step]) -> Result<Option<String>, Stop> {
    let (mut state, class) = (ctx.state(), run.desired.owner.class.as_str());
    let noted = matches!(state.fuse.removal(run.binding), Some(Removal::Policies(_)));
    let asked_for = run.cause != Some(Cause::Start);
    let takes = matches!(observed, Observed::Present(role) if takes_away(role, steps, asked_for));
    match run.cause {
        _ if !takes && noted => state.fuse.settled(run.binding),
        Some(cause) if takes => {
            return state.may_take(run.binding, class, Some(cause));
        }
        _ if takes && noted => return state.may_take(run.binding, class, None),
        _ => {}
    }
    Ok(None)
}

impl State {
    /// Whether policies may be taken off the role of a binding, for this cause or for the one that was noted before:
    /// `None`, or what is said of it while it is held.
    ///
    /// # Errors
    /// `Later` where its fellows are not known yet.
    pub fn may_take(&mut self, binding: &NsName, class: &str, cause: Option<Cause>) -> Result<Option<String>, Stop> {
        if let Some(cause) = cause {
            self.fuse.note(binding, class, Removal::Policies(cause), Instant::now());
        }
        let why = match self.fuse.removal(binding) {
            Some(Removal::Policies(Cause::Start)) => "was planned in the first pass after a start of the operator",
            _ => "follows from an edit of the class",
        };
        match self.ask_fuse(binding, class) {
            Verdict::Go => Ok(None),
            Verdict::Wait(until) => Err(Stop::Later(until)),
            Verdict::Held(held) => Ok(Some(format!(
                "{}. This one {why}, and nothing is written to the role until then",
                self.held_with(binding, class, held)
            ))),
        }
    }
}

/// Does what the annotation of a class allows, and takes it off first: it is a word for once. Returns what is to be said
/// of it.
pub async fn heed(ctx: &Ctx, object: &mut Arc<LeanClass>) -> Result<Option<Notice>, Stop> {
    let Some(said) = object.allow_removals.clone().filter(|_| ctx.settings.fuse) else { return Ok(None) };
    match write::unannotate(ctx, object.as_ref(), ALLOW_REMOVALS).await {
        Ok(now) => *object = now,
        Err(ApiError::Failed(error)) => return Err(error.into()),
        Err(_) => return Err(Stop::Stale),
    }
    let name = &object.head.key.name;
    let Some(allowed) = Allowed::parse(&said) else {
        let text = format!(
            "the annotation {ALLOW_REMOVALS} was {said:?}; write how many removals may go, as \"50\", or of which namespaces, \
             as \"team-a:30,team-b:20\""
        );
        return Ok(Some(Notice::new(true, reason::INVALID, "Reconcile", text)));
    };
    let mut state = ctx.state();
    let told = allowed.into_iter().map(|allowed| allowed.told(state.fuse.allowed(name, allowed, Instant::now())));
    let told = told.collect::<Vec<_>>().join("; ");
    info!(class = %name, said, "{told}");
    for key in state.fuse.pending(name) {
        if let Some(deleted) = state.bindings.get(&key).map(|binding| binding.head.deleted.is_some()) {
            state.wake_binding(&key, if deleted { Kind::Deletion } else { Kind::Change });
        }
    }
    state.hint_for_orphans(name, true);
    drop(state);
    ctx.wake.notify_one();
    Ok(Some(Notice::new(false, reason::event::REMOVALS_ALLOWED, "Reconcile", told)))
}
