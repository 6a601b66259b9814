//! The only place that names the AWS SDK. Every call goes through `funnel`; nothing of the SDK leaves this folder.

mod classify;
mod funnel;
mod identity;
mod pace;
mod providers;
mod roles;
mod sweep;

pub use identity::Identity;
pub use providers::Provider;
pub use roles::Created;
pub use sweep::Page;

use crate::metrics::Metrics;
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use pace::Pace;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;

/// One attempt may take this long. With leader election it must end before another replica may begin.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);

/// A client for one AWS account. Clones share connections and credentials.
#[derive(Clone, Debug)]
pub struct Aws {
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    eks: aws_sdk_eks::Client,
    region: String,
    /// Whose credentials these are. It does not change while they are used.
    identity: Arc<OnceCell<Identity>>,
    pace: Arc<Pace>,
    metrics: Arc<Metrics>,
}

/// The operator's own account, and those that classes name.
#[derive(Debug)]
pub struct Accounts {
    own: Aws,
    config: SdkConfig,
    session: String,
    external_id: Option<String>,
    assumed: Mutex<HashMap<String, Aws>>,
}

impl Accounts {
    /// Configured as every AWS tool is: environment, profile, web identity, Pod Identity, IMDS.
    ///
    /// The SDK's own retries are off: they would escape the one place where calls are counted and spaced. The external
    /// id comes from whoever runs the operator and never from a class, or it would protect nobody.
    pub async fn from_env(cluster_id: &str, external_id: Option<String>, metrics: Arc<Metrics>) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .load()
            .await;
        let own = Aws::new(&config, metrics);
        Self { own, config, session: format!("irsa-operator-{cluster_id}"), external_id, assumed: Mutex::default() }
    }

    /// The operator's own account.
    #[must_use]
    pub fn own(&self) -> &Aws {
        &self.own
    }

    /// The account of the role that is assumed there; without one, the operator's own. Credentials are kept for each
    /// role and renewed before they expire. Asks AWS nothing yet.
    pub async fn of(&self, role: Option<&str>) -> Aws {
        let Some(role) = role else { return self.own.clone() };
        let known = self.assumed.lock().unwrap_or_else(PoisonError::into_inner).get(role).cloned();
        if let Some(known) = known {
            return known;
        }
        let mut provider = AssumeRoleProvider::builder(role).session_name(&self.session).configure(&self.config);
        if let Some(id) = &self.external_id {
            provider = provider.external_id(id);
        }
        let config = self
            .config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider.build().await))
            .identity_cache(IdentityCache::lazy().build())
            .build();
        let aws = Aws::new(&config, self.own.metrics.clone());
        self.assumed.lock().unwrap_or_else(PoisonError::into_inner).entry(role.to_owned()).or_insert(aws).clone()
    }
}

impl Aws {
    fn new(config: &SdkConfig, metrics: Arc<Metrics>) -> Self {
        Self {
            iam: aws_sdk_iam::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            eks: aws_sdk_eks::Client::new(config),
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            identity: Arc::default(),
            pace: Arc::default(),
            metrics,
        }
    }

    /// Requests a second that the account gives.
    #[must_use]
    pub fn rate(&self) -> f64 {
        10.0
    }

    /// The configured region, empty where there is none.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}
