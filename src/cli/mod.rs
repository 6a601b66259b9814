//! The command line: one module for each command.

mod crd;
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
}

impl Cli {
    /// Carries out the command.
    #[must_use]
    pub fn execute(self) -> ExitCode {
        match self.command {
            Command::Run(args) => run::execute(&args),
            Command::Crd(args) => crd::execute(&args),
        }
    }
}
