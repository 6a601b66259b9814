//! `/livez` and `/readyz`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;

/// Whether each watch works, and what is wrong with it if not.
#[derive(Debug, Default)]
pub struct Health {
    /// Kinds that have not shown a complete list yet, or whose watch was lost or refused since.
    waiting: Mutex<BTreeMap<String, Watch>>,
}

#[derive(Clone, Debug, Default)]
struct Watch {
    complete: bool,
    trouble: Option<String>,
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
        let news = watch.trouble.as_deref() != Some(why);
        watch.trouble = Some(why.to_owned());
        news
    }

    /// What is waited for, one line each; empty once every watch has shown a complete list. A watch that is lost later
    /// does not make a replica unready: it works on with what it knows, and nobody else would do better.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let all = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = all.iter().filter(|(_, watch)| !watch.complete);
        missing
            .map(|(kind, watch)| match &watch.trouble {
                Some(why) => format!("the watch on {kind} does not work: {why}"),
                None => format!("waiting for the first complete list of {kind}"),
            })
            .collect()
    }
}

/// Serves until the process ends.
///
/// # Errors
/// Where the socket breaks.
pub async fn serve(listener: TcpListener, health: Arc<Health>) -> std::io::Result<()> {
    let router =
        Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state(health);
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
        assert!(health.works("a"), "and its return is news");
    }
}
