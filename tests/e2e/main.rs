//! The operator's program on a real API server and an AWS emulator: end to end.
//!
//! One environment serves all tests; each has a namespace of its own, so they run side by side. The operator runs as its
//! own ServiceAccount and its own role, so that a permission that is missing fails tests. A test looks like this:
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_removed_policy_leaves_the_role() {
//!     let space = Space::new("removed-policy").await; // also the namespace's name; where the test fails, it tells all
//!     space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await; // ServiceAccount and binding `app`
//!     let since = space.mark().await;
//!     space.patch_binding("app", json!({"spec": {"policies": {"managed": []}}})).await;
//!     space.ready("app").await;
//!     assert_eq!(space.changes("app", since).await, ["DetachRolePolicy"]); // the operator's calls, from the journal
//!     assert_eq!(space.role("app").await["attached"], json!([])); // the truth
//! }
//! ```
//!
//! A test that stops or restarts something, or needs what there is but once (the default class, the definitions), has
//! an environment of its own:
//!
//! ```ignore
//! let env = Env::own("two-defaults"); // control plane, AWS, definitions, RBAC; no operator and no class yet
//! let mut operator = Operator::start(&env, &["--resync", "10m"]);
//! operator.ready().await;
//! env.default_class().await;
//! let space = env.space("two-defaults", &operator).await;
//! let rule = env.emulator.rule(json!({"action": "hold", "match": {"operation": "AttachRolePolicy"}})).await;
//! // ...
//! let held = env.emulator.held("AttachRolePolicy", &space.role_name("app")).await;
//! operator.kill(); // as `kill -9`; `terminate` for SIGTERM; `env.component("stop", "aws")` for the rest
//! env.emulator.release(&held).await;
//! drop(rule); // a rule ends when it is dropped
//! let mut operator = Operator::start(&env, &["--resync", "10m"]);
//! ```
//!
//! Nothing waits by the clock: `eventually` asks until it is so, and says what it last heard where it never is.
//! Logs are under `target/e2e/PID/ENVIRONMENT/logs`, until the next run. However this program dies, `dev/env hold` ends
//! what it has started.

#![allow(clippy::unwrap_used)] // the lint spares only the test functions themselves

#[allow(dead_code, unused_imports)]
mod harness;

mod accounts;
mod adoption;
mod alone;
mod attacks;
mod classes;
mod create;
mod definitions;
mod delete;
mod drift;
mod elsewhere;
mod foreign;
mod fuse;
mod guardrails;
mod invalid;
mod lag;
mod metrics;
mod modes;
mod orphans;
mod permissions;
mod process;
mod quiet;
mod replicas;
mod schema;
mod settle;
mod snapshots;
mod trouble;
mod update;
