//! Waiting for what must become true, instead of for time to pass.

use std::time::{Duration, Instant};

/// How long anything may take: far longer than it does, as the machine may be busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long it is until the next question, at first and at last: who asks often takes the machine from what it waits for.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(200));

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
    let (start, mut pause) = (Instant::now(), PAUSE.0);
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(last) if start.elapsed() > patience => panic!("{what}: not so after {patience:?}; at last: {last}"),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause + pause / 10).min(PAUSE.1);
    }
}
