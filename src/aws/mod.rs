//! The only place that names the AWS SDK. Every call goes through `funnel`; nothing of the SDK leaves this folder.

mod classify;
mod fence;
mod funnel;
mod gate;
mod identity;
mod providers;
mod roles;
mod sweep;

use classify::AwsError;
use fence::LastLook;
pub use identity::Identity;
pub use providers::Provider;
pub use roles::Created;
pub use sweep::Page;

use crate::budget::Limits;
use crate::error::Error;
use crate::leader::{ATTEMPT, Fence};
use crate::metrics::Metrics;
use crate::queue::Kind;
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use gate::{Behalf, Gate, Gates};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OnceCell, watch};

/// A client for one AWS account. Clones share connections and credentials.
#[derive(Clone, Debug)]
pub struct Aws {
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    eks: aws_sdk_eks::Client,
    region: Arc<str>,
    /// Whose credentials these are. It does not change while they are used.
    identity: Arc<OnceCell<Identity>>,
    gates: Arc<Gates>,
    behalf: Behalf,
}

/// The operator's own account, and those that classes name.
#[derive(Debug)]
pub struct Accounts {
    own: Aws,
    config: SdkConfig,
    session: String,
    external_id: Option<String>,
    gates: Arc<Gates>,
    assumed: Mutex<HashMap<String, Aws>>,
}

impl Accounts {
    /// Configured as every AWS tool is: environment, profile, web identity, Pod Identity, IMDS.
    ///
    /// The SDK's own retries are off: they would escape the one place where calls are counted and spaced. The external
    /// id comes from whoever runs the operator and never from a class, or it would protect nobody. Once `stop` is true no
    /// call is begun.
    pub async fn from_env(
        cluster_id: &str,
        external_id: Option<String>,
        limits: Limits,
        stop: watch::Receiver<bool>,
        fence: Fence,
        metrics: Arc<Metrics>,
    ) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .load()
            .await;
        let gates = Arc::new(Gates::new(limits, stop, fence, metrics));
        let own = Aws::new(&config, gates.clone());
        let session = format!("irsa-operator-{cluster_id}");
        Self { own, config, session, external_id, gates, assumed: Mutex::default() }
    }

    /// Whether a step may be begun.
    ///
    /// # Errors
    /// What calls answer as well once the operator stops: it passes by itself, with the next start.
    pub fn going_on(&self) -> Result<(), Error> {
        self.gates.open().map_err(|_| AwsError::stopping("the next step").into())
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
        let aws = Aws::new(&config, self.gates.clone());
        self.assumed.lock().unwrap_or_else(PoisonError::into_inner).entry(role.to_owned()).or_insert(aws).clone()
    }
}

impl Aws {
    fn new(config: &SdkConfig, gates: Arc<Gates>) -> Self {
        use {aws_sdk_eks::config as eks, aws_sdk_iam::config as iam, aws_sdk_sts::config as sts};
        let last = || LastLook(gates.fence().clone());
        Self {
            iam: aws_sdk_iam::Client::from_conf(iam::Builder::from(config).interceptor(last()).build()),
            sts: aws_sdk_sts::Client::from_conf(sts::Builder::from(config).interceptor(last()).build()),
            eks: aws_sdk_eks::Client::from_conf(eks::Builder::from(config).interceptor(last()).build()),
            region: config.region().map(ToString::to_string).unwrap_or_default().into(),
            identity: Arc::default(),
            gates,
            behalf: Behalf::default(),
        }
    }

    /// The same account, called on behalf of this namespace and for this reason: that is whose turn each call takes.
    #[must_use]
    pub fn on_behalf(&self, kind: Kind, namespace: Arc<str>) -> Self {
        Self { behalf: Behalf { kind, namespace }, ..self.clone() }
    }

    /// Requests of IAM a second that the account takes from us, as far as is known.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.gate().rate()
    }

    /// The account's gate, whichever role leads there.
    fn gate(&self) -> Arc<Gate> {
        self.gates.of(self.identity.get().map_or("", |identity| &identity.account))
    }

    /// The configured region, empty where there is none.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}
