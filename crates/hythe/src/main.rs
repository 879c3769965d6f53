//! The binary: reads the command line, runs one command, and ends with its exit code.

mod cli;
mod commands;
mod config;
mod failure;
mod output;
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
        _ => Ok(()),
    }
}
