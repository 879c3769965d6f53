//! The console: built when its sources changed, and tested in a browser. A machine without Node does without.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{self, Outcome};
use crate::places;

/// The Node that Vite needs at least, `console/package.json`.
const NODE: (u32, u32) = (20, 19);

/// What the build reads, beside the API's description.
const SOURCES: [&str; 7] = [
    "src",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "svelte.config.js",
    "tsconfig.json",
];

/// Whether there is a console to embed.
pub(crate) enum Built {
    /// It was made of these very sources.
    Yes,
    /// It was not, and why.
    No(String),
}

/// What Playwright's closing lines say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

/// Builds what the binary embeds, if the sources are other than those of the last build.
pub(crate) fn build() -> Outcome<Built> {
    if let Some(reason) = lacks_node()? {
        return Ok(Built::No(reason));
    }
    let (stamp, fingerprint) = (console().join("node_modules/.built"), fingerprint()?);
    let is_same = fs::read_to_string(&stamp).is_ok_and(|kept| kept == fingerprint);
    if !is_same || !console().join("dist/index.html").is_file() {
        install()?;
        command::logged(npm()?.args(["run", "build"]), &log("console-build")?)?;
        fs::write(stamp, fingerprint)?;
    }
    Ok(Built::Yes)
}

/// Types, layout and every test of the console: those without a browser, and those in one against a real server.
pub(crate) fn test(only: Option<&str>) -> Outcome<Counts> {
    command::run(npm()?.args(["run", "--silent", "check"]))?;
    let mut playwright = npm()?;
    playwright.args(["run", "--silent", "test"]);
    if let Some(name) = only {
        playwright.args(["--", "--pass-with-no-tests", "--grep", name]);
    }
    playwright.env("HYTHE_BIN", places::target().join("debug/hythe")).stdout(Stdio::piped());
    let mut child = playwright.spawn()?;
    let mut counts = Counts::default();
    for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        let line = line?;
        println!("{line}");
        counts.add(&line);
    }
    if !child.wait()?.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(counts)
}

impl Counts {
    /// Takes in one of the closing lines: `  12 passed (3.4s)`, `  1 failed`.
    fn add(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let Some(Ok(number)) = words.next().map(str::parse::<usize>) else { return };
        match words.next() {
            Some("passed") => self.passed += number,
            Some("failed" | "interrupted" | "flaky") => self.failed += number,
            _ => {}
        }
    }
}

/// Why Node cannot be used; nothing where it can.
fn lacks_node() -> Outcome<Option<String>> {
    let needed = format!("the console needs Node.js {}.{} or newer and npm", NODE.0, NODE.1);
    if places::find_program("npm")?.is_none() {
        return Ok(Some(format!("{needed}; npm is not installed")));
    }
    let Some(node) = places::find_program("node")? else {
        return Ok(Some(format!("{needed}; node is not installed")));
    };
    let version = command::output(Command::new(node).arg("--version"))?;
    let is_enough = version_of(&version).is_some_and(|found| found >= NODE);
    Ok((!is_enough).then(|| format!("{needed}; node is {}", version.trim())))
}

/// `v20.19.1` as its first two numbers.
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The packages of the lock file, unless they are there already.
fn install() -> Outcome {
    let (lock, kept) = (console().join("package-lock.json"), console().join("node_modules/.locked"));
    let wanted = fs::read(lock)?;
    if fs::read(&kept).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    command::logged(npm()?.args(["ci", "--no-audit", "--no-fund"]), &log("console-install")?)?;
    Ok(fs::write(kept, wanted)?)
}

fn npm() -> Outcome<Command> {
    let mut npm = command::program("npm")?;
    npm.current_dir(console());
    Ok(npm)
}

fn console() -> PathBuf {
    places::tree().join("console")
}

fn log(name: &str) -> Outcome<PathBuf> {
    Ok(places::cache()?.join("logs").join(format!("{name}.log")))
}

/// A number that changes with any byte of any source.
fn fingerprint() -> Outcome<String> {
    let mut files = BTreeSet::from([places::tree().join("docs/api/openapi.json")]);
    for source in SOURCES {
        gather(&console().join(source), &mut files)?;
    }
    // Made by the build itself.
    files.remove(&console().join("src/api/schema.d.ts"));
    let mut hasher = DefaultHasher::new();
    for file in &files {
        file.strip_prefix(places::tree()).unwrap_or(file).hash(&mut hasher);
        fs::read(file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn gather(path: &Path, files: &mut BTreeSet<PathBuf>) -> Outcome {
    if path.is_file() {
        files.insert(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        gather(&entry?.path(), files)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Counts, version_of};

    #[test]
    fn closing_lines_are_added_up() {
        let mut counts = Counts::default();
        for line in
            ["  2 failed", "    [chromium] › a.spec.ts:3:1 › a", "  14 passed (3.4s)", "Running 16 tests"]
        {
            counts.add(line);
        }
        assert_eq!(counts, Counts { passed: 14, failed: 2 });
    }

    #[test]
    fn versions_of_node_are_compared_as_numbers() {
        assert_eq!(version_of("v20.20.2\n"), Some((20, 20)));
        assert!(version_of("v18.20.4") < Some(super::NODE) && version_of("v22.1.0") > Some(super::NODE));
        assert_eq!(version_of("20"), None);
    }
}
