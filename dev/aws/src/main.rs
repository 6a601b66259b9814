//! An AWS for tests and the demo: IAM, STS and the little of EKS that irsa-operator needs.
//!
//! One thread, and no wait between the start and the end of a call's application: what a call checks is still so
//! when it writes. `chain` has the order of a call; each layer is a room of its own.

mod admin;
mod answer;
mod authorise;
mod call;
mod chain;
mod door;
mod eks;
mod exist;
mod faults;
mod iam;
mod ops;
mod policy;
mod shape;
mod sts;
mod world;

use std::rc::Rc;

use tokio::io::AsyncReadExt;

const USAGE: &str = "irsa-dev-aws: an AWS for tests and the demo (IAM, STS, a little of EKS)

  --listen ADDR:PORT   where to listen (default 127.0.0.1:4599; port 0 takes a free one, the first line printed says which)
  --strict             every layer that tests and demo use is on for each new account
  --exit-with-stdin    end when standard input closes
  --help               this text";

struct Flags {
    listen: String,
    strict: bool,
    exit_with_stdin: bool,
}

fn flags() -> Result<Flags, String> {
    let mut flags = Flags { listen: "127.0.0.1:4599".to_owned(), strict: false, exit_with_stdin: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.split_once('=').map_or(arg.as_str(), |(name, _)| name) {
            "--listen" => {
                flags.listen = match arg.split_once('=') {
                    Some((_, value)) => value.to_owned(),
                    None => args.next().ok_or("--listen needs ADDR:PORT")?,
                };
            }
            "--strict" => flags.strict = true,
            "--exit-with-stdin" => flags.exit_with_stdin = true,
            "--help" | "-h" => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("unknown flag {other}\n\n{USAGE}")),
        }
    }
    Ok(flags)
}

async fn end_of_stdin() {
    let mut buffer = [0; 64];
    let mut stdin = tokio::io::stdin();
    while !matches!(stdin.read(&mut buffer).await, Ok(0) | Err(_)) {}
}

async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

fn main() -> std::process::ExitCode {
    let flags = match flags() {
        Ok(flags) => flags,
        Err(error) => {
            eprintln!("{error}");
            return std::process::ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    let world = Rc::new(world::World::new(flags.strict));
    let local = tokio::task::LocalSet::new();
    let served = local.block_on(&runtime, async {
        tokio::select! {
            result = door::listen::serve(world, &flags.listen) => result,
            () = end_of_stdin(), if flags.exit_with_stdin => Ok(()),
            () = terminated() => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    });
    // Standard input may still be read by a thread of the runtime: it is not waited for.
    runtime.shutdown_background();
    match served {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot listen on {}: {error}", flags.listen);
            std::process::ExitCode::FAILURE
        }
    }
}
