//! Trials: a debug build can be told to hurry, or to do without one of its rules, so that tests see what comes of it. A
//! release build does not know the variable and refuses it like any other that it does not know.

use std::sync::OnceLock;
use std::time::Duration;

use hythe_metadata::mutant::{self, Rule};

/// `HYTHE_TRIAL=grace=20,trash=10,bytes=2,janitor=3,jobs=3,without=fencing`: seconds where settings count in hours, and a rule.
pub(crate) const VARIABLE: &str = "HYTHE_TRIAL";

/// How fast things go; what is not said goes as it was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pace {
    /// `gc.grace_hours`.
    grace: Option<Duration>,
    /// `gc.trash_days`.
    trash: Option<Duration>,
    /// `gc.bytes_minutes`.
    bytes: Option<Duration>,
    /// Between two rounds of the janitor.
    janitor: Option<Duration>,
    /// The lease of a job.
    jobs: Option<Duration>,
}

static PACE: OnceLock<Pace> = OnceLock::new();

/// Takes in what the variable says.
///
/// # Errors
/// What about it cannot be understood.
pub(crate) fn read(text: &str) -> Result<(), String> {
    let (pace, rule) = parse(text)?;
    let _ = PACE.set(pace);
    rule.into_iter().for_each(mutant::switch_off);
    Ok(())
}

/// These options, in a hurry if that was asked for.
pub(crate) fn hurried(options: hythe_registry::Options) -> hythe_registry::Options {
    let pace = PACE.get().copied().unwrap_or_default();
    let jobs =
        hythe_registry::jobs::Options { lease: pace.jobs.unwrap_or(options.jobs.lease), ..options.jobs };
    hythe_registry::Options {
        jobs,
        collection_grace: pace.grace.unwrap_or(options.collection_grace),
        trash: pace.trash.unwrap_or(options.trash),
        bytes_delay: pace.bytes.unwrap_or(options.bytes_delay),
        ..options
    }
}

/// Between two rounds of the janitor.
pub(crate) fn janitor_interval(usual: Duration) -> Duration {
    PACE.get().and_then(|pace| pace.janitor).unwrap_or(usual)
}

fn parse(text: &str) -> Result<(Pace, Option<Rule>), String> {
    let (mut pace, mut rule) = (Pace::default(), None);
    for part in text.split(',') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match (name, value) {
            ("without", "fencing") => rule = Some(Rule::Fencing),
            ("without", "job-fencing") => rule = Some(Rule::JobFencing),
            ("without", "leases") => rule = Some(Rule::Leases),
            ("grace", _) => pace.grace = Some(seconds(part, value)?),
            ("trash", _) => pace.trash = Some(seconds(part, value)?),
            ("bytes", _) => pace.bytes = Some(seconds(part, value)?),
            ("janitor", _) => pace.janitor = Some(seconds(part, value)?),
            ("jobs", _) => pace.jobs = Some(seconds(part, value)?),
            _ => return Err(format!("unknown trial {part:?}")),
        }
    }
    Ok((pace, rule))
}

fn seconds(part: &str, value: &str) -> Result<Duration, String> {
    value
        .parse()
        .map(Duration::from_secs)
        .map_err(|error| format!("trial {part:?} is no number of seconds, {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_told_by_names_and_seconds() {
        let (pace, rule) = parse("grace=20,janitor=3,without=leases").unwrap();
        let of = Duration::from_secs;
        assert_eq!(pace, Pace { grace: Some(of(20)), janitor: Some(of(3)), ..Pace::default() });
        assert_eq!(rule, Some(Rule::Leases));
        for wrong in ["", "grace", "grace=soon", "without=sense", "haste=1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
