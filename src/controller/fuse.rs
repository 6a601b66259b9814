//! Deletions wait for their fellows, and where they are too many for somebody's word.

use super::api::ApiError;
use super::binding::Stop;
use super::bygone::{asks_to_retain, class, mode};
use super::deletion::definition_is_going;
use super::state::{Ctx, State};
use super::write;
use crate::api::Mode;
use crate::api::names::{ALLOW_REMOVALS, FINALIZER};
use crate::api::reason;
use crate::error::{Category, Error};
use crate::fuse::{Held, Verdict};
use crate::queue::Kind;
use crate::status::Notice;
use crate::store::{LeanBinding, LeanClass, Store};
use std::sync::Arc;
use std::time::Instant;
use tracing::info;

impl State {
    /// A binding is being deleted, or something about it or its class has changed since.
    pub fn note_removal(&mut self, object: &LeanBinding) {
        if object.head.deleted.is_some() && object.head.has_finalizer(FINALIZER) {
            let (name, class) = class(self, object);
            let removes = mode(object, class.as_ref()) != Mode::Observe && !asks_to_retain(object, class.as_ref());
            self.fuse.note(&object.head.key, &name, removes, Instant::now());
        }
    }

    /// What a class tells of deletions that are held.
    pub fn held_removals(&self, class: &str) -> Option<String> {
        let held = self.fuse.held(class, || users(&self.bindings, class))?;
        Some(format!(
            "{}; {} begins before somebody allows it: kubectl annotate irsaclass {class} {ALLOW_REMOVALS}={}",
            many(held),
            if held.count == 1 { "it" } else { "none of them" },
            held.count
        ))
    }
}

/// How many bindings a class has.
fn users(bindings: &Store<LeanBinding>, class: &str) -> usize {
    bindings.iter().filter(|binding| binding.class_name.as_deref() == Some(class)).count()
}

fn many(Held { count, of }: Held) -> String {
    let what =
        if count == 1 { "deletion is held that takes its role" } else { "deletions are held that take their roles" };
    format!("{count} {what} along, in a class that had {of} bindings")
}

/// Whether the deletion of a binding may begin; else when, or why not.
pub async fn ask(ctx: &Ctx, object: &LeanBinding) -> Result<Option<Instant>, Error> {
    let (verdict, name) = {
        let mut state = ctx.state();
        state.note_removal(object);
        let (name, _) = class(&state, object);
        let held = state.fuse.held(&name, || 0).is_some();
        let State { fuse, bindings, .. } = &mut *state;
        let verdict = fuse.ask(&object.head.key, || users(bindings, &name), Instant::now());
        if matches!(verdict, Verdict::Held(_)) && !held {
            state.wake_class(&name);
        }
        (verdict, name)
    };
    match verdict {
        Verdict::Go => Ok(None),
        Verdict::Wait(until) => Ok(Some(until)),
        // Then they keep their roles, all of them.
        Verdict::Held(_) if definition_is_going(ctx).await? => Ok(None),
        Verdict::Held(held) => {
            let key = &object.head.key;
            let text = format!(
                "{}; to let them go: kubectl annotate irsaclass {name} {ALLOW_REMOVALS}={}; to keep this one's role: \
                 kubectl -n {} patch irsabinding {} --type merge -p '{{\"spec\":{{\"deletionPolicy\":\"Retain\"}}}}'",
                many(held),
                held.count,
                key.namespace,
                key.name
            );
            Err(Error::because(Category::Blocked, reason::MASS_CHANGE_HELD, text))
        }
    }
}

/// One that takes nothing along, whatever it asks for, neither waits nor counts.
pub fn pass(ctx: &Ctx, object: &LeanBinding) -> Option<Instant> {
    ctx.state().fuse.note(&object.head.key, "", false, Instant::now());
    None
}

/// Does what the annotation of a class allows, and takes it off first: it is a word for once. Returns what is to be said
/// of one that can't be read.
pub async fn heed(ctx: &Ctx, object: &mut Arc<LeanClass>) -> Result<Option<Notice>, Stop> {
    let Some(said) = object.allow_removals.clone().filter(|_| ctx.settings.fuse) else { return Ok(None) };
    match write::unannotate(ctx, object.as_ref(), ALLOW_REMOVALS).await {
        Ok(now) => *object = now,
        Err(ApiError::Failed(error)) => return Err(error.into()),
        Err(_) => return Err(Stop::Stale),
    }
    let name = &object.head.key.name;
    let Ok(count) = said.trim().parse::<usize>() else {
        let text = format!("the annotation {ALLOW_REMOVALS} was {said:?}; write how many removals may go, as \"50\"");
        return Ok(Some(Notice::new(true, reason::INVALID, "Reconcile", text)));
    };
    info!(class = %name, count, "removals are allowed");
    let mut state = ctx.state();
    state.fuse.allow(name, count, Instant::now());
    for key in state.fuse.pending(name) {
        state.wake_binding(&key, Kind::Deletion);
    }
    drop(state);
    ctx.wake.notify_one();
    Ok(None)
}
