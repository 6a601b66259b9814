//! The command line: one module for each command.

mod crd;
mod iam_policy;
mod run;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A Kubernetes operator that gives every ServiceAccount exactly the AWS permissions that an IrsaBinding declares.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Args>),
    Crd(crd::Args),
    IamPolicy(Box<iam_policy::Args>),
}

impl Cli {
    /// Carries out the command.
    #[must_use]
    pub fn execute(self) -> ExitCode {
        match self.command {
            Command::Run(args) => run::execute(&args),
            Command::Crd(args) => crd::execute(&args),
            Command::IamPolicy(args) => iam_policy::execute(&args),
        }
    }
}

/// The value of `--cluster-id`.
fn cluster_id(text: &str) -> Result<String, String> {
    let valid = (1..=24).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    valid.then(|| text.to_owned()).ok_or_else(|| "use 1 to 24 lower-case letters, digits and dashes".to_owned())
}
