//! `irsa-operator crd`: the definitions of IrsaBinding and IrsaClass.

use crate::api::schema::{crds, file_name, to_yaml};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the custom resource definitions, ready for `kubectl apply -f -`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write one file for each definition into this directory instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Carries out the command.
pub fn execute(args: &Args) -> ExitCode {
    match write(args) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader has all that it wanted (`irsa-operator crd | head`).
        Err(error) if args.dir.is_none() && error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("irsa-operator crd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(args: &Args) -> io::Result<()> {
    for crd in crds() {
        match &args.dir {
            Some(dir) => {
                let path = dir.join(file_name(&crd));
                std::fs::write(&path, to_yaml(&crd))
                    .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            }
            None => write!(io::stdout().lock(), "---\n{}", to_yaml(&crd))?,
        }
    }
    io::stdout().lock().flush()
}
