//! The program: the command line is all that it knows.

use clap::Parser;
use irsa_operator::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    Cli::parse().execute()
}
