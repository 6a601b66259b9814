//! The one way to AWS: each call is timed, logged and classified here, and repeated once where nothing is known of how
//! it ended. All further patience is the queue's.

use super::Aws;
use super::classify::{AwsError, classify};
use crate::error::Category;
use crate::metrics::Call;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use std::future::Future;
use std::time::{Duration, Instant};
use tracing::debug;

impl Aws {
    /// Sends a call, and sends it again if it failed in a way that says nothing.
    ///
    /// Every call is written so that it may be repeated: a change that was made although its answer was lost shows as
    /// already there or already gone, which callers take for done.
    pub(super) async fn call<T, E, F, Fut>(&self, operation: &'static str, send: F) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E>>>,
    {
        match self.attempt(operation, &send).await {
            Err(error) if error.category == Category::Transient => self.attempt(operation, &send).await,
            result => result,
        }
    }

    async fn attempt<T, E, F, Fut>(&self, operation: &'static str, send: &F) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E>>>,
    {
        while let Some(until) = self.pace.pause(Instant::now()) {
            tokio::time::sleep_until(until.into()).await;
        }
        let start = Instant::now();
        let result = send().await.map_err(|error| classify(operation, &error));
        match &result {
            Err(error) if error.category == Category::Throttled => {
                self.pace.throttled(Instant::now(), fastrand::u64(..))
            }
            _ => self.pace.answered(Instant::now()),
        }
        let code = result.as_ref().err().map_or("ok", AwsError::label);
        self.count(operation, result.as_ref().err(), start.elapsed());
        debug!(operation, result = code, ms = start.elapsed().as_millis(), "AWS call");
        result
    }

    fn count(&self, operation: &'static str, error: Option<&AwsError>, took: Duration) {
        let account = self.identity.get().map(|identity| identity.account.as_str());
        let result = error.map_or("ok", AwsError::metric_label);
        // A role that is not there has no tags, and so may not be looked at: usual, and no permission is missing.
        let denied = error.is_some_and(|error| error.category == Category::Denied && !error.names_no_arn());
        self.metrics.called(&Call { account, operation, result, denied, took });
    }
}
