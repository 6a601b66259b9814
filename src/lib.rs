//! Gives every Kubernetes ServiceAccount exactly the AWS permissions that an `IrsaBinding` declares.

pub mod api;
pub mod backoff;
pub mod cli;
pub mod iam;
pub mod queue;
pub mod store;
