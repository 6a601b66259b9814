//! Who we are in AWS, and what EKS says of the cluster.

use super::Aws;
use crate::error::{Category, Error};
use crate::iam::arn::{Caller, role_of_caller};

/// Account and partition that the operator's credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits.
    pub account: String,
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// The name of our own role there, where it is one.
    pub role: Option<String>,
}

impl Aws {
    /// `sts:GetCallerIdentity`, asked once.
    ///
    /// # Errors
    /// As the call fails; an answer without a proper ARN is `Transient`.
    pub async fn identity(&self) -> Result<Identity, Error> {
        self.identity.get_or_try_init(|| self.ask_identity()).await.cloned()
    }

    async fn ask_identity(&self) -> Result<Identity, Error> {
        let answer = self.call("sts:GetCallerIdentity", || self.sts.get_caller_identity().send()).await?;
        let caller = answer.arn().and_then(Caller::parse);
        let Caller { partition, account } = caller.ok_or_else(|| {
            Error::new(Category::Transient, format!("sts:GetCallerIdentity answered no ARN but {:?}", answer.arn()))
        })?;
        let role = answer.arn().and_then(role_of_caller).map(str::to_owned);
        Ok(Identity { account, partition, role })
    }

    /// `eks:DescribeCluster`: the cluster's issuer, with `https://`.
    ///
    /// # Errors
    /// As the call fails; `Missing` where there is no such cluster or it has no issuer.
    pub async fn eks_issuer(&self, cluster: &str) -> Result<String, Error> {
        let answer = self.call("eks:DescribeCluster", || self.eks.describe_cluster().name(cluster).send()).await?;
        let identity = answer.cluster().and_then(|c| c.identity()).and_then(|i| i.oidc());
        identity.and_then(|oidc| oidc.issuer()).map(str::to_owned).ok_or_else(|| {
            Error::new(Category::Missing, format!("EKS knows no OIDC issuer of the cluster {cluster} (--eks-cluster)"))
        })
    }
}
