//! `/livez`, `/readyz` and `/metrics`.

use crate::metrics::CONTENT_TYPE;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::routing::get;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// A watch that was not refused for so long works again.
const PASSED: Duration = Duration::from_secs(30);

/// Whether each watch works, and what is wrong with it if not.
#[derive(Debug, Default)]
pub struct Health {
    /// Kinds that have not shown a complete list yet, or whose watch was lost or refused since.
    waiting: Mutex<BTreeMap<String, Watch>>,
}

#[derive(Clone, Debug, Default)]
struct Watch {
    complete: bool,
    /// What was last wrong with it, and when.
    trouble: Option<(String, Instant)>,
}

impl Watch {
    /// One that goes on after an attempt was refused says nothing of it before something happens. While it does not work
    /// it is tried every few seconds.
    fn works(&self) -> bool {
        self.complete && self.trouble.as_ref().is_none_or(|(_, at)| at.elapsed() >= PASSED)
    }
}

impl Health {
    /// Health that waits for these kinds.
    #[must_use]
    pub fn waiting_for(kinds: &[String]) -> Self {
        let waiting = kinds.iter().map(|kind| (kind.clone(), Watch::default())).collect();
        Self { waiting: Mutex::new(waiting) }
    }

    /// The watch has shown a complete list. `true` if that is news.
    pub fn works(&self, kind: &str) -> bool {
        let mut all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let watch = all.entry(kind.to_owned()).or_default();
        let news = !watch.complete || watch.trouble.is_some();
        *watch = Watch { complete: true, trouble: None };
        news
    }

    /// The watch was lost or refused. `true` if that is news.
    pub fn broken(&self, kind: &str, why: &str) -> bool {
        let mut all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let watch = all.entry(kind.to_owned()).or_default();
        let known = watch.trouble.take().is_some_and(|(before, at)| before == why && at.elapsed() < PASSED);
        watch.trouble = Some((why.to_owned(), Instant::now()));
        !known
    }

    /// Each kind, and whether its watch works now.
    #[must_use]
    pub fn watches(&self) -> Vec<(String, bool)> {
        let all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(kind, watch)| (kind.clone(), watch.works())).collect()
    }

    /// What is waited for, one line each; empty once every watch has shown a complete list. A watch that is lost later
    /// does not make a replica unready: it works on with what it knows, and nobody else would do better.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = all.iter().filter(|(_, watch)| !watch.complete);
        missing
            .map(|(kind, watch)| match &watch.trouble {
                Some((why, _)) => format!("the watch on {kind} does not work: {why}"),
                None => format!("waiting for the first complete list of {kind}"),
            })
            .collect()
    }
}

/// Serves until the process ends.
///
/// # Errors
/// Where the socket breaks.
pub async fn serve(
    listener: TcpListener,
    health: Arc<Health>,
    metrics: impl Fn() -> String + Clone + Send + Sync + 'static,
) -> std::io::Result<()> {
    let scrape = move || async move { ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics()) };
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .with_state(health);
    axum::serve(listener, router).await
}

async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    let missing = health.missing();
    if missing.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Prometheus reads by the content type which format it is.
    #[tokio::test]
    async fn metrics_are_served_as_openmetrics() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let health = Arc::new(Health::default());
        tokio::spawn(serve(listener, health, || "# EOF\n".to_owned()));
        let asked = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
            std::io::read_to_string(stream).unwrap()
        });
        let answer = asked.await.unwrap();
        assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("\r\n\r\n# EOF\n"), "{answer}");
        let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
        assert!(answer.contains(kind), "{answer}");
    }

    #[test]
    fn readiness_says_what_it_waits_for() {
        let health = Health::waiting_for(&["a".to_owned(), "b".to_owned()]);
        assert!(health.works("a") && !health.works("a"));
        assert!(health.broken("b", "forbidden") && !health.broken("b", "forbidden"));
        assert_eq!(health.missing(), ["the watch on b does not work: forbidden"]);
        assert!(health.works("b"));
        assert!(health.missing().is_empty());
        assert!(health.broken("a", "lost"));
        assert!(health.missing().is_empty(), "ready once is ready");
        assert_eq!(health.watches(), [("a".to_owned(), false), ("b".to_owned(), true)], "but it is told");
        assert!(health.works("a"), "and its return is news");
    }
}
