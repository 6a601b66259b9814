//! From the API server's watches into the stores, and from there into the queue.

use super::api::{self, ApiError};
use super::state::{Ctx, State};
use crate::backoff::jittered;
use crate::queue::{Key, Kind};
use crate::store::{Change, Kept, LeanBinding, LeanClass, LeanNamespace, LeanServiceAccount, NsName, Store, Watched};
use futures::StreamExt;
use kube::Resource;
use kube::api::Api;
use kube_runtime::WatchStreamExt;
use kube_runtime::utils::{Backoff, ResetTimerBackoff};
use kube_runtime::watcher::{self, Event, watcher};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

/// The first and the longest pause before a watch that was lost is asked for again. kube's own grow to half a minute, in
/// which nothing is seen of an API server that is back, and three watches are no burden to it.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// After so long without trouble the pauses begin anew.
const CALM: Duration = Duration::from_secs(30);

/// Objects in a page of a list: a page is held as text and as objects, and policies may be long.
const PAGE: u32 = 100;

/// The pauses between attempts at a watch.
#[derive(Debug, Default)]
struct Patience(u32);

impl Iterator for Patience {
    type Item = Duration;
    fn next(&mut self) -> Option<Duration> {
        let pause = PAUSE.0.saturating_mul(1 << self.0.min(8)).min(PAUSE.1);
        self.0 += 1;
        Some(jittered(pause, 0.2, fastrand::u64(..)))
    }
}

impl Backoff for Patience {
    fn reset(&mut self) {
        self.0 = 0;
    }
}

/// Starts the watches.
pub fn start(ctx: &Arc<Ctx>) -> JoinSet<()> {
    let mut watches = JoinSet::new();
    watches.spawn(follow::<LeanBinding>(ctx.clone()));
    watches.spawn(follow::<LeanClass>(ctx.clone()));
    watches.spawn(follow::<LeanServiceAccount>(ctx.clone()));
    watches.spawn(follow::<LeanNamespace>(ctx.clone()));
    watches
}

/// A kind that is watched.
pub trait Followed: Kept {
    /// Where such objects are kept.
    fn store(state: &mut State) -> &mut Store<Self>;
    /// It is new, or another than before.
    fn changed(state: &mut State, before: Option<&Self>, now: &Self);
    /// It is no more.
    fn gone(state: &mut State, was: &Self);
}

impl Followed for LeanBinding {
    fn store(state: &mut State) -> &mut Store<Self> {
        &mut state.bindings
    }
    fn changed(state: &mut State, before: Option<&Self>, now: &Self) {
        if before.is_some_and(|before| before.head.uid != now.head.uid) {
            before.into_iter().for_each(|before| state.forget_binding(before));
        }
        state.note_removal(now);
        let kind = if now.head.deleted.is_some() { Kind::Deletion } else { Kind::Change };
        state.wake_binding(&now.head.key, kind);
        let moved =
            before.is_none_or(|before| before.class_name != now.class_name || before.head.deleted != now.head.deleted);
        for class in
            before.into_iter().chain([now]).filter(|_| moved).filter_map(|binding| binding.class_name.as_deref())
        {
            state.class_users_changed(class);
        }
        if moved && before.is_some() {
            state.wake_forbidden(&now.head.key.namespace);
        }
        // Who shared the former ServiceAccount may have it now.
        let (former, current) = (before.and_then(Kept::service_account), now.service_account());
        if let Some(account) = former.filter(|former| Some(former) != current.as_ref()) {
            for other in state.bindings.bindings_of_service_account(&account) {
                state.wake_binding(&other, Kind::Change);
            }
        }
    }
    fn gone(state: &mut State, was: &Self) {
        state.forget_binding(was);
    }
}

impl Followed for LeanClass {
    fn store(state: &mut State) -> &mut Store<Self> {
        &mut state.classes
    }
    fn changed(state: &mut State, before: Option<&Self>, now: &Self) {
        let name = now.head.key.name.clone();
        // Of its status alone, whose counts we write ourselves: at their beat, or each of them would bring the next.
        match before {
            Some(before)
                if !now.head.differs(&before.head)
                    && (now.is_default, &now.allow_removals) == (before.is_default, &before.allow_removals) =>
            {
                state.count_class(&name);
            }
            _ => state.wake_class(&name),
        }
        let same = before.is_some_and(|b| b.head.generation == now.head.generation && b.is_default == now.is_default);
        if !same {
            let default = now.is_default || before.is_some_and(|before| before.is_default);
            state.begin_class_pass(&name, default);
            state.wake_bindings_of(&name, default);
        }
    }
    fn gone(state: &mut State, was: &Self) {
        let name = was.head.key.name.clone();
        state.classes_seen.remove(&name);
        state.queue.forget(&Key::Class(name.clone()));
        state.wake_bindings_of(&name, was.is_default);
    }
}

impl Followed for LeanServiceAccount {
    fn store(state: &mut State) -> &mut Store<Self> {
        &mut state.accounts
    }
    fn changed(state: &mut State, before: Option<&Self>, now: &Self) {
        wake_users(state, now, None);
        before.into_iter().for_each(|before| wake_users(state, before, None));
    }
    fn gone(state: &mut State, was: &Self) {
        wake_users(state, was, None);
    }
}

impl Followed for LeanNamespace {
    fn store(state: &mut State) -> &mut Store<Self> {
        &mut state.namespaces
    }
    fn changed(state: &mut State, _: Option<&Self>, now: &Self) {
        state.wake_namespace(&now.head.key.name);
    }
    fn gone(_: &mut State, _: &Self) {}
}

/// The bindings that name a ServiceAccount, and those that have annotated it, but for the one whose own doing it is.
pub fn wake_users(state: &mut State, account: &LeanServiceAccount, except: Option<&NsName>) {
    let key = &account.head.key;
    let mut users = state.bindings.bindings_of_service_account(key);
    users.extend(account.appliers.iter().map(|a| NsName::new(key.namespace.clone(), &*a.binding)));
    for user in users.into_iter().filter(|user| Some(user) != except) {
        let deleting = state.bindings.get(&user).map(|binding| binding.head.deleted.is_some());
        if let Some(deleting) = deleting {
            state.wake_binding(&user, if deleting { Kind::Deletion } else { Kind::Change });
        }
    }
}

async fn follow<T: Followed>(ctx: Arc<Ctx>)
where
    Watched<T>: Resource<DynamicType = ()>,
{
    let api: Api<Watched<T>> = Api::all(ctx.client.clone());
    let kind = T::Kind::plural(&()).into_owned();
    let patience = ResetTimerBackoff::new(Patience::default(), CALM);
    let mut events = watcher(api, watcher::Config::default().page_size(PAGE)).backoff(patience).boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                take(&ctx, &kind, event).await;
                ctx.wake.notify_one();
            }
            Err(error) => {
                let text = api::root_cause(&error);
                if ctx.health.broken(&kind, &text) {
                    warn!(kind, error = text, "the watch was refused or lost; it is tried again");
                }
            }
        }
    }
}

async fn take<T: Followed>(ctx: &Ctx, kind: &str, event: Event<Watched<T>>)
where
    Watched<T>: Resource<DynamicType = ()>,
{
    match event {
        Event::Init => T::store(&mut ctx.state()).init(),
        Event::InitApply(object) => put(&mut ctx.state(), object.into_inner(), Store::init_apply),
        Event::Apply(object) => put(&mut ctx.state(), object.into_inner(), Store::apply),
        Event::Delete(object) => {
            let mut state = ctx.state();
            if let Some(was) = T::store(&mut state).delete(&object.object) {
                T::gone(&mut state, &was);
            }
        }
        Event::InitDone => {
            let (swept, count) = {
                let mut state = ctx.state();
                let store = T::store(&mut state);
                let swept = store.init_done();
                let count = store.len();
                for was in &swept.vanished {
                    T::gone(&mut state, was);
                }
                (swept, count)
            };
            if ctx.health.works(kind) {
                info!(kind, count, "the watch is complete");
                ctx.state().wake_troubled();
            }
            for key in swept.unconfirmed {
                confirm::<T>(ctx, &key).await;
            }
        }
    }
}

fn put<T: Followed>(state: &mut State, object: T, how: fn(&mut Store<T>, T) -> Change<T>) {
    let key = object.head().key.clone();
    let before = match how(T::store(state), object) {
        Change::New => None,
        Change::Updated(before) => Some(before),
        Change::Unchanged => return,
    };
    // What other people write on an object, and most of what we write ourselves, changes nothing for us.
    let news = |now: &T| before.as_ref().is_none_or(|before| now.differs(before));
    if let Some(now) = T::store(state).get(&key).cloned().filter(|now| news(now)) {
        T::changed(state, before.as_deref(), &now);
    }
}

/// Something that we wrote while the list was read and that is not in it.
async fn confirm<T: Followed>(ctx: &Ctx, key: &NsName)
where
    Watched<T>: Resource<DynamicType = ()>,
{
    let Some(held) = T::store(&mut ctx.state()).get(key).cloned() else { return };
    let call = async {
        let url = Watched::<T>::url_path(&(), Some(&*key.namespace).filter(|n| !n.is_empty()));
        let request =
            http::Request::get(format!("{url}/{}", key.name)).body(Vec::new()).map_err(kube::Error::HttpError)?;
        ctx.client.request::<Watched<T>>(request).await
    };
    match api::send(&format!("show {key}"), call).await {
        Ok(object) => {
            T::store(&mut ctx.state()).write_through(object.into_inner());
        }
        Err(ApiError::NotFound) => {
            let mut state = ctx.state();
            if let Some(was) = T::store(&mut state).gone(key, &held.head().uid) {
                T::gone(&mut state, &was);
            }
        }
        Err(error) => debug!(%key, ?error, "could not be confirmed; the watch will tell"),
    }
}
