//! The only place that names the AWS SDK. Every call goes through [`funnel`]; nothing of the SDK leaves this folder.

mod classify;
mod funnel;
mod identity;
mod providers;
mod roles;

pub use identity::Identity;
pub use providers::Provider;
pub use roles::Created;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use std::time::Duration;

/// One attempt may take this long. With leader election it must end before another replica may begin.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);

/// A client for one AWS account.
#[derive(Clone, Debug)]
pub struct Aws {
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    eks: aws_sdk_eks::Client,
    region: String,
}

impl Aws {
    /// A client that is configured as every AWS tool is: environment, profile, web identity, Pod Identity, IMDS.
    ///
    /// The SDK's own retries are off: they would escape the one place where calls are counted and spaced.
    pub async fn from_env() -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .load()
            .await;
        Self::new(&config)
    }

    fn new(config: &SdkConfig) -> Self {
        Self {
            iam: aws_sdk_iam::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            eks: aws_sdk_eks::Client::new(config),
            region: config.region().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// The configured region, empty where there is none.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}
