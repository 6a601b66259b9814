//! All that the emulator knows: the crate's IAM state, and beside it what is ours.
//! Everything but the calls' count belongs to an account.

pub mod accounts;
pub mod keys;
pub mod lag;
pub mod switches;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use fakecloud_core::multi_account::MultiAccountState;
use fakecloud_iam::iam_service::IamService;
use fakecloud_iam::{IamState, SharedIamState};
use parking_lot::RwLock;
use tokio::sync::Notify;

use crate::door::journal::Journal;
use crate::eks::Cluster;
use crate::faults::Faults;
use crate::faults::bucket::Buckets;
use crate::sts::jwks::Issuers;
use accounts::Account;
use switches::{Quotas, Switches};

/// Where the crate keeps what belongs to nobody.
const NOBODY: &str = "000000000000";

pub struct World {
    pub iam: SharedIamState,
    pub crate_iam: IamService,
    pub own: RefCell<Own>,
    /// Rung at everything that a waiter of the admin API may wait for.
    pub bell: Notify,
    waiters: Cell<usize>,
}

pub struct Own {
    pub strict: bool,
    pub calls: u64,
    pub accounts: BTreeMap<String, Account>,
    pub keys: keys::Keys,
    pub journal: Journal,
    pub faults: Faults,
    /// By account, region and name.
    pub clusters: BTreeMap<(String, String, String), Cluster>,
    pub issuers: Issuers,
    pub buckets: Buckets,
    /// One account as it was once.
    pub snapshot: Option<(String, Box<IamState>)>,
    pub lags: lag::Lags,
    /// The principals of AWS that some trust policy names.
    pub named: HashSet<String>,
}

impl World {
    pub fn new(strict: bool) -> Self {
        let iam: SharedIamState = Arc::new(RwLock::new(MultiAccountState::new(NOBODY, "us-east-1", "")));
        Self {
            crate_iam: IamService::new(Arc::clone(&iam)),
            iam,
            own: RefCell::new(Own {
                strict,
                calls: 0,
                accounts: BTreeMap::new(),
                keys: keys::Keys::default(),
                journal: Journal::default(),
                faults: Faults::default(),
                clusters: BTreeMap::new(),
                issuers: Issuers::default(),
                buckets: Buckets::default(),
                snapshot: None,
                lags: lag::Lags::default(),
                named: HashSet::new(),
            }),
            bell: Notify::new(),
            waiters: Cell::new(0),
        }
    }

    pub fn ring(&self) {
        if self.waiters.get() > 0 {
            self.bell.notify_waiters();
        }
    }

    /// Looks again whenever the bell rings, until `look` answers or the time is over.
    pub async fn wait<T>(&self, timeout: std::time::Duration, mut look: impl FnMut(&Own) -> Option<T>) -> Option<T> {
        let end = tokio::time::Instant::now() + timeout;
        self.waiters.set(self.waiters.get() + 1);
        let found = loop {
            let rung = self.bell.notified();
            if let Some(found) = look(&self.own.borrow()) {
                break Some(found);
            }
            if tokio::time::timeout_at(end, rung).await.is_err() {
                break look(&self.own.borrow());
            }
        };
        self.waiters.set(self.waiters.get() - 1);
        found
    }
}

impl Own {
    pub fn partition(&self, account: &str) -> String {
        self.accounts.get(account).map_or_else(|| "aws".to_owned(), |account| account.partition.clone())
    }

    /// The account's switches; a call of nobody meets no layer.
    pub fn switches(&self, account: &str) -> Switches {
        self.accounts.get(account).map(|account| account.switches.clone()).unwrap_or_default()
    }

    pub fn quotas(&self, account: &str) -> Quotas {
        self.accounts.get(account).map(|account| account.quotas.clone()).unwrap_or_default()
    }

    /// The time by the account's clock.
    pub fn now(&self, account: &str) -> DateTime<Utc> {
        let offset = self.accounts.get(account).map_or(0, |account| account.clock_offset_ms);
        Utc::now() + chrono::Duration::milliseconds(offset)
    }
}
