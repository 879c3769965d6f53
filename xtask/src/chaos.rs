//! `cargo xtask chaos`: the history checker by hand, for as long as one likes and with a seed of one's own.

use clap::ValueEnum;

use crate::command::{self, Outcome};
use crate::places;
use crate::services::Services;
use crate::tools;

/// For how long, over what, and which faults.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Minutes that clients and faults go on
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u64,
    /// The seed of an earlier run, whose faults come again at the same times
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where the blobs are
    #[arg(long, value_enum, default_value = "disk")]
    storage: Storage,
    /// A rule that the set has to do without, which the check has to find
    #[arg(long, value_enum, value_name = "RULE")]
    without: Option<Rule>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Storage {
    /// A small disk, which is filled and made read-only at times
    Disk,
    /// moto
    S3,
    /// SeaweedFS
    SecondS3,
    /// CephFS, mounted twice
    SharedFolder,
}

#[derive(Clone, Copy, ValueEnum)]
enum Rule {
    /// What is acknowledged is on PostgreSQL's disk
    Durability,
    /// What a holder writes is refused once somebody else has taken over
    Fencing,
    /// Nobody takes over what is leased to somebody
    Leases,
}

/// Builds the binary and runs the test of histories.
pub(crate) fn run(options: &Options) -> Outcome {
    tools::ensure(None)?;
    command::run(command::cargo().args(["build", "--package", "hythe"]))?;
    let services = (options.storage != Storage::Disk).then(Services::start).transpose()?;
    let mut test = command::cargo();
    test.args(["test", "--package", "hythe-acceptance", "--test", "chaos", "--", "--nocapture", "--exact"])
        .arg("one_order_of_events_explains_every_answer")
        .env("PATH", places::search_path()?)
        .env("HYTHE_BIN", places::target().join("debug/hythe"))
        .env("HYTHE_CHAOS_SECONDS", (options.minutes * 60).to_string())
        .env("HYTHE_CHAOS_STORAGE", word(options.storage))
        .env_remove("AWS_CA_BUNDLE")
        .envs(services.iter().flat_map(|services| services.environment().iter().cloned()));
    if let Some(rule) = options.without {
        test.env("HYTHE_CHAOS_WITHOUT", word(rule));
    }
    if let Some(seed) = options.seed {
        test.env("HYTHE_CHAOS_SEED", seed.to_string());
    }
    command::run(&mut test)
}

/// What it is called on the command line.
fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
