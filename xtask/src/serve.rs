//! `cargo xtask serve`: the binary from this tree, with the console, run in front.

use crate::command::{self, Outcome};
use crate::console::{self, Built};

/// What follows is given to `hythe serve` as it stands.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build with optimisations
    #[arg(long)]
    release: bool,
    /// Arguments of `hythe serve`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds and runs `hythe serve`; ends when it ends.
pub(crate) fn run(options: &Options) -> Outcome {
    if let Built::No(reason) = console::build()? {
        eprintln!("xtask: serving without the console: {reason}");
    }
    let mut cargo = command::cargo();
    cargo.args(["run", "--quiet", "--package", "hythe"]);
    if options.release {
        cargo.arg("--release");
    }
    command::run(cargo.args(["--", "serve"]).args(&options.arguments))
}
