//! `cargo xtask conformance`: the official suites of the distribution specification, all tests on.
//!
//! The suites are Go programs. They are built from their modules, never copied into this tree; where the
//! module proxy does not carry them, programs built from a checkout can be put in the cache (see `suite.rs`).

mod junit;
mod report;
mod server;
mod suite;

use std::path::PathBuf;

use crate::command::Outcome;
use crate::places;
use junit::Tally;
use server::Server;
use suite::{Availability, SUITES};

/// Where the suites' programs are and what they are run against.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A folder with programs named conformance-v1.1.1 and conformance-main, built from a checkout
    #[arg(long, value_name = "DIR")]
    suites: Option<PathBuf>,
}

/// One suite in one setting, as run.
pub(crate) struct Run {
    suite: &'static str,
    commit: &'static str,
    setting: &'static str,
    result: Outcome<Tally>,
}

/// Everything that was run, and the suites that this machine cannot have.
pub(crate) struct Findings {
    runs: Vec<Run>,
    unavailable: Vec<String>,
}

impl Findings {
    /// Tests passed and tests failed; a suite that broke off and an avoidable skip count as failures.
    pub(crate) fn counts(&self) -> (usize, usize) {
        self.runs.iter().fold((0, 0), |(passed, failed), run| match &run.result {
            Ok(tally) => {
                (passed + tally.passed, failed + tally.failed.len() + tally.avoidable_skips().count())
            }
            Err(_) => (passed, failed + 1),
        })
    }

    /// One line a run, then one a suite that could not be had.
    pub(crate) fn lines(&self) -> Vec<String> {
        let runs = self.runs.iter().map(Run::line);
        runs.chain(self.unavailable.iter().map(|reason| format!("conformance: NOT RUN: {reason}"))).collect()
    }
}

impl Run {
    fn line(&self) -> String {
        match &self.result {
            Ok(tally) => format!(
                "conformance {} ({}): {} passed, {} failed, {} skipped",
                self.suite,
                self.setting,
                tally.passed,
                tally.failed.len(),
                tally.skipped.len()
            ),
            Err(error) => format!("conformance {} ({}): broke off: {error}", self.suite, self.setting),
        }
    }
}

/// Runs the suites, writes the report, and fails on any failure, avoidable skip or missing suite.
pub(crate) fn run(options: &Options) -> Outcome {
    let findings = survey(options.suites.clone())?;
    findings.lines().iter().for_each(|line| println!("{line}"));
    findings.runs.iter().for_each(tell_failures);
    if let Some(reason) = findings.unavailable.first() {
        return Err(reason.clone().into());
    }
    match findings.counts() {
        (_, 0) => Ok(()),
        (_, failed) => Err(format!("{failed} conformance tests failed or were skipped without need").into()),
    }
}

/// Runs what can be had and writes the report if that was everything.
pub(crate) fn survey(suites: Option<PathBuf>) -> Outcome<Findings> {
    let folder = suites.map_or_else(|| Ok(places::cache()?.join("conformance")), Outcome::Ok)?;
    let mut findings = Findings { runs: Vec::new(), unavailable: Vec::new() };
    for suite in SUITES {
        match suite.program(&folder)? {
            Availability::Ready(program) => {
                for setting in suite.settings {
                    let result = Server::start().and_then(|server| suite.run(&program, setting, &server));
                    findings.runs.push(Run {
                        suite: suite.name,
                        commit: suite.commit,
                        setting: setting.name,
                        result,
                    });
                }
            }
            Availability::Refused(reason) => findings.unavailable.push(reason),
        }
    }
    if findings.unavailable.is_empty() {
        report::write(&findings.runs)?;
    }
    Ok(findings)
}

fn tell_failures(run: &Run) {
    let Ok(tally) = &run.result else { return };
    for name in &tally.failed {
        println!("FAILED  {} ({}): {name}", run.suite, run.setting);
    }
    for name in tally.avoidable_skips() {
        println!("SKIPPED {} ({}): {name}", run.suite, run.setting);
    }
}
