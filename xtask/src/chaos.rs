//! `cargo xtask chaos`: the history checker by hand, for as long as one likes and with a seed of one's own.

use crate::command::{self, Outcome};
use crate::places;
use crate::tools;

/// For how long, and which faults.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Minutes that clients and faults go on
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u64,
    /// The seed of an earlier run, whose faults come again at the same times
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Let PostgreSQL acknowledge what is not on its disk, which the check has to find
    #[arg(long)]
    without_durability: bool,
}

/// Builds the binary and runs the test of histories.
pub(crate) fn run(options: &Options) -> Outcome {
    tools::ensure(None)?;
    command::run(command::cargo().args(["build", "--package", "hythe"]))?;
    let mut test = command::cargo();
    test.args(["test", "--package", "hythe-acceptance", "--test", "chaos", "--", "--nocapture", "one_order"])
        .env("PATH", places::search_path()?)
        .env("HYTHE_BIN", places::target().join("debug/hythe"))
        .env("HYTHE_CHAOS_SECONDS", (options.minutes * 60).to_string());
    if options.without_durability {
        test.env("HYTHE_CHAOS_WITHOUT_DURABILITY", "yes");
    }
    if let Some(seed) = options.seed {
        test.env("HYTHE_CHAOS_SEED", seed.to_string());
    }
    command::run(&mut test)
}
