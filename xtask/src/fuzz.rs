//! `cargo xtask fuzz`: every target of fuzz/ for a while, on the corpus that the cache keeps.

use std::fs;
use std::process::Command;

use crate::command::{self, Outcome};
use crate::places;

/// How long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Seconds a target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets one after the other; the first crash ends the run with the input that caused it.
pub(crate) fn run(options: &Options) -> Outcome {
    let targets = targets()?;
    for target in &targets {
        fuzz(target, options.seconds)?;
    }
    println!("fuzz: {} targets, {} s each, no crash", targets.len(), options.seconds);
    Ok(())
}

/// The same for `cargo xtask test`: returns how many targets ran.
pub(crate) fn briefly(seconds: u32) -> Outcome<usize> {
    let targets = targets()?;
    targets.iter().try_for_each(|target| fuzz(target, seconds))?;
    Ok(targets.len())
}

fn targets() -> Outcome<Vec<String>> {
    let listed = command::output(cargo_fuzz()?.arg("list"))?;
    let targets: Vec<String> = listed.split_whitespace().map(str::to_owned).collect();
    if targets.is_empty() { Err("fuzz/ has no targets".into()) } else { Ok(targets) }
}

fn fuzz(target: &str, seconds: u32) -> Outcome {
    let corpus = places::cache()?.join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let mut cargo = cargo_fuzz()?;
    cargo.args(["run", "--target-dir"]).arg(places::target().join("fuzz")).arg(target).arg(&corpus);
    // What the fuzzer finds goes to the first folder; the seeds of the tree are only read.
    cargo.args(Some(places::tree().join("fuzz/seeds").join(target)).filter(|seeds| seeds.is_dir()));
    cargo.args(["--", &format!("-max_total_time={seconds}"), "-rss_limit_mb=4096"]);
    let log = places::cache()?.join("logs").join(format!("fuzz-{target}.log"));
    println!("fuzz {target}: {seconds} s, log in {}", log.display());
    command::logged(&mut cargo, &log)
}

/// libFuzzer's instrumentation is behind flags that a released compiler takes only when it is told so. No nightly one is
/// needed for it, which would be another every day.
fn cargo_fuzz() -> Outcome<Command> {
    let mut cargo = command::program("cargo")?;
    cargo.arg("fuzz").env("RUSTC_BOOTSTRAP", "1");
    cargo.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTFLAGS");
    Ok(cargo)
}
