//! What a scrape of `/metrics` reads of the state: one pass over the bindings and one over the queue.

use super::state::{Ctx, State};
use crate::api::names::FINALIZER;
use crate::api::reason::{self, condition};
use crate::fuse::Held;
use crate::metrics::{AccountReadings, Readings};
use crate::snapshot::Account;
use crate::store::LeanClass;
use k8s_openapi::jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl Ctx {
    /// What `/metrics` answers.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        let readings = self.state().readings(Timestamp::now());
        self.metrics.render(Readings { watches: self.health.watches(), ..readings })
    }
}

impl State {
    fn readings(&self, now: Timestamp) -> Readings {
        // Only names of classes that exist: a tenant may make up any other.
        let classes: BTreeSet<&str> = self.classes.iter().map(|class| &*class.head.key.name).collect();
        let mut deletions: BTreeMap<&str, (usize, Duration)> =
            classes.iter().map(|class| (*class, Default::default())).collect();
        let (mut bindings, mut noted) = (BTreeMap::new(), BTreeMap::new());
        for binding in self.bindings.iter() {
            let class = binding.class_name.as_deref().filter(|class| classes.contains(class)).unwrap_or_default();
            *bindings.entry((class, binding.says.reason(), binding.says.ready)).or_default() += 1;
            if let Some(why) = binding.says.noted() {
                *noted.entry((class.to_owned(), why)).or_default() += 1;
            }
            if let Some(since) = binding.head.deleted.as_ref().filter(|_| binding.head.has_finalizer(FINALIZER)) {
                // The API server's clock may be ahead of ours.
                let age = Duration::try_from(now.duration_since(since.0)).unwrap_or_default();
                let (count, oldest) = deletions.entry(class).or_default();
                *count += 1;
                *oldest = age.max(*oldest);
            }
        }
        Readings {
            bindings: bindings
                .into_iter()
                .map(|((class, why, ready), n)| ((class.to_owned(), why, ready), n))
                .collect(),
            noted,
            classes: self.classes.iter().flat_map(|class| conditions(class)).collect(),
            held: classes.iter().flat_map(|class| self.held_by(class)).collect(),
            deletions: deletions.into_iter().map(|(class, of)| (class.to_owned(), of)).collect(),
            queue: self.queue.depth(),
            accounts: self.account_readings(),
            ..Readings::default()
        }
    }

    /// How many removals of a class are held with all of it, and of each namespace that is held by itself.
    fn held_by(&self, class: &str) -> Vec<((String, String), usize)> {
        let mut with_all = self.fuse.held(class).map_or(0, Held::count);
        let mut held = Vec::new();
        for (namespace, of) in self.fuse.all_alone(class) {
            with_all -= of.count();
            held.push(((class.to_owned(), namespace.to_string()), of.count()));
        }
        held.push(((class.to_owned(), String::new()), with_all));
        held
    }

    fn account_readings(&self) -> BTreeMap<String, AccountReadings> {
        let mut all = BTreeMap::new();
        // Of an account that no class uses any more nothing new is known, and nobody is to be woken for that.
        for seen in self.classes_seen.values() {
            let account = self.snapshot.account(&seen.place.account);
            let of = AccountReadings {
                rate: seen.aws.rate(),
                unseen: account.and_then(Account::unseen_since),
                snapshot: account.and_then(Account::taken),
                suspect: account.is_some_and(Account::suspect),
                quota: account.and_then(Account::quota),
                orphans: self.orphan_count(&seen.place.account),
                contested: self.contested.count(&seen.place.account),
            };
            all.insert(seen.place.account.clone(), of);
        }
        all
    }
}

/// What the status of a class says, in words of ours: somebody may have written another there.
fn conditions(class: &LeanClass) -> Vec<(String, &'static str, &'static str, &'static str)> {
    let known = |words: &[&'static str], word: &str| words.iter().find(|known| **known == word).copied();
    let name = &class.head.key.name;
    let told = class.status().conditions.into_iter().filter_map(|told| {
        let kind = known(&condition::OF_CLASS, &told.type_)?;
        let status = known(&["True", "False", "Unknown"], &told.status)?;
        Some((name.to_string(), kind, known(&reason::KNOWN, &told.reason).unwrap_or(reason::OTHER), status))
    });
    // One of each: two samples with the same labels would be no text that anybody can read.
    let by_kind: BTreeMap<_, _> = told.map(|told| (told.1, told)).collect();
    by_kind.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Kind;
    use crate::store::NsName;
    use serde_json::{Value, json};

    /// A binding of this class, in this deletion, Ready for this reason.
    fn put(state: &mut State, name: &str, class: Value, deleted: Option<(&str, &str)>, why: Option<&str>) {
        let status = |why: &str| if why == "Ready" { "True" } else { "False" };
        let conditions: Vec<Value> = why
            .map(|why| json!({"type": "Ready", "status": status(why), "reason": why}))
            .into_iter()
            .chain([
                json!({"type": "RoleReady", "status": "True", "reason": if name == "3" { "Held" } else { "Ready" }}),
            ])
            .collect();
        let (since, finalizer) = deleted.map_or((Value::Null, json!([])), |(at, by)| (json!(at), json!([by])));
        let object = json!({
            "metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": "1",
                "deletionTimestamp": since, "finalizers": finalizer},
            "spec": {"className": class}, "status": {"conditions": conditions},
        });
        state.bindings.apply(serde_json::from_str(&object.to_string()).unwrap());
    }

    #[test]
    fn what_there_is_by_class() {
        let mut state = State::default();
        for name in ["a", "b"] {
            let says = |(kind, is, why): (&str, &str, &str)| json!({"type": kind, "status": is, "reason": why, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
            let told = [
                ("Ready", "True", "Ready"),
                ("Ready", "False", "Invalid"),
                ("Stalled", "True", "of another version"),
                ("Odd", "True", "Ready"),
                ("SnapshotReady", "Maybe", "Ready"),
            ]
            .map(says);
            let status = if name == "a" { json!({"conditions": told}) } else { Value::Null };
            let class =
                json!({"metadata": {"name": name, "uid": name, "resourceVersion": "1"}, "spec": {}, "status": status});
            state.classes.apply(serde_json::from_str(&class.to_string()).unwrap());
        }
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        put(&mut state, "1", json!("a"), None, Some("Ready"));
        put(&mut state, "2", json!("a"), None, Some("Ready"));
        put(&mut state, "3", json!("a"), None, Some("Conflict"));
        put(&mut state, "4", json!("made-up"), None, None);
        put(&mut state, "5", Value::Null, None, None);
        put(&mut state, "6", json!("b"), Some(("2026-01-01T00:00:00Z", FINALIZER)), Some("Ready"));
        put(&mut state, "7", json!("b"), Some(("2026-01-01T00:09:00Z", FINALIZER)), Some("Ready"));
        put(&mut state, "8", json!("b"), Some(("2025-01-01T00:00:00Z", "theirs")), Some("Ready"));
        put(&mut state, "9", Value::Null, Some(("2026-01-01T00:10:30Z", FINALIZER)), Some("Odd"));
        state.wake_binding(&NsName::new("n", "1"), Kind::Change);
        let readings = state.readings(now);
        let bindings: Vec<_> = readings.bindings.iter().map(|((c, why, is), n)| (c.as_str(), *why, *is, *n)).collect();
        let (ready, minutes) = ("Ready", |minutes: u64| Duration::from_secs(60 * minutes));
        assert_eq!(
            bindings,
            [
                ("", "Other", false, 1),
                ("", "Pending", false, 2),
                ("a", "Conflict", false, 1),
                ("a", ready, true, 2),
                ("b", ready, true, 3)
            ]
        );
        assert_eq!(readings.noted, [(("a".to_owned(), "Held"), 1)].into());
        let deletions: Vec<_> = readings.deletions.iter().map(|(class, (n, age))| (class.as_str(), *n, *age)).collect();
        assert_eq!(deletions, [("", 1, minutes(0)), ("a", 0, minutes(0)), ("b", 2, minutes(10))]);
        assert_eq!(readings.queue.due, [1, 0, 0, 0, 0]);
        let told = |kind, why, is| ("a".to_owned(), kind, why, is);
        assert_eq!(readings.classes, [told("Ready", "Invalid", "False"), told("Stalled", "Other", "True")]);
    }
}
