//! Calls to the API server: each under a time-out of ours, each failure with its meaning.

use crate::api::reason;
use crate::error::{Category, Error};
use crate::leader::{ATTEMPT, Fence, NotLeading};
use kube::core::Status;
use std::future::Future;
use std::time::Instant;
use tower::filter::FilterLayer;

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

/// A client that changes nothing without the right to it, which it asks for just before it sends.
///
/// # Errors
/// Where the configuration can't be used.
pub fn fenced(config: kube::Config, fence: Fence) -> Result<kube::Client, kube::Error> {
    let check = move |request: http::Request<kube::client::Body>| -> Result<_, tower::BoxError> {
        if request.method().is_safe() || fence.holds(Instant::now()) { Ok(request) } else { Err(NotLeading.into()) }
    };
    Ok(kube::client::ClientBuilder::try_from(config)?.with_layer(&FilterLayer::new(check)).build())
}

/// Sends a call. kube's client has no read time-out of its own, so that a half-open connection would hang for ever.
///
/// # Errors
/// See [`ApiError`].
pub async fn send<T>(what: &str, call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, ApiError> {
    match tokio::time::timeout(ATTEMPT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(kube::Error::Api(status))) => Err(meaning(what, &status)),
        // The process is about to end, and there is nothing to be said or done any more.
        Ok(Err(kube::Error::Service(error))) if error.is::<NotLeading>() => std::future::pending().await,
        Ok(Err(error)) => Err(unavailable(what, &root_cause(&error))),
        Err(_) => Err(no_answer(what)),
    }
}

/// A call that took too long.
pub fn no_answer(what: &str) -> ApiError {
    unavailable(what, "no answer in time")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leader::Election;

    #[tokio::test]
    async fn nothing_is_changed_without_the_right() {
        let refused = async |method: &str, fence: Fence| {
            // Nobody listens there: what is let through fails in another way.
            let client = fenced(kube::Config::new("http://127.0.0.1:1".parse().unwrap()), fence).unwrap();
            let request = http::Request::builder().method(method).uri("/").body(Vec::new()).unwrap();
            let answer = client.request::<serde_json::Value>(request).await.unwrap_err();
            matches!(answer, kube::Error::Service(error) if error.is::<NotLeading>())
        };
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert!(refused(method, Election::new("me".to_owned()).fence()).await, "{method}");
            assert!(!refused(method, Fence::open()).await, "{method}");
        }
        assert!(!refused("GET", Election::new("me".to_owned()).fence()).await, "who does not lead looks");
    }
}
