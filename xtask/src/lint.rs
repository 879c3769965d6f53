//! `cargo xtask lint`: what needs no running program to be seen wrong.

use crate::command::{self, Outcome};
use crate::{tidy, tools};

type Check = fn() -> Outcome;

const CHECKS: [(&str, Check); 4] =
    [("fmt", formatting), ("clippy", clippy), ("deny", dependencies), ("tidy", tidy::run)];

/// Formatting, clippy, dependencies, house rules; all four run, all that failed are named.
pub(crate) fn run() -> Outcome {
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        match check() {
            Ok(()) => println!("lint {name}: ok"),
            Err(error) => {
                println!("lint {name}: {error}");
                failed.push(name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("lint failed: {}", failed.join(", ")).into()) }
}

fn formatting() -> Outcome {
    command::run(command::cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Outcome {
    command::run(command::cargo().args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// Advisories are left out: their database is a git repository, which a build machine need not reach.
fn dependencies() -> Outcome {
    tools::ensure(Some("cargo-deny"))?;
    command::run(command::program("cargo-deny")?.args([
        "--log-level",
        "error",
        "--all-features",
        "check",
        "licenses",
        "bans",
        "sources",
    ]))
}
