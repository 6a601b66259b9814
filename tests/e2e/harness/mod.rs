//! What every test stands on: a real control plane and an AWS, the operator as its own ServiceAccount and its own role,
//! and a [`Space`] of its own for each test.

pub mod adoption;
pub mod allow;
mod audit;
mod aws;
pub mod documents;
mod emulator;
mod env;
mod files;
mod http;
mod judge;
mod kube_api;
pub mod openmetrics;
mod operator;
mod replica;
mod space;
mod told;
mod wait;

pub use audit::writes as audit_writes;
pub use aws::{AwsAdmin, Keys, Session, operator_elsewhere, operator_policy};
pub use emulator::{Call, Emulator, Held, Rule};
pub use env::{CLUSTER_ID, Env};
pub use files::kubectl;
pub use judge::Probe;
pub use kube_api::{Kube, paths};
pub use operator::Operator;
pub use replica::{Replica, lease, lease_holder};
pub use space::Space;
pub use told::{condition, is, message, reason};
pub use wait::{PATIENCE, eventually, eventually_within};
