//! The election's hands: reads, writes and watches the Lease as [`crate::leader`] decides.
//!
//! The Lease has a client and a time-out of its own, so that nothing else that is slow can cost the leader its right.

use super::api::{self, ApiError};
use crate::admin::Health;
use crate::leader::{DURATION, Election, Fence, Move, RENEW_DEADLINE, Seen};
use futures::stream::BoxStream;
use futures::{StreamExt, TryFutureExt};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, PostParams, WatchEvent, WatchParams};
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{debug, info, warn};

/// The Lease's name. There is one operator in a cluster.
const NAME: &str = "irsa-operator";
/// What `/readyz` calls it: who does not see the Lease can't take over.
pub const KIND: &str = "leases";
/// How long giving it back may take.
const RELEASE: Duration = Duration::from_secs(4);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Standby,
    Leading,
    Lost(String),
    Released,
}

/// Whether this replica leads. Clones are one.
#[derive(Clone, Debug)]
pub struct Leadership {
    fence: Fence,
    phase: watch::Receiver<Phase>,
    resign: Option<Arc<watch::Sender<bool>>>,
}

impl Leadership {
    /// Of the only replica: it leads, and can't lose.
    #[must_use]
    pub fn unopposed() -> Self {
        Self { fence: Fence::open(), phase: watch::channel(Phase::Leading).1, resign: None }
    }

    /// Stands for election, on the Lease of this namespace.
    #[must_use]
    pub fn stand(client: kube::Client, namespace: &str, health: Arc<Health>) -> Self {
        let election = Election::new(identity());
        let fence = election.fence();
        let (tell, phase) = watch::channel(Phase::Standby);
        let (resign, resigned) = watch::channel(false);
        let what = format!("Lease {namespace}/{NAME}");
        let api = Api::namespaced(client, namespace);
        let campaign =
            Campaign { api, what, election, kept: None, changes: None, tell, resigned, health, said: String::new() };
        tokio::spawn(campaign.run());
        Self { fence, phase, resign: Some(Arc::new(resign)) }
    }

    /// The right to change something.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Whether it leads now.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        *self.phase.borrow() == Phase::Leading && self.fence.holds(Instant::now())
    }

    /// Returns when it leads.
    pub async fn won(&self) {
        if self.phase.clone().wait_for(|phase| *phase == Phase::Leading).await.is_err() {
            pending().await
        }
    }

    /// Returns when it has led and does no longer, and says why. The process must end then.
    pub async fn lost(&self) -> String {
        match self.phase.clone().wait_for(|phase| matches!(phase, Phase::Lost(_))).await.as_deref() {
            Ok(Phase::Lost(why)) => why.clone(),
            _ => pending().await,
        }
    }

    /// Gives the Lease back, so that another replica begins at once. Nothing may be in flight any more.
    pub async fn release(&self) {
        if let Some(resign) = &self.resign {
            let _ = resign.send(true);
            let released = self.phase.clone();
            let released = async move { released.clone().wait_for(|phase| *phase == Phase::Released).await.is_ok() };
            let _ = tokio::time::timeout(RELEASE, released).await;
        }
    }
}

/// The Pod's name, or the host's, and something that no other process has.
fn identity() -> String {
    let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = std::env::var("POD_NAME").ok().or_else(host).unwrap_or_default();
    format!("{}_{:016x}", name.trim(), fastrand::u64(..))
}

type Changes = BoxStream<'static, Result<WatchEvent<Lease>, kube::Error>>;

struct Campaign {
    api: Api<Lease>,
    what: String,
    election: Election,
    /// The Lease as last seen: what others have written on it stays.
    kept: Option<Lease>,
    changes: Option<Changes>,
    tell: watch::Sender<Phase>,
    resigned: watch::Receiver<bool>,
    health: Arc<Health>,
    /// What the log said last.
    said: String,
}

impl Campaign {
    async fn run(mut self) {
        loop {
            if *self.resigned.borrow() {
                return self.release().await;
            }
            match self.election.next(Instant::now()) {
                Move::Read => self.read().await,
                Move::Write => self.write().await,
                Move::Wait(until) => self.wait(until).await,
                Move::Lost => {
                    let why = match self.election.rival() {
                        Some(rival) => format!("{rival} holds the {}", self.what),
                        None => format!("the {} was not renewed for {RENEW_DEADLINE:?}", self.what),
                    };
                    self.election.end();
                    self.tell.send_replace(Phase::Lost(why));
                    return;
                }
            }
        }
    }

    /// What a call is to do, and how long it may take.
    fn terms(&self, verb: &str) -> (String, Duration) {
        (format!("{verb} the {}", self.what), self.election.patience(Instant::now()))
    }

    async fn read(&mut self) {
        match call(self.terms("show"), self.api.get(NAME)).await {
            Ok(lease) => self.seen(Some(lease)),
            Err(ApiError::NotFound) => self.seen(None),
            Err(error) => self.failed(&error),
        }
    }

    fn seen(&mut self, lease: Option<Lease>) {
        let seen = lease.as_ref().map(|lease| Seen {
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
            holder: holder(lease).map(str::to_owned),
        });
        self.kept = lease;
        self.election.seen(seen, Instant::now());
        if let (Some(rival), false) = (self.election.rival(), self.election.leads()) {
            let text = format!("{rival} holds the {}", self.what);
            if self.said != text {
                info!("standby: {text}; it is taken over where it is given back, or not renewed for {DURATION:?}");
                self.said = text;
            }
            self.health.works(KIND);
        }
    }

    fn failed(&mut self, error: &ApiError) {
        self.changes = None;
        self.election.failed(Instant::now());
        let text = match error {
            ApiError::Failed(error) => error.message.clone(),
            other => format!("the {} is not to be had: {other:?}", self.what),
        };
        self.health.broken(KIND, &text);
        if self.said != text {
            warn!("{text}");
            self.said = text;
        }
    }

    async fn write(&mut self) {
        let begun = Instant::now();
        let params = PostParams::default();
        let lease = claimed(self.kept.clone(), self.election.me(), MicroTime(Timestamp::now()));
        let result = if self.kept.is_some() {
            call(self.terms("renew"), self.api.replace(NAME, &params, &lease)).await
        } else {
            call(self.terms("make"), self.api.create(&params, &lease)).await
        };
        match result {
            Ok(lease) => {
                let led = self.election.leads();
                let version = lease.metadata.resource_version.clone().unwrap_or_default();
                self.election.wrote(version, begun, Instant::now());
                self.kept = Some(lease);
                self.changes = None;
                self.health.works(KIND);
                if self.election.leads() && !led {
                    info!(identity = self.election.me(), "this replica leads: it holds the {}", self.what);
                    self.tell.send_replace(Phase::Leading);
                } else if led && !self.said.is_empty() {
                    info!("the {} is renewed again", self.what);
                }
                self.said.clear();
            }
            // Somebody was faster.
            Err(ApiError::Stale | ApiError::NotFound) => {
                self.changes = None;
                self.election.conflict(Instant::now());
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Waits, and a standby watches meanwhile.
    async fn wait(&mut self, until: Instant) {
        if self.changes.is_none()
            && self.election.rival().is_some()
            && let Some(version) = self.kept.as_ref().and_then(|lease| lease.metadata.resource_version.clone())
        {
            let (api, params) = (self.api.clone(), WatchParams::default().fields(&format!("metadata.name={NAME}")));
            let changes = async move { api.watch(&params, &version).await };
            self.changes = Some(changes.try_flatten_stream().boxed());
        }
        let change = async {
            match &mut self.changes {
                Some(changes) => changes.next().await,
                None => pending().await,
            }
        };
        let change = tokio::select! {
            biased;
            _ = self.resigned.wait_for(|resigned| *resigned) => return,
            change = change => change,
            () = tokio::time::sleep_until(until.into()) => return,
        };
        match change {
            Some(Ok(WatchEvent::Added(lease) | WatchEvent::Modified(lease))) => self.seen(Some(lease)),
            Some(Ok(WatchEvent::Deleted(_))) => self.seen(None),
            Some(Ok(WatchEvent::Bookmark(_))) => {}
            ended => {
                debug!(?ended, "the watch on the {} has ended", self.what);
                self.changes = None;
                self.election.failed(Instant::now());
            }
        }
    }

    /// As client-go does it: there is no holder any more.
    async fn release(mut self) {
        self.election.end();
        for _ in 0..2 {
            let mut lease = match call(self.terms("show"), self.api.get(NAME)).await {
                Ok(lease) if holder(&lease) == Some(self.election.me()) => lease,
                Ok(_) | Err(ApiError::NotFound) => break,
                Err(error) => {
                    warn!(?error, "the {} could not be given back: it runs out", self.what);
                    break;
                }
            };
            if let Some(spec) = &mut lease.spec {
                spec.holder_identity = None;
            }
            match call(self.terms("take back"), self.api.replace(NAME, &PostParams::default(), &lease)).await {
                Ok(_) => {
                    info!("the {} is given back", self.what);
                    break;
                }
                Err(error) => warn!(?error, "the {} could not be given back", self.what),
            }
        }
        self.tell.send_replace(Phase::Released);
    }
}

async fn call<T>(
    (what, patience): (String, Duration),
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, ApiError> {
    let answer = tokio::time::timeout(patience, api::send(&what, call)).await;
    answer.unwrap_or_else(|_| Err(api::no_answer(&what)))
}

fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// The Lease as it is to be, with our name. Its times are for people: nobody here reads them.
fn claimed(kept: Option<Lease>, me: &str, now: MicroTime) -> Lease {
    let mut lease = kept.unwrap_or_else(|| Lease {
        metadata: ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
        ..Lease::default()
    });
    let ours = holder(&lease) == Some(me);
    let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
    if !ours {
        let before = spec.acquire_time.is_some();
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0) + i32::from(before));
        spec.acquire_time = Some(now.clone());
    }
    spec.holder_identity = Some(me.to_owned());
    spec.lease_duration_seconds = i32::try_from(DURATION.as_secs()).ok();
    spec.renew_time = Some(now);
    lease
}
