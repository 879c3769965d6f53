//! The binary: reads the command line, runs one command, and ends with its exit code.

mod cli;
mod commands;
mod config;
mod failure;
mod output;
mod stores;
mod version;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use config::Inputs;
use failure::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    if let Command::Version { output } = &cli.command {
        commands::version::run(*output);
        return Ok(());
    }
    let inputs = Inputs::of_process(cli.flags())
        .map_err(|error| Failure::because("cannot find the folder this was started in", &error))?;
    match &cli.command {
        Command::Config(command) => commands::config::run(command, &inputs),
        command => run_async(command, &inputs),
    }
}

/// Runs a command that waits for others, on one thread: only `serve` has work for more.
fn run_async(command: &Command, inputs: &Inputs) -> Result<(), Failure> {
    // Whoever opens a TLS connection first would choose otherwise, and two choices are an error.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because("cannot start the runtime", &error))?;
    runtime.block_on(async {
        match command {
            Command::Migrate { plan, output } => commands::migrate::run(*plan, *output, inputs).await,
            Command::Doctor { url, output, .. } => {
                commands::doctor::run(url.as_deref(), *output, inputs).await
            }
            _ => Ok(()),
        }
    })
}
