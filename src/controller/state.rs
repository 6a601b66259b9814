//! What all reconciles share.

use super::events::Events;
use super::issuers::Standing;
use super::lease::Leadership;
use super::memory::Memory;
use crate::admin::Health;
use crate::api::IrsaClassSpec;
use crate::aws::{Accounts, Aws};
use crate::backoff::Backoff;
use crate::contested::Contested;
use crate::desired::Place;
use crate::error::Category;
use crate::fuse::Fuse;
use crate::iam::role::Role;
use crate::issuers::Issuers;
use crate::metrics::Metrics;
use crate::orphans::Orphans;
use crate::queue::{Key, Queue};
use crate::released::Released;
use crate::snapshot::Snapshot;
use crate::store::{LeanBinding, LeanClass, LeanNamespace, LeanServiceAccount, NsName, Store};
use crate::strays::Strays;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OnceCell};

/// As far apart the API server's clock and ours may be.
const CLOCKS: Duration = Duration::from_secs(5);

/// What flags say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `--cluster-id`.
    pub cluster_id: String,
    /// `--issuer`, as it was given.
    pub issuer: Option<String>,
    /// `--eks-cluster`.
    pub eks_cluster: Option<String>,
    /// `--resync`: how often all roles are looked at.
    pub resync: Duration,
    /// `--settle`: for how long after a write of ours reads of AWS are not believed.
    pub settle: Duration,
    /// `--contested-window`: three corrections of the same in so long are a fight, and then one in so long has to do.
    pub contested_window: Duration,
    /// `--role-reserve`: the percentage of an account's quota of roles that new bindings leave free.
    pub role_reserve: u8,
    /// `--fuse`: whether deletions wait a moment, and many of them for somebody's word.
    pub fuse: bool,
    /// The namespace that the operator is at home in.
    pub namespace: String,
    /// `--concurrency`: how many objects are worked on at a time.
    pub concurrency: usize,
}

/// Shared by all workers.
pub struct Ctx {
    /// What flags say.
    pub settings: Settings,
    /// The API server.
    pub client: kube::Client,
    /// AWS.
    pub accounts: Accounts,
    /// What EKS says of the cluster. It does not change, so it is asked once.
    pub eks_issuer: OnceCell<String>,
    /// Where Events go.
    pub events: Events,
    /// What `/readyz` tells.
    pub health: Arc<Health>,
    /// Whether this replica works.
    pub leadership: Leadership,
    /// What `/metrics` tells.
    pub metrics: Arc<Metrics>,
    /// Wakes a worker that has nothing to do.
    pub wake: Notify,
    /// Another class is ready, or one is gone.
    pub classes_changed: Notify,
    /// When this replica began to work.
    began: OnceLock<(Timestamp, Instant)>,
    state: Mutex<State>,
}

/// Everything that is known. Locked for moments only, never across an await.
#[derive(Debug, Default)]
pub struct State {
    /// Bindings of the cluster.
    pub bindings: Store<LeanBinding>,
    /// Classes of the cluster.
    pub classes: Store<LeanClass>,
    /// ServiceAccounts of the cluster.
    pub accounts: Store<LeanServiceAccount>,
    /// Namespaces of the cluster.
    pub namespaces: Store<LeanNamespace>,
    /// Whose turn it is.
    pub queue: Queue,
    /// What roles were last seen as.
    pub snapshot: Snapshot,
    /// What has to be put right again and again.
    pub contested: Contested,
    /// Deletions that wait.
    pub fuse: Fuse,
    /// Roles without a binding.
    pub orphans: Orphans,
    /// Roles that bindings have left behind.
    pub released: Released,
    /// Roles that bindings have beside the one that they are content with.
    pub strays: Strays,
    /// Whether another cluster may have this one's id.
    pub issuers: Issuers,
    /// When it is looked again whether the provider of a former issuer may go, by its ARN.
    pub former_providers: HashMap<String, Instant>,
    /// Failures in a row.
    pub backoff: Backoff<Key>,
    /// What is remembered of a binding from one reconcile to the next.
    pub memory: HashMap<NsName, Memory>,
    /// What is remembered of a class.
    pub classes_seen: HashMap<Arc<str>, ClassSeen>,
    /// When OIDC providers were last written, by their ARNs.
    pub providers: HashMap<String, Instant>,
    /// Wakes the sweeper of an account before its time.
    pub hints: HashMap<String, Arc<Notify>>,
    /// When the API server last said that the definition of bindings is not being deleted.
    pub definition_stays: Option<Instant>,
    /// Roles that somebody works on: there is one writer a role.
    pub locked: HashSet<String>,
}

/// What is remembered of a class.
#[derive(Debug)]
pub struct ClassSeen {
    /// Where its roles are made.
    pub place: Place,
    /// How that account is reached.
    pub aws: Aws,
    /// Whether that account may be written.
    pub standing: Standing,
    /// The name of our own role in that account.
    pub own_role: Option<String>,
    /// It was only looked at, and nothing made for it.
    pub observed: bool,
    /// What its OIDC provider lacks, where that was only looked at.
    pub lacks: Option<String>,
    /// What the OIDC providers of other trusted issuers lack.
    pub untrusted: Option<String>,
    /// The generation that was checked.
    pub generation: i64,
    /// When its provider is to be looked at again.
    pub due: Instant,
}

/// A class that bindings can be worked on with.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// What it says.
    pub spec: IrsaClassSpec,
    /// Which of its generations says so.
    pub generation: i64,
    /// The name of our own role in that account.
    pub own_role: Option<String>,
    /// Where its roles are made.
    pub place: Place,
    /// How that account is reached.
    pub aws: Aws,
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Ctx {
    /// A context that knows nothing yet.
    pub fn new(
        settings: Settings,
        client: kube::Client,
        accounts: Accounts,
        events: Events,
        health: Arc<Health>,
        leadership: Leadership,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (fuse, contested) = (Fuse::new(settings.fuse), Contested::new(settings.contested_window));
        let state = State { fuse, contested, ..State::default() };
        Self {
            settings,
            client,
            accounts,
            eks_issuer: OnceCell::new(),
            events,
            health,
            leadership,
            metrics,
            wake: Notify::new(),
            classes_changed: Notify::new(),
            began: OnceLock::new(),
            state: Mutex::new(state),
        }
    }

    /// The state, locked.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When this replica began to work: now, the first time that it is asked. Another one may have worked until then.
    pub fn begins(&self) -> &(Timestamp, Instant) {
        self.began.get_or_init(|| (Timestamp::now(), Instant::now()))
    }

    /// The role as our own last write left it, if that was so shortly ago that AWS may still show what was before.
    pub fn own_role(&self, arn: &str) -> Option<Role> {
        self.state().snapshot.own(arn, self.settings.settle, Instant::now())
    }

    /// Whether a sweep that is newer than all that we did to a role has not listed it.
    pub fn missed(&self, arn: &str) -> bool {
        self.state().snapshot.missed(arn, self.settings.settle)
    }

    /// Whether the last sweep showed by its tags that a role is not this cluster's.
    pub fn is_theirs(&self, arn: &str) -> bool {
        self.state().snapshot.is_theirs(arn, self.settings.settle)
    }

    /// Whether a process before this one may have made something for an object that does not show everywhere yet. For
    /// what was created since then, all that is done is known.
    pub fn may_have_missed(&self, created: Option<&Time>) -> bool {
        let (began, since) = *self.begins();
        since.elapsed() < self.settings.settle && created.is_none_or(|created| created.0 < began + CLOCKS)
    }

    /// Whether a role may be there that AWS does not show yet, because we asked for it a moment ago.
    pub fn may_be_on_its_way(&self, binding: &NsName) -> bool {
        let sent = self.state().memory.get(binding).and_then(|memory| memory.create_sent);
        sent.is_some_and(|sent| sent.elapsed() < self.settings.settle)
    }

    /// When all of AWS shows a role and the provider that it trusts as we last wrote them, if that is yet to come. What a
    /// process before this one wrote is not known, so that our own beginning stands for it.
    pub fn settles(&self, role: &str, provider: &str, now: Instant) -> Option<Instant> {
        let (_, began) = *self.begins();
        let state = self.state();
        let written = [state.snapshot.written(role), state.providers.get(provider).copied()];
        let last = written.into_iter().flatten().fold(began, Instant::max);
        Some(last + self.settings.settle).filter(|at| *at > now)
    }

    /// When something that was seen now is to be looked at again: spread, so that not all come at once.
    pub fn next_look(&self, now: Instant) -> Instant {
        now + crate::backoff::jittered(self.settings.resync, 0.1, fastrand::u64(..))
    }
}

impl State {
    /// Whether every watch has shown its first complete list. Nothing is decided before.
    pub fn synced(&self) -> bool {
        self.bindings.synced() && self.classes.synced() && self.accounts.synced() && self.namespaces.synced()
    }

    /// We have changed an OIDC provider.
    pub fn wrote_provider(&mut self, arn: &str) {
        self.providers.insert(arn.to_owned(), Instant::now());
    }

    /// The trouble that a binding is in now, and for how long it has been in it.
    ///
    /// It is counted from when the reconcile `began`, as calls that are never answered take long.
    pub fn trouble_age(&mut self, key: &NsName, trouble: Option<Category>, began: Instant) -> Duration {
        let memory = self.memory.entry(key.clone()).or_default();
        let Some(now_in) = trouble else {
            if let Some(seldom) = &mut memory.seldom {
                seldom.trouble = None;
            }
            return Duration::ZERO;
        };
        let since = match memory.trouble() {
            Some((before, since)) if before == now_in || (before.is_brief() && now_in.is_brief()) => since,
            _ => began,
        };
        memory.seldom().trouble = Some((now_in, since));
        since.elapsed()
    }
}
