//! Waiting for what must become true, instead of for time to pass.

use std::time::{Duration, Instant};

/// How long anything may take: far longer than it does, as the machine may be busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until it is so. Where it never is, the test fails with what it was last told.
pub async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    eventually_within(PATIENCE, what, ask).await
}

/// [`eventually`] with a patience of its own.
pub async fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let start = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(last) if start.elapsed() > patience => panic!("{what}: not so after {patience:?}; at last: {last}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
