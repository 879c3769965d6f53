//! docs/conformance.md, written from the runs.

use std::fmt::Write as _;
use std::fs;

use super::Run;
use super::junit::UNAVOIDABLE;
use crate::command::Outcome;
use crate::places;

const HEAD: &str = "# Conformance

Written by `cargo xtask conformance`: the official suites of the OCI distribution specification against the
binary built from this tree (SQLite and a folder, plain HTTP, signed in as an administrator), every test on.
Sparse indexes stay off, as in the suite itself: a registry may refuse an index whose manifests are missing,
and Hythe does.

| suite | commit | setting | passed | failed | skipped |
|---|---|---|---:|---:|---:|
";

/// Writes the table and explains every skip; only complete sets of runs belong here.
pub(super) fn write(runs: &[Run]) -> Outcome {
    let mut text = String::from(HEAD);
    for run in runs {
        text.push_str(&row(run)?);
    }
    text.push_str("\n## Skipped by every registry\n\n");
    for (name, reason) in UNAVOIDABLE {
        writeln!(text, "- \"{name}\": {reason}.")?;
    }
    let path = places::tree().join("docs/conformance.md");
    fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()).into())
}

fn row(run: &Run) -> Outcome<String> {
    let Run { suite, commit, setting, result } = run;
    let mut row = format!("| {suite} | {commit} | {setting} | ");
    match result {
        Ok(tally) => writeln!(row, "{} | {} | {} |", tally.passed, tally.failed.len(), tally.skipped.len())?,
        Err(error) => writeln!(row, "broke off: {error} | | |")?,
    }
    Ok(row)
}
