//! What is state and not event: read at the moment of a scrape, and counted nowhere.

use super::catalog as about;
use super::families::{Value, Writer};
use crate::queue::{Depth, Kind};
use crate::snapshot::{Quota, Taken};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What there is at this moment.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// How many bindings are so: class, reason, Ready.
    pub bindings: BTreeMap<(String, &'static str, bool), usize>,
    /// How many bindings are noted to be so: class, reason.
    pub noted: BTreeMap<(String, &'static str), usize>,
    /// What classes say in their conditions: class, condition, reason, status.
    pub classes: Vec<(String, &'static str, &'static str, &'static str)>,
    /// The pending deletions of each class: how many, and the age of the oldest.
    pub deletions: BTreeMap<String, (usize, Duration)>,
    /// How many removals are held: class, and the namespace that is held by itself.
    pub held: BTreeMap<(String, String), usize>,
    /// The queue.
    pub queue: Depth,
    /// Each watched resource, and whether its watch works.
    pub watches: Vec<(String, bool)>,
    /// The accounts that classes make roles in.
    pub accounts: BTreeMap<String, AccountReadings>,
}

/// What there is of an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountReadings {
    /// Requests a second that it is asked for at most.
    pub rate: f64,
    /// Since when nothing has been seen of it, where snapshots are to show it.
    pub unseen: Option<Instant>,
    /// The last complete snapshot.
    pub snapshot: Option<Taken>,
    /// Whether that waits for a second one to say the same.
    pub suspect: bool,
    /// Its roles, as far as that is known.
    pub quota: Option<Quota>,
    /// Roles without a binding, as far as that is known: those that are only told, and those that are cut off.
    pub orphans: Option<(usize, usize)>,
    /// Bindings that another tool fights.
    pub contested: usize,
}

impl Collector for Readings {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let mut to = Writer::new(encoder);
        let text = |text: &String| Value::Owned(text.clone());
        to.gauge(
            &about::BINDINGS,
            self.bindings.iter().map(|((class, reason, ready), count)| {
                let ready = if *ready { "true" } else { "false" };
                ([text(class), (*reason).into(), ready.into()], *count as f64)
            }),
        )?;
        let noted = self.noted.iter().map(|((class, why), count)| ([text(class), (*why).into()], *count as f64));
        to.gauge(&about::NOTED, noted)?;
        let classes = self.classes.iter();
        let conditions =
            classes.map(|(class, kind, why, is)| ([text(class), (*kind).into(), (*why).into(), (*is).into()], 1.0));
        to.gauge(&about::CLASSES, conditions)?;
        let deletions = || self.deletions.iter();
        to.gauge(&about::DELETIONS, deletions().map(|(class, (count, _))| ([text(class)], *count as f64)))?;
        to.gauge(&about::OLDEST_DELETION, deletions().map(|(class, (_, age))| ([text(class)], age.as_secs_f64())))?;
        let held = self.held.iter();
        to.gauge(&about::HELD, held.map(|((class, of), count)| ([text(class), text(of)], *count as f64)))?;
        let states = [("due", self.queue.due), ("delayed", self.queue.delayed), ("in_flight", self.queue.in_flight)];
        let depths = states.into_iter().flat_map(|(state, depths)| {
            let kinds = Kind::ALL.into_iter().zip(depths);
            kinds.map(move |(kind, depth)| ([kind.label().into(), state.into()], depth as f64))
        });
        to.gauge(&about::QUEUE, depths)?;
        to.gauge(&about::WATCH, self.watches.iter().map(|(kind, works)| ([text(kind)], flag(*works))))?;
        self.accounts(&mut to)
    }
}

impl Readings {
    fn accounts(&self, to: &mut Writer<'_>) -> std::fmt::Result {
        let name = |account: &String| Value::Owned(account.clone());
        let all = || self.accounts.iter();
        to.gauge(&about::BUDGET, all().map(|(account, of)| ([name(account)], of.rate)))?;
        let snapshots = |value: fn(&Taken) -> f64| {
            all().filter_map(move |(account, of)| Some(([name(account)], value(&of.snapshot?))))
        };
        let age = all().filter_map(|(account, of)| Some(([name(account)], of.unseen?.elapsed().as_secs_f64())));
        to.gauge(&about::SNAPSHOT_AGE, age)?;
        to.gauge(&about::SNAPSHOT_DURATION, snapshots(|taken| (taken.ended - taken.begun).as_secs_f64()))?;
        to.gauge(&about::SNAPSHOT_ROLES, snapshots(|taken| taken.roles as f64))?;
        let suspect = all().filter(|(_, of)| of.snapshot.is_some());
        to.gauge(&about::SNAPSHOT_SUSPECT, suspect.map(|(account, of)| ([name(account)], flag(of.suspect))))?;
        let known = all().filter_map(|(account, of)| Some((account, of.orphans?)));
        let orphans = known.flat_map(|(account, (reported, quarantined))| {
            let states = [("reported", reported), ("quarantined", quarantined)];
            states.map(|(state, count)| ([name(account), state.into()], count as f64))
        });
        to.gauge(&about::ORPHANS, orphans)?;
        to.gauge(&about::CONTESTED, all().map(|(account, of)| ([name(account)], of.contested as f64)))?;
        let quotas = |value: fn(&Quota) -> u64| {
            all().filter_map(move |(account, of)| Some(([name(account), "roles".into()], value(&of.quota?) as f64)))
        };
        to.gauge(&about::QUOTA_USED, quotas(|quota| quota.used))?;
        to.gauge(&about::QUOTA_LIMIT, quotas(|quota| quota.limit))
    }
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}
