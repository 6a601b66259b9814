//! What takes minutes by nature: `make soak`. The harness is that of the end-to-end tests.
//!
//! Randomness has a seed, which is printed: `SOAK_SEED=N` repeats a run as far as the machine's timing lets it.

#![allow(clippy::unwrap_used)] // the lint spares only the test functions themselves

#[allow(dead_code, unused_imports)]
#[path = "../e2e/harness/mod.rs"]
mod harness;

mod attacked;
mod blind;
mod budget;
mod contested;
mod faults;
mod fleet;
mod fuse;
mod gitops;
mod identity;
mod kill;
mod left;
mod minute;
mod outage;
mod quarantine;
mod replicas;
mod storm;
