//! The one way to AWS: each call waits for its turn, is timed, logged and classified here, and is repeated once where
//! nothing is known of how it ended. All further patience is the queue's.

use super::Aws;
use super::classify::{AwsError, classify};
use crate::error::Category;
use crate::metrics::Call;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use std::future::Future;
use std::time::{Duration, Instant};
use tracing::debug;

/// Whose calls have a share of the account's rate of IAM. STS and EKS have limits of their own, and are asked so rarely
/// that they need none of ours.
const BUDGETED: &str = "iam:";

impl Aws {
    /// Sends a call, and sends it again if it failed in a way that says nothing.
    ///
    /// Every call is written so that it may be repeated: a change that was made although its answer was lost shows as
    /// already there or already gone, which callers take for done. One that is refused for the rate is not repeated
    /// here: others may go first.
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
        // Outside of every time-out: these begin when the call is sent.
        let waited = self.turn(operation).await?;
        let sent = Instant::now();
        let result = send().await.map_err(|error| classify(operation, &error));
        if result.is_err() && !self.gates.fence().holds(Instant::now()) {
            // Another replica may lead by now. This process is about to end, and has nothing to say or do any more.
            return std::future::pending().await;
        }
        self.learn(operation, sent, result.as_ref().err());
        self.tell(operation, waited, sent.elapsed(), result.as_ref().err());
        result
    }

    /// Waits until this call may be sent. Nothing is sent once the operator stops.
    async fn turn(&self, operation: &'static str) -> Result<Duration, AwsError> {
        let turn = match operation.starts_with(BUDGETED) {
            true => self.gate().pass(&self.behalf).await,
            false => self.gates.open().map(|()| Duration::ZERO),
        };
        turn.map_err(|_| AwsError::stopping(operation))
    }

    fn learn(&self, operation: &'static str, sent: Instant, error: Option<&AwsError>) {
        if operation.starts_with(BUDGETED) {
            match error {
                Some(error) if error.category == Category::Throttled => self.gate().throttled(sent),
                _ => self.gate().answered(),
            }
        }
    }

    /// All that there is to be told of one request: for how long it waited for its turn and for its answer, and which.
    fn tell(&self, operation: &'static str, waited: Duration, took: Duration, error: Option<&AwsError>) {
        let code = error.map_or("ok", AwsError::label);
        debug!(operation, result = code, ms = took.as_millis(), waited_ms = waited.as_millis(), "AWS call");
        if operation.starts_with(BUDGETED) {
            self.gates.metrics().waited(self.behalf.kind, waited);
        }
        let account = self.identity.get().map(|identity| identity.account.as_str());
        let result = error.map_or("ok", AwsError::metric_label);
        // A role that is not there has no tags, and so may not be looked at: usual, and no permission is missing.
        let denied = error.is_some_and(|error| error.category == Category::Denied && !error.names_no_arn());
        self.gates.metrics().called(&Call { account, operation, result, denied, took });
    }
}
