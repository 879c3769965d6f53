//! Debian's packages: all that are missing in one `apt-get install`.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{Installed, Source, Tool, log};
use crate::command::{self, Outcome};
use crate::places;

/// Installs the packages whose program is not found; each is reported for itself.
pub(super) fn install(group: &[&'static Tool]) -> Vec<Installed> {
    let begun = Instant::now();
    let absent: Vec<&Tool> = group.iter().copied().filter(|tool| !found(tool)).collect();
    let fetched = if absent.is_empty() { Ok(()) } else { fetch(&absent) };
    let took = begun.elapsed();
    let report = |tool: &&'static Tool| {
        let was_absent = absent.iter().any(|other| other.name == tool.name);
        Installed {
            tool,
            took: if was_absent { took } else { Duration::ZERO },
            outcome: verdict(tool, &fetched),
        }
    };
    group.iter().map(report).collect()
}

fn fetch(absent: &[&Tool]) -> Outcome {
    apt_get(&["-qq", "update"], "apt-update")?;
    let packages = absent.iter().flat_map(|tool| match tool.source {
        Source::Apt(packages) => packages.split(' '),
        _ => "".split(' '),
    });
    let mut words = vec!["install", "--yes", "-qq", "--no-install-recommends"];
    words.extend(packages.filter(|package| is_known(package)));
    apt_get(&words, "apt")
}

/// Whether this release has the package.
fn is_known(package: &str) -> bool {
    let shown = Command::new("apt-cache").args(["--quiet", "show", package]).output();
    shown.is_ok_and(|shown| shown.status.success())
}

/// Waits for a lock that another apt holds rather than failing at once.
fn apt_get(words: &[&str], name: &str) -> Outcome {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=600"]).args(words);
    command::logged(&mut command, &log(name)?)
}

fn verdict(tool: &Tool, fetched: &Outcome) -> Outcome {
    match fetched {
        _ if found(tool) => Ok(()),
        Ok(()) => Err(format!(
            "this release has no package {}, or it is installed and brings no program {}: install one that does",
            tool.version(),
            tool.program
        )
        .into()),
        Err(error) => Err(error.to_string().into()),
    }
}

fn found(tool: &Tool) -> bool {
    matches!(places::find_program(tool.program), Ok(Some(_)))
}
