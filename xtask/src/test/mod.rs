//! `cargo xtask test`: everything, on a fresh machine, with one summary at the end.

mod previous;
mod suites;

use std::time::{Duration, Instant};

use crate::command::Outcome;
use crate::console::{self, Built};
use crate::services::Services;
use crate::{conformance, fuzz, tools};
use previous::Previous;
use suites::Counts;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tests whose name contains this text; neither fuzzing nor conformance
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Seconds each fuzz target runs
    #[arg(long, value_name = "N", default_value_t = 10)]
    fuzz_seconds: u32,
}

/// Lines of the summary and what they add up to.
#[derive(Default)]
struct Summary {
    lines: Vec<String>,
    passed: usize,
    failed: usize,
}

/// Installs, builds, runs; fails if anything failed, after having run everything.
pub(crate) fn run(options: &Options) -> Outcome {
    let mut summary = Summary::default();
    let previous = prepare(&mut summary)?;
    run_suites(options.only.as_deref(), &previous, &mut summary)?;
    run_console(options.only.as_deref(), &mut summary)?;
    if options.only.is_none() {
        run_conformance(&mut summary);
        run_fuzz(options.fuzz_seconds, &mut summary);
    }
    summary.print();
    if summary.failed == 0 { Ok(()) } else { Err(format!("{} failed", summary.failed).into()) }
}

/// Tools and our own programs are made at the same time: downloads leave a core idle, compilers do not.
fn prepare(summary: &mut Summary) -> Outcome<Previous> {
    let begun = Instant::now();
    let (tools, built) = std::thread::scope(|scope| {
        let tools = scope.spawn(|| timed(|| tools::ensure(None).and_then(|()| console::build())));
        // The previous binary first: ours has to be the one that stays in the build folder.
        let built = timed(|| previous::build().and_then(|previous| suites::build().map(|()| previous)));
        (tools.join(), built)
    });
    let (tools, tools_took) = tools.map_err(|_| "the installation of tools broke off")?;
    summary.lines.push(format!("tools: {} s", tools_took.as_secs()));
    summary.lines.push(format!("build: {} s (both: {} s)", built.1.as_secs(), begun.elapsed().as_secs()));
    let previous = built.0?;
    if let Built::No(reason) = tools? {
        summary.lines.push(format!("console: not built and not tested: {reason}"));
    }
    if let Previous::No(reason) = &previous {
        summary.lines.push(format!("NOT RUN: nodes of two versions side by side: {reason}"));
    }
    Ok(previous)
}

fn run_suites(only: Option<&str>, previous: &Previous, summary: &mut Summary) -> Outcome {
    let services = Services::start()?;
    let mut environment = services.environment().to_vec();
    if let Previous::At(binary) = previous {
        environment.push(("HYTHE_TEST_PREVIOUS", binary.display().to_string()));
    }
    summary.count("cargo test", || suites::run(only, &environment))?;
    summary.count("protocol on PostgreSQL and S3", || suites::run_on_shared_stores(only, &environment))
}

/// In a browser, against the binary that was built before.
fn run_console(only: Option<&str>, summary: &mut Summary) -> Outcome {
    if let Built::No(_) = console::build()? {
        return Ok(());
    }
    let (tested, took) = timed(|| console::test(only));
    match tested {
        Ok(counts) => {
            summary.passed += counts.passed;
            summary.failed += counts.failed;
            let line =
                format!("console: {} passed, {} failed; {} s", counts.passed, counts.failed, took.as_secs());
            summary.lines.push(line);
        }
        Err(error) => summary.fail(format!("console: {error}")),
    }
    Ok(())
}

fn run_conformance(summary: &mut Summary) {
    match conformance::survey(None) {
        Ok(findings) => {
            let (passed, failed) = findings.counts();
            summary.passed += passed;
            summary.failed += failed;
            summary.lines.extend(findings.lines());
        }
        Err(error) => summary.fail(format!("conformance: {error}")),
    }
}

fn run_fuzz(seconds: u32, summary: &mut Summary) {
    let (ran, took) = timed(|| fuzz::briefly(seconds));
    match ran {
        Ok(targets) => {
            summary.passed += targets;
            summary.lines.push(format!("fuzz: {targets} targets, no crash; {} s", took.as_secs()));
        }
        Err(error) => summary.fail(format!("fuzz: {error}")),
    }
}

impl Summary {
    /// Runs suites and takes in what they counted.
    fn count(&mut self, name: &str, run: impl FnOnce() -> Outcome<Counts>) -> Outcome {
        let (counted, took) = timed(run);
        let Counts { passed, failed, ignored, broken } = counted?;
        self.passed += passed;
        self.failed += failed + broken;
        self.lines.push(format!(
            "{name}: {passed} passed, {failed} failed, {ignored} ignored, {broken} suites broke off; {} s",
            took.as_secs()
        ));
        Ok(())
    }

    fn fail(&mut self, line: String) {
        self.failed += 1;
        self.lines.push(line);
    }

    /// The last line is the one that machines read.
    fn print(&self) {
        println!("\nsummary");
        self.lines.iter().for_each(|line| println!("  {line}"));
        println!("{} passed, {} failed", self.passed, self.failed);
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed())
}
