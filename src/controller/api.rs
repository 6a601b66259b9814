//! Calls to the API server: each under a time-out of ours, each failure with its meaning.

use crate::api::reason;
use crate::error::{Category, Error};
use kube::core::Status;
use std::future::Future;
use std::time::Duration;

/// kube's client has no read time-out of its own, so that a half-open connection would hang for ever.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A call to the API server that failed.
#[derive(Debug)]
pub enum ApiError {
    /// What it was computed from is no longer so. The watch brings what is: again, without a word.
    Stale,
    /// The object is not there.
    NotFound,
    /// Other field managers hold fields with other values: (field, manager).
    Fields(Vec<(String, String)>),
    /// The namespace is going away and takes nothing new.
    Terminating,
    /// Everything else.
    Failed(Error),
}

/// Sends a call.
///
/// # Errors
/// See [`ApiError`].
pub async fn send<T>(what: &str, call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, ApiError> {
    match tokio::time::timeout(TIMEOUT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(kube::Error::Api(status))) => Err(meaning(what, &status)),
        Ok(Err(error)) => Err(unavailable(what, &root_cause(&error))),
        Err(_) => Err(unavailable(what, "no answer in time")),
    }
}

fn unavailable(what: &str, why: &str) -> ApiError {
    ApiError::Failed(Error::new(Category::Transient, format!("the API server did not {what}: {why}")))
}

fn meaning(what: &str, status: &Status) -> ApiError {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let text = || format!("the API server did not {what}: {}", status.message);
    match status.code {
        404 => ApiError::NotFound,
        409 => {
            let fields: Vec<(String, String)> = causes
                .iter()
                .filter(|cause| cause.reason == "FieldManagerConflict")
                .map(|cause| (cause.field.clone(), quoted(&cause.message)))
                .collect();
            if fields.is_empty() { ApiError::Stale } else { ApiError::Fields(fields) }
        }
        // A wrong uid, or the test of a JSON patch; a definition that we do not fit would be no race, and is told.
        422 if status.message.contains("uid") => ApiError::Stale,
        403 if causes.iter().any(|cause| cause.reason == "NamespaceTerminating") => ApiError::Terminating,
        401 | 403 => ApiError::Failed(Error::because(Category::Denied, reason::ACCESS_DENIED, text())),
        400 | 405 | 406 | 413 | 415 | 422 => {
            // Whoever refuses it, an admission policy for one, may be changed, and we do not watch that.
            ApiError::Failed(Error::because(Category::Denied, reason::INVALID, text()))
        }
        _ => ApiError::Failed(Error::new(Category::Transient, text())),
    }
}

/// The manager in `conflict with "kubectl-annotate" using v1`.
fn quoted(message: &str) -> String {
    message.split('"').nth(1).unwrap_or(message).to_owned()
}

/// The part of an error that a person can act on: the API server's own words, or the last cause in the chain.
pub fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    loop {
        if let Some(kube::Error::Api(status)) = cause.downcast_ref() {
            return status.message.clone();
        }
        match cause.source() {
            Some(source) => cause = source,
            None => return cause.to_string(),
        }
    }
}
