//! Gives every Kubernetes ServiceAccount exactly the AWS permissions that an `IrsaBinding` declares.

pub mod admin;
pub mod api;
pub mod aws;
pub mod backoff;
pub mod budget;
pub mod cli;
pub mod contested;
pub mod controller;
pub mod desired;
pub mod error;
pub mod fuse;
pub mod guardrails;
pub mod holder;
pub mod iam;
pub mod issuers;
pub mod leader;
pub mod metrics;
pub mod orphans;
pub mod plan;
pub mod queue;
pub mod released;
pub mod snapshot;
pub mod status;
pub mod store;
pub mod strays;
pub mod telemetry;
