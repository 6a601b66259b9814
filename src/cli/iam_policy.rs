//! `irsa-operator iam-policy`: the IAM policy that the operator itself needs.

use crate::iam::arn::is_account;
use crate::iam::permissions::{Scope, policy};
use std::process::ExitCode;

/// Print the IAM policy that the operator itself needs
///
/// Give it the flags that the operator runs with. Its own role must live outside the paths named here.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// --cluster-id of the operator
    #[arg(long, env = "IRSA_CLUSTER_ID", value_name = "ID", value_parser = super::cluster_id)]
    cluster_id: String,

    /// The AWS account of the roles
    #[arg(long, value_name = "DIGITS", value_parser = account)]
    account: String,

    /// The AWS partition
    #[arg(long, value_name = "NAME", default_value = "aws")]
    partition: String,

    /// The path of a class; give one for each
    #[arg(long, value_name = "PATH", default_value = crate::api::names::DEFAULT_PATH, value_parser = path)]
    path: Vec<String>,

    /// The permissions boundary of every role; where classes differ, one for each, or an ARN with *. Recommended: without
    /// it a role may be given anything that --managed-policies and inline policies grant
    #[arg(long, value_name = "ARN", value_delimiter = ',')]
    boundary: Vec<String>,

    /// Managed policies that may be attached, as ARNs with *; all where absent
    #[arg(long, value_name = "ARN", value_delimiter = ',')]
    managed_policies: Vec<String>,

    /// The issuer of the cluster's ServiceAccount tokens, and those that classes name in takeOverFromIssuers and
    /// trustedIssuers; give one for each. Without it, providers of all issuers are allowed
    #[arg(long, env = "IRSA_ISSUER", value_name = "URL", value_delimiter = ',')]
    issuer: Vec<String>,

    /// The operator's role in another account (spec.account.assumeRoleArn of a class); give one for each. The role there
    /// needs a policy of its own, printed with --account of that account
    #[arg(long, value_name = "ARN", value_delimiter = ',')]
    assume_role: Vec<String>,

    /// The EKS cluster that is asked for the issuer, as REGION/NAME
    #[arg(long, value_name = "REGION/NAME", value_parser = eks)]
    eks_cluster: Option<(String, String)>,

    /// Also allow to take over roles that others made, wherever their path, once somebody has offered them to this cluster
    /// by the tag irsa-operator.io/adoptable-by (spec.allow.adopt of a class)
    #[arg(long)]
    adoption: bool,
}

/// Carries out the command.
pub fn execute(args: &Args) -> ExitCode {
    let scope = Scope {
        cluster_id: args.cluster_id.clone(),
        account: args.account.clone(),
        partition: args.partition.clone(),
        paths: args.path.clone(),
        boundaries: args.boundary.clone(),
        managed: args.managed_policies.clone(),
        issuers: args.issuer.iter().map(|issuer| issuer.trim_start_matches("https://").to_owned()).collect(),
        assumed: args.assume_role.clone(),
        eks: args.eks_cluster.clone(),
        adoption: args.adoption,
    };
    println!("{:#}", policy(&scope));
    ExitCode::SUCCESS
}

fn account(text: &str) -> Result<String, String> {
    is_account(text).then(|| text.to_owned()).ok_or_else(|| "an account has twelve digits".to_owned())
}

fn path(text: &str) -> Result<String, String> {
    let valid = text.len() > 2 && text.starts_with('/') && text.ends_with('/');
    valid.then(|| text.to_owned()).ok_or_else(|| "a path begins and ends with / and is not / alone".to_owned())
}

fn eks(text: &str) -> Result<(String, String), String> {
    text.split_once('/')
        .filter(|(region, name)| !region.is_empty() && !name.is_empty())
        .map(|(region, name)| (region.to_owned(), name.to_owned()))
        .ok_or_else(|| "write REGION/NAME, as eu-west-1/prod".to_owned())
}
