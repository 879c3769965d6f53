//! The binary: reads the command line, runs one command, and ends with its exit code.

mod cli;
mod client;
mod commands;
mod config;
mod failure;
mod memory;
mod output;
mod passwords;
mod secrets_key;
mod stores;
#[cfg(debug_assertions)]
mod trial;
mod version;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use config::Inputs;
use failure::Failure;

fn main() -> ExitCode {
    memory::bound_unused_buffers();
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let inputs = Inputs::of_process(cli.flags())
        .map_err(|error| Failure::because("cannot find the folder this was started in", &error))?;
    // Whoever opens a TLS connection first would choose otherwise, and two choices are an error.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match &cli.command {
        Command::Serve { .. } => commands::serve::run(&inputs),
        Command::Config(command) => commands::config::run(command, &inputs),
        Command::Migrate { plan, output } => wait_for(commands::migrate::run(*plan, *output, &inputs)),
        Command::Backup { file } => wait_for(commands::backup::save(file, &inputs)),
        Command::Restore { file } => wait_for(commands::backup::load(file, &inputs)),
        Command::Move { to } => wait_for(commands::backup::move_to(to, &inputs)),
        Command::Storage(command) => wait_for(commands::storage::run(command, &inputs)),
        Command::Doctor { address, url, output, .. } => {
            let url = address.as_deref().or(url.as_deref());
            wait_for(commands::doctor::run(url, *output, &inputs))
        }
        Command::Client(command) => wait_for(commands::client::run(command)),
        Command::Completions { shell } => {
            commands::completions::run(*shell);
            Ok(())
        }
        Command::Admin(command) => wait_for(commands::admin::run(command, &inputs)),
        Command::Version { output } => {
            commands::version::run(*output);
            Ok(())
        }
    }
}

/// Runs a command that waits for others, on one thread: only `serve` has work for more.
fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because("cannot start the runtime", &error))?;
    runtime.block_on(command)
}
