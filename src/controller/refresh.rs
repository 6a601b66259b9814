//! Sweeps: what all roles of an account look like, by two bulk calls, every few minutes.

use super::beat::{SWEEPS, spread};
use super::state::Ctx;
use super::{orphans, quarantine, released};
use crate::api::reason;
use crate::aws::{Aws, Page};
use crate::backoff::jittered;
use crate::error::{Category, Error};
use crate::queue::Kind;
use crate::snapshot::{Account, Detailed, Source, Verdict};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tracing::{Instrument, debug, info, info_span, warn};

/// How soon after one sweep a hint may bring the next, as a part of the interval.
const HINTED: u32 = 4;
/// After so many intervals a bulk call that was refused is tried again.
const REFUSED: u32 = 5;
/// So many sweeps fail in a row before it is said.
const SAID: u32 = 3;
/// How often a page is asked for again that did not come.
const TRIES: u32 = 3;
/// The first and the longest pause after a sweep that failed.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Runs a sweeper for each account that classes make roles in, for as long as they do.
pub async fn run(ctx: Arc<Ctx>) {
    let mut sweepers: JoinSet<()> = JoinSet::new();
    let mut running: HashMap<String, AbortHandle> = HashMap::new();
    loop {
        let accounts = ctx.state().accounts_in_use();
        for account in accounts {
            if running.get(&account).is_none_or(AbortHandle::is_finished) {
                let span = info_span!("sweep", account);
                let sweeper = Sweeper::new(ctx.clone(), account.clone()).run().instrument(span);
                running.insert(account, sweepers.spawn(sweeper));
            }
        }
        ctx.classes_changed.notified().await;
        while sweepers.try_join_next().is_some() {}
    }
}

/// Source, whether the last sweep is suspect, whether there is trouble, and roles without a binding.
type Told = (Source, bool, bool, Option<(usize, usize)>);

struct Sweeper {
    ctx: Arc<Ctx>,
    account: String,
    source: Source,
    /// Until when the bulk call is not tried again.
    refused: Option<Instant>,
    failures: u32,
    /// Which way to the account is taken, and how many in a row were refused the bulk call.
    way: usize,
    denied: usize,
    /// A hint that something may be found.
    hint: Arc<Notify>,
    /// What classes were told last.
    told: Option<Told>,
}

impl Sweeper {
    fn new(ctx: Arc<Ctx>, account: String) -> Self {
        let hint = ctx.state().hints.entry(account.clone()).or_default().clone();
        Self { ctx, account, source: Source::Bulk, refused: None, failures: 0, way: 0, denied: 0, hint, told: None }
    }

    async fn run(mut self) {
        loop {
            let Some(reach) = self.ctx.state().reach(&self.account, self.way) else { return };
            let aws = reach.aws.on_behalf(Kind::Sweep, Arc::default());
            let (pause, soonest) = match self.sweep(&aws, &reach.paths).await {
                Ok(calls) => {
                    (self.failures, self.denied) = (0, 0);
                    self.trouble(None);
                    let least = spread(calls, SWEEPS, aws.rate());
                    let pause = jittered(self.ctx.settings.resync.max(least), 0.1, fastrand::u64(..));
                    (pause, least.max(pause / HINTED))
                }
                Err(error) => {
                    let pause = self.failed(&error, reach.ways);
                    (pause, pause)
                }
            };
            debug!(seconds = pause.as_secs_f64(), "next sweep");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = hinted(self.hint.clone(), soonest) => {}
            }
        }
    }

    /// How long to wait after a sweep that failed.
    fn failed(&mut self, error: &Error, ways: usize) -> Duration {
        self.way += 1;
        if error.category == Category::Denied && self.source == Source::Bulk {
            self.denied += 1;
            if self.denied >= ways {
                warn!(%error, "roles are read one by one");
                self.refused = Some(Instant::now() + self.ctx.settings.resync * REFUSED);
                self.fall_back();
            }
            return Duration::ZERO;
        }
        self.failures += 1;
        match self.failures {
            1 => warn!(%error, "the sweep is begun anew"),
            SAID => self.trouble(Some(error.clone())),
            _ => {}
        }
        let pause = PAUSE.0.saturating_mul(1 << self.failures.min(10)).min(PAUSE.1);
        jittered(pause, 0.25, fastrand::u64(..))
    }

    fn trouble(&mut self, trouble: Option<Error>) {
        let mut state = self.ctx.state();
        let blind = trouble.is_some();
        state.snapshot.set_trouble(&self.account, trouble);
        if blind {
            state.wake_waiting(&self.account);
        }
        drop(state);
        self.tell();
    }

    /// From now on each role has a time at which it is read directly.
    fn fall_back(&mut self) {
        self.source = Source::Direct;
        let interval = self.ctx.direct_interval(&self.account);
        let now = Instant::now();
        let due = || Some(now + interval.mul_f64(fastrand::f64()));
        let mut state = self.ctx.state();
        state.orphans.forget(&self.account);
        state.forget_quarantines(&self.account);
        state.snapshot.begin(&self.account, Source::Direct, now);
        state.snapshot.schedule(&self.account, due);
        drop(state);
        self.tell();
    }

    /// Returns how many calls it took.
    async fn sweep(&mut self, aws: &Aws, paths: &[String]) -> Result<usize, Error> {
        let now = Instant::now();
        if self.refused.is_some_and(|until| until <= now) {
            self.refused = Some(now + self.ctx.settings.resync * REFUSED);
            return self.sweep_by(Source::Bulk, aws, paths).await.or_else(|error| match error.category {
                Category::Denied => {
                    self.way += 1;
                    self.act(&Verdict::default());
                    Ok(0)
                }
                _ => Err(error),
            });
        }
        self.sweep_by(self.source, aws, paths).await
    }

    async fn sweep_by(&mut self, source: Source, aws: &Aws, paths: &[String]) -> Result<usize, Error> {
        let (ctx, account) = (self.ctx.clone(), self.account.clone());
        let begun = Instant::now();
        let number = ctx.state().snapshot.begin(&account, source, begun);
        let mut calls = 0;
        if source == Source::Bulk {
            let ask = |marker| {
                let aws = aws.clone();
                async move { aws.details_page(marker).await }
            };
            ctx.state().orphans.begin(&account, number);
            ctx.state().strays.begin(&account, number);
            ctx.state().released.begin(&account, number);
            ctx.state().issuers.begin(&account);
            let take = |sent, page: Vec<Detailed>| {
                let (mut state, cluster) = (ctx.state(), &ctx.settings.cluster_id);
                state.look_for_orphans(&account, &page, cluster);
                state.snapshot.details(&account, number, sent, page, cluster);
            };
            pages(&mut calls, ask, take).await?;
        }
        let paths = ctx.state().paths_to_list(&account, paths);
        for path in &paths {
            let ask = |marker| {
                let (aws, path) = (aws.clone(), path.clone());
                async move { aws.heads_page(&path, marker).await }
            };
            let take = |sent, page| ctx.state().snapshot.heads(&account, number, sent, page);
            match pages(&mut calls, ask, take).await {
                // Then direct reads alone have to do.
                Err(error) if error.category == Category::Denied && source == Source::Direct => {
                    self.act(&Verdict::default());
                    return Ok(calls);
                }
                done => done?,
            }
        }
        calls += 1;
        match aws.role_quota().await {
            Ok(quota) => ctx.state().snapshot.set_quota(&account, quota),
            Err(error) => debug!(%error, "the quota of roles is not known"),
        }
        let now = Instant::now();
        let before = ctx.state().snapshot.account(&account).map(Account::source);
        let verdict = ctx.state().snapshot.end(&account, number, ctx.settings.settle, now);
        let Some(verdict) = verdict else {
            let text = format!("the roles that AWS showed are not those of account {account}");
            return Err(Error::because(Category::Transient, reason::UNAVAILABLE, text));
        };
        if source == Source::Bulk && before == Some(Source::Direct) {
            info!("roles are watched by snapshots again");
            self.source = source;
            self.refused = None;
            ctx.state().snapshot.schedule(&account, || None);
        }
        if source == Source::Bulk {
            ctx.state().note_issuers(&account, |issuers| issuers.end(&account));
            ctx.state().strays.end(&account);
        }
        debug!(calls, doubtful = verdict.doubtful.len(), ms = begun.elapsed().as_millis(), "swept");
        self.act(&verdict);
        if source == Source::Bulk {
            if orphans::confirm(&ctx, &account, begun).await {
                quarantine::see_to(&ctx, &account).await;
            }
            ctx.state().end_of_released(&account, begun, ctx.settings.settle);
            released::see_to(&ctx, &account, None).await;
            self.tell();
        }
        Ok(calls)
    }

    /// Wakes whom it concerns.
    fn act(&mut self, verdict: &Verdict) {
        if let Some((count, of)) = verdict.suspect {
            warn!(count, of, "so many roles differ at once that a second sweep has to say the same");
            self.hint.notify_one();
        }
        let mut state = self.ctx.state();
        state.wake_roles(&verdict.doubtful, Kind::Repair);
        let lapsed = state.snapshot.lapsed(&self.account, Instant::now());
        state.wake_roles(&lapsed, Kind::Fallback);
        state.wake_waiting(&self.account);
        drop(state);
        self.ctx.wake.notify_one();
        self.tell();
    }

    /// Classes tell how their account is watched.
    fn tell(&mut self) {
        let mut state = self.ctx.state();
        let account = state.snapshot.account(&self.account);
        // Where one orphan came as another went, the class tells with its next regular look.
        let orphans = state.orphan_count(&self.account);
        let now = account.map(|account| (account.source(), account.suspect(), account.trouble().is_some(), orphans));
        if self.told != now {
            state.wake_classes_of(&self.account);
            self.told = now;
        }
        drop(state);
        self.ctx.wake.notify_one();
    }
}

/// Somebody hints at something to be found, and the last sweep is not just over.
async fn hinted(hint: Arc<Notify>, soonest: Duration) {
    tokio::time::sleep(soonest).await;
    hint.notified().await;
}

/// All pages of a bulk call, each as it comes. One that does not come is asked for again: to begin anew would cost all.
async fn pages<T, F: Future<Output = Result<Page<T>, Error>>>(
    calls: &mut usize,
    ask: impl Fn(Option<String>) -> F,
    mut take: impl FnMut(Instant, Vec<T>),
) -> Result<(), Error> {
    let (mut marker, mut tries) = (None::<String>, 0);
    loop {
        let sent = Instant::now();
        *calls += 1;
        match ask(marker.clone()).await {
            Ok(page) => {
                take(sent, page.items);
                tries = 0;
                marker = page.next;
                if marker.is_none() {
                    return Ok(());
                }
            }
            Err(error) if tries < TRIES && matches!(error.category, Category::Throttled | Category::Transient) => {
                tries += 1;
                tokio::time::sleep(jittered(PAUSE.0 * tries, 0.25, fastrand::u64(..))).await;
            }
            Err(error) => return Err(error),
        }
    }
}
