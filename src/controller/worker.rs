//! The workers: each takes whose turn it is, and says what comes next.

use super::state::{Ctx, State};
use super::{binding, class, refresh, watch};
use crate::backoff::Retry;
use crate::error::Category;
use crate::queue::{Key, Kind, When};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch as signal;
use tokio::task::JoinSet;
use tracing::{Instrument, debug, info, info_span, warn};

/// What was computed from something stale is computed again with what the watch brings, or at the latest now.
const AGAIN: Duration = Duration::from_secs(1);
/// How often what is remembered for a while only is given back.
const TIDY: Duration = Duration::from_secs(30);
/// A beat below this is one that somebody watches.
const OFTEN: Duration = Duration::from_secs(30);
/// How long work in flight may take to end after SIGTERM.
const DRAIN: Duration = Duration::from_secs(20);

/// What comes after a reconcile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is no more.
    Gone,
    /// Nothing, until something changes.
    Wait,
    /// The next regular look.
    Look(Kind, Instant),
    /// What it was computed from has changed.
    Again,
    /// It failed.
    Failed(Category),
    /// It failed, and is to be tried again at the latest when silence about it ends.
    FailedQuietly(Category, Duration),
}

/// Watches, works once this replica leads, until `stop` turns true, and then until what is in flight has ended. Says
/// whether it has: if not, another replica must not begin yet.
pub async fn run(ctx: Arc<Ctx>, mut stop: signal::Receiver<bool>) -> bool {
    let mut watches = watch::start(&ctx);
    // A standby knows all that the leader knows of the cluster, and everything is in its queue.
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => return true,
        Some(ended) = watches.join_next() => {
            warn!(?ended, "a watch has ended");
            return true;
        }
        () = ctx.leadership.won() => {}
    }
    ctx.metrics.leads(true);
    ctx.begins();
    let mut workers = JoinSet::new();
    for _ in 0..ctx.settings.concurrency {
        workers.spawn(work(ctx.clone(), stop.clone()));
    }
    let mut aside = JoinSet::new();
    aside.spawn(tidy_up(ctx.clone()));
    aside.spawn(refresh::run(ctx.clone()));
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => info!("stopping: no new work is begun"),
        Some(ended) = watches.join_next() => warn!(?ended, "a watch has ended"),
        Some(Err(error)) = workers.join_next() => warn!(%error, "a worker has ended"),
    }
    let drained = tokio::time::timeout(DRAIN, async { while workers.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        warn!("work in flight did not end in time; the next start finishes it");
    }
    drained.is_ok()
}

/// Gives back what is remembered for a while only.
async fn tidy_up(ctx: Arc<Ctx>) {
    loop {
        tokio::time::sleep(TIDY).await;
        let (mut state, now) = (ctx.state(), Instant::now());
        state.snapshot.tidy(ctx.settings.settle, now);
        state.fuse.tidy(now);
        for key in state.contested.tidy(now) {
            state.wake_binding(&key, Kind::Sweep);
        }
        drop(state);
        ctx.wake.notify_one();
    }
}

async fn work(ctx: Arc<Ctx>, mut stop: signal::Receiver<bool>) {
    loop {
        let (key, kind) = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            next = next(&ctx) => next,
        };
        // The object stands on every line that is written on its behalf, those of AWS calls among them.
        let span = info_span!("reconcile", object = %key);
        let after = reconcile(&ctx, &key, kind).instrument(span).await;
        finish(&ctx, &key, kind, after);
    }
}

async fn reconcile(ctx: &Ctx, key: &Key, kind: Kind) -> Next {
    let start = Instant::now();
    let after = match key {
        Key::Binding(name) => binding::reconcile(ctx, name, kind).await,
        Key::Class(name) => class::reconcile(ctx, name, kind).await,
    };
    ctx.metrics.reconciled(key, kind, after, start.elapsed());
    debug!(ms = start.elapsed().as_millis(), ?after, "reconciled");
    after
}

/// Whose turn it is, once all watches have shown what there is.
async fn next(ctx: &Ctx) -> (Key, Kind) {
    loop {
        let due = {
            let mut state = ctx.state();
            if state.synced() {
                state.begin_first_pass();
            }
            if state.synced()
                && let Some(next) = state.queue.pop(Instant::now())
            {
                // One wakes the next, so that a burst of events needs no burst of wake-ups.
                if !state.queue.is_empty() {
                    ctx.wake.notify_one();
                }
                return next;
            }
            state.queue.next_due().filter(|_| state.synced())
        };
        match due {
            Some(due) => tokio::select! {
                () = ctx.wake.notified() => {}
                () = tokio::time::sleep_until(due.into()) => {}
            },
            None => ctx.wake.notified().await,
        }
    }
}

fn succeeded(state: &mut State, key: &Key) {
    if state.backoff.failures(key) > 0 {
        state.wake_more();
    }
    state.backoff.forget(key);
}

fn finish(ctx: &Ctx, key: &Key, kind: Kind, next: Next) {
    let now = Instant::now();
    let random = fastrand::u64(..);
    let mut state = ctx.state();
    // Refused for the rate, it has lost its turn and not its rank: whoever waits for it waits still.
    let again = |category| if category == Category::Throttled { kind } else { Kind::Repair };
    match next {
        Next::Gone => {
            state.backoff.forget(key);
            if let Key::Binding(name) = key {
                state.memory.remove(name);
            }
        }
        Next::Wait => succeeded(&mut state, key),
        Next::Look(kind, at) => {
            succeeded(&mut state, key);
            // A time that has passed already would make it spin.
            state.queue.push(key.clone(), kind, When::At(at.max(now + AGAIN)));
        }
        Next::Again => state.queue.push(key.clone(), Kind::Change, When::At(now + AGAIN)),
        Next::Failed(category) => {
            if let Some(delay) = state.backoff.failed(key, category.retry(), random) {
                // Whoever looks at all roles every few seconds looks as often at what does not work.
                let slow = category.retry() == Retry::Slow && ctx.settings.resync < OFTEN;
                let at = if slow { ctx.next_look(now).min(now + delay) } else { now + delay };
                state.queue.push(key.clone(), again(category), When::NotBefore(at));
            }
        }
        Next::FailedQuietly(category, silence) => {
            let delay = state.backoff.failed(key, category.retry(), random).map_or(silence, |delay| delay.min(silence));
            state.queue.push(key.clone(), again(category), When::NotBefore(now + delay));
        }
    }
    if let Key::Binding(name) = key
        && state.bindings.get(name).is_none()
    {
        // It vanished while it was worked on, which has remembered it anew.
        state.forget_late(name);
    }
    state.queue.done(key);
    drop(state);
    ctx.wake.notify_one();
}
