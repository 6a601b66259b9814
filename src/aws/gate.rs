//! The request budget of an account as callers meet it: they wait here for their turn, until the operator stops.

use crate::budget::{Budget, Limits, Place};
use crate::leader::Fence;
use crate::metrics::Metrics;
use crate::queue::Kind;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot, watch};

/// On whose behalf a call is made, which is whose turn it takes.
#[derive(Clone, Debug)]
pub(super) struct Behalf {
    pub kind: Kind,
    pub namespace: Arc<str>,
}

impl Default for Behalf {
    fn default() -> Self {
        Self { kind: Kind::Change, namespace: Arc::default() }
    }
}

/// The operator stops: nothing is sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopping;

/// One gate for each account, whatever roles lead there.
#[derive(Debug)]
pub(super) struct Gates {
    limits: Limits,
    stop: watch::Receiver<bool>,
    fence: Fence,
    metrics: Arc<Metrics>,
    gates: Mutex<HashMap<String, Arc<Gate>>>,
}

/// The gate of one account.
#[derive(Debug)]
pub(super) struct Gate {
    budget: Mutex<Budget<oneshot::Sender<()>>>,
    /// Somebody has come, or a turn has been given back.
    wake: Notify,
    stop: watch::Receiver<bool>,
}

/// A place in the line, left when dropped.
struct Waiting<'a> {
    gate: &'a Gate,
    place: Option<Place>,
    turn: oneshot::Receiver<()>,
}

impl Gates {
    pub fn new(limits: Limits, stop: watch::Receiver<bool>, fence: Fence, metrics: Arc<Metrics>) -> Self {
        Self { limits, stop, fence, metrics, gates: Mutex::default() }
    }

    /// Where calls are counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Asked just before each request is sent.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// The gate of this account. Where it is not known yet who we are there is one for all.
    pub fn of(&self, account: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(account) {
            return gate.clone();
        }
        let gate = Gate::start(self.limits, self.stop.clone());
        gates.insert(account.to_owned(), gate.clone());
        gate
    }

    /// An error from the moment on that the operator is to stop.
    pub fn open(&self) -> Result<(), Stopping> {
        if *self.stop.borrow() { Err(Stopping) } else { Ok(()) }
    }
}

impl Gate {
    fn start(limits: Limits, stop: watch::Receiver<bool>) -> Arc<Self> {
        let budget = Mutex::new(Budget::new(limits, Instant::now()));
        let gate = Arc::new(Self { budget, wake: Notify::new(), stop });
        tokio::spawn(serve(gate.clone()));
        gate
    }

    /// Waits for the turn, and says for how long.
    pub async fn pass(&self, behalf: &Behalf) -> Result<Duration, Stopping> {
        let start = Instant::now();
        let (tell, turn) = oneshot::channel();
        let place = self.budget().wait(start, behalf.kind, behalf.namespace.clone(), tell);
        let mut waiting = Waiting { gate: self, place: Some(place), turn };
        self.wake.notify_one();
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => Err(Stopping),
            // The other end is not dropped before it has told.
            _ = &mut waiting.turn => {
                waiting.place = None;
                Ok(start.elapsed())
            }
        }
    }

    /// A call that was let pass then was answered, and not refused for the rate.
    pub fn answered(&self) {
        self.budget().answered(Instant::now());
    }

    /// A call that was let pass then was refused for the rate.
    pub fn throttled(&self, sent: Instant) {
        self.budget().throttled(Instant::now(), sent, fastrand::u64(..));
    }

    /// Requests a second, at present.
    pub fn rate(&self) -> f64 {
        self.budget().rate(Instant::now())
    }

    fn budget(&self) -> MutexGuard<'_, Budget<oneshot::Sender<()>>> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let mut budget = self.gate.budget();
        if budget.leave(Instant::now(), &place).is_none() {
            budget.give_back();
            self.gate.wake.notify_one();
        }
    }
}

/// Gives turns, to the end of the process.
async fn serve(gate: Arc<Gate>) {
    loop {
        let due = {
            let mut budget = gate.budget();
            let now = Instant::now();
            while let Some(tell) = budget.next(now) {
                // Whoever is gone by now gives it back as they go.
                let _ = tell.send(());
            }
            budget.due()
        };
        match due {
            Some(due) => tokio::select! {
                () = gate.wake.notified() => {}
                () = tokio::time::sleep_until(due.into()) => {}
            },
            None => gate.wake.notified().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn gates(rate: f64) -> (watch::Sender<bool>, Gates) {
        let (stop, stopped) = watch::channel(false);
        (stop, Gates::new(Limits { min: rate, max: rate }, stopped, Fence::open(), Arc::new(Metrics::new())))
    }

    #[tokio::test]
    async fn the_first_calls_pass_at_once_and_the_others_as_the_rate_lets_them() {
        let (_stop, gates) = gates(50.0);
        let (gate, start) = (gates.of("1"), Instant::now());
        for _ in 0..16 {
            gate.pass(&Behalf::default()).await.unwrap();
        }
        assert!(start.elapsed() >= Duration::from_millis(199), "{:?}", start.elapsed());
        assert_eq!(gate.rate(), 50.0);
    }

    #[tokio::test]
    async fn an_account_has_one_gate() {
        let (_stop, gates) = gates(1.0);
        assert!(Arc::ptr_eq(&gates.of("1"), &gates.of("1")));
        assert!(!Arc::ptr_eq(&gates.of("1"), &gates.of("2")));
    }

    #[tokio::test]
    async fn who_goes_takes_no_turn_and_holds_up_nobody() {
        let (_stop, gates) = gates(1.0);
        let gate = gates.of("1");
        gate.pass(&Behalf::default()).await.unwrap();
        for _ in 0..100 {
            // Asked once, and dropped.
            assert_eq!(gate.pass(&Behalf::default()).now_or_never(), None, "there is no second turn yet");
        }
        let behalf = Behalf::default();
        let next = tokio::time::timeout(Duration::from_secs(20), gate.pass(&behalf));
        assert!(next.await.is_ok(), "a hundred turns would take longer");
    }

    #[tokio::test]
    async fn who_waits_when_the_operator_stops_is_told_so() {
        let (stop, gates) = gates(0.1);
        let gate = gates.of("1");
        gate.pass(&Behalf::default()).await.unwrap();
        let behalf = Behalf::default();
        let mut waiting = std::pin::pin!(gate.pass(&behalf));
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut waiting).await.is_err());
        stop.send(true).unwrap();
        assert_eq!(waiting.await, Err(Stopping));
        assert_eq!(gate.pass(&Behalf::default()).await, Err(Stopping));
        assert_eq!(gates.open(), Err(Stopping));
    }
}
