//! Lists among 100 rows and 100,000, and what the permission check adds to a pull: measured by a test of the registry, on
//! both engines.

use std::process::Command;

use super::report::Report;
use crate::command::{self, Outcome};
use crate::services::Services;

/// A line of the test: `measured`, a name, a value, apart by tabs.
const MARK: &str = "measured\t";

pub(super) fn measure(report: &mut Report) -> Outcome {
    let services = Services::start()?;
    let mut test = command::cargo();
    test.args(["test", "--release", "--package", "hythe-registry", "--test", "speed", "--"]);
    test.args(["--ignored", "--nocapture", "--test-threads=1"]);
    let said = command::output(with(&mut test, &services))?;
    let measured = said.lines().filter_map(parse);
    for (name, value) in measured {
        match bar(name) {
            Some(bar) => report.add(name, value, bar),
            None => report.note(format!("{name} {value:.1}")),
        }
    }
    Ok(())
}

fn with<'c>(test: &'c mut Command, services: &Services) -> &'c mut Command {
    test.envs(services.environment().iter().map(|(name, value)| (*name, value.as_str())))
}

/// A measurement may stand behind the name of its test on the same line.
fn parse(line: &str) -> Option<(&str, f64)> {
    let (_, rest) = line.split_once(MARK)?;
    let (name, value) = rest.split_once('\t')?;
    Some((name, value.trim().parse().ok()?))
}

/// What a ratio is to reach. Whoever signs in with a name and a password at every pull pays for more than that.
fn bar(name: &str) -> Option<&'static str> {
    match name {
        _ if name.ends_with("ratio") => Some("at most 2"),
        _ if name.contains("a name and a password") => None,
        _ if name.ends_with("share") => Some("at most 0.05"),
        _ => None,
    }
}
