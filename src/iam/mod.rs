//! What IAM is made of, as data: names, ARNs, documents, roles, owners. Knows neither Kubernetes nor the SDK.

pub mod arn;
pub mod document;
pub(crate) mod json_path;
pub mod name;
pub mod narrow;
pub mod owner;
pub mod permissions;
pub mod role;
pub mod tags;
pub mod trust;
pub mod vars;
