//! `cargo test` over the workspace, shown as it runs and counted.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::command::{self, Outcome};
use crate::places;

/// What libtest's closing lines add up to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) ignored: usize,
    /// Suites that ended without a closing line: they crashed or did not compile.
    pub(super) broken: usize,
}

impl Counts {
    /// Takes in one line of output, if it is a closing line of libtest.
    fn add(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else { return };
        let number = |word: &str| -> usize {
            let before = rest.split(';').find_map(|part| part.trim().strip_suffix(word));
            before.and_then(|text| text.split_whitespace().last()?.parse().ok()).unwrap_or(0)
        };
        self.passed += number(" passed");
        self.failed += number(" failed");
        self.ignored += number(" ignored");
    }
}

/// Compiles the binary and every test, so that running them later compiles nothing.
pub(super) fn build() -> Outcome {
    command::run(command::cargo().args(["build", "--package", "hythe"]))?;
    command::run(command::cargo().args(["test", "--workspace", "--no-run"]))
}

/// Runs every suite to its end, those after a failed one too.
pub(super) fn run(only: Option<&str>, environment: &[(&'static str, String)]) -> Outcome<Counts> {
    run_some(command::cargo().args(["test", "--workspace", "--no-fail-fast"]).args(only), environment)
}

/// The protocol's and the API's suites once more, every server on PostgreSQL and S3 instead of SQLite and a folder.
pub(super) fn run_on_shared_stores(
    only: Option<&str>,
    environment: &[(&'static str, String)],
) -> Outcome<Counts> {
    let mut cargo = command::cargo();
    cargo.args([
        "test",
        "--package",
        "hythe-acceptance",
        "--test",
        "protocol",
        "--test",
        "api",
        "--no-fail-fast",
    ]);
    cargo.args(only);
    run_some(cargo.env("HYTHE_ACCEPTANCE_STORES", "shared"), environment)
}

fn run_some(cargo: &mut Command, environment: &[(&'static str, String)]) -> Outcome<Counts> {
    cargo
        .env("PATH", places::search_path()?)
        .env("HYTHE_BIN", places::target().join("debug/hythe"))
        .env_remove("AWS_CA_BUNDLE")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped());
    let mut child = cargo.spawn()?;
    let mut counts = Counts::default();
    for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        let line = line?;
        println!("{line}");
        counts.add(&line);
    }
    if !child.wait()?.success() && counts.failed == 0 {
        counts.broken = 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn closing_lines_are_added_up() {
        let mut counts = Counts::default();
        counts.add(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s",
        );
        counts.add("test result: FAILED. 2 passed; 5 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        counts.add("test a::b ... ok");
        assert_eq!(counts, Counts { passed: 14, failed: 5, ignored: 1, broken: 0 });
    }
}
