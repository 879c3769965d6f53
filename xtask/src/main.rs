//! The one door to building, testing and measuring Hythe: `cargo xtask COMMAND`.

mod bench;
mod chaos;
mod command;
mod conformance;
mod console;
mod fuzz;
mod lint;
mod nodes;
mod places;
mod serve;
mod services;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Build, test and measure Hythe.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_version_flag = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the binary and run `hythe serve` from it
    Serve(serve::Options),
    /// Install what the tests need, then run every test there is
    Test(test::Options),
    /// Check formatting, clippy, dependencies and the house rules
    Lint,
    /// Check the house rules only (a part of lint)
    Tidy,
    /// Install the clients, databases and servers that the tests talk to
    Tools(tools::Options),
    /// Run the official OCI conformance suites and write docs/conformance.md
    Conformance(conformance::Options),
    /// Measure Hythe beside docker-registry and nginx and write docs/benchmarks.md
    Bench(bench::Options),
    /// Run PostgreSQL, three nodes and a balancer on this machine, under load
    Nodes(nodes::Options),
    /// Push, pull and delete while nodes, database and disk fail, and check every answer afterwards
    Chaos(chaos::Options),
    /// Run every fuzz target for a while
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Serve(options) => serve::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Lint => lint::run(),
        Task::Tidy => tidy::run(),
        Task::Tools(options) => tools::run(&options),
        Task::Conformance(options) => conformance::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Nodes(options) => nodes::run(&options),
        Task::Chaos(options) => chaos::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
