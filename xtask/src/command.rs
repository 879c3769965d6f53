//! Running other programs: what failed is always named with its whole command line.

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::places;

/// What every task returns; the text of the error is what the user reads.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How many closing lines of a log are shown when its command failed.
const TAIL: usize = 30;

/// A command with the cache's programs on its `PATH`, started in the root of the tree.
///
/// `AWS_CA_BUNDLE` is left out: programs that talk to our plain HTTP S3 servers stop over it.
pub(crate) fn program(name: &str) -> Outcome<Command> {
    let path = places::find_program(name)?.ok_or_else(|| format!("program {name} is not installed"))?;
    let mut command = Command::new(path);
    command.env("PATH", places::search_path()?).env_remove("AWS_CA_BUNDLE").current_dir(places::tree());
    Ok(command)
}

/// The cargo that started this one.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(places::tree());
    command
}

/// Runs to the end with this terminal's output.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", shown(command)).into()) }
}

/// Runs to the end and returns standard output; standard error is part of the error.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {}\n{}", shown(command), output.status, said.trim()).into())
}

/// Runs to the end with all output in a file; its last lines are part of the error.
pub(crate) fn logged(command: &mut Command, log: &Path) -> Outcome {
    let status = to_file(command, log)?
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{} failed: {status}; {} ends:\n{}", shown(command), log.display(), tail(log)).into())
}

/// Sends both outputs of a command to a new file.
pub(crate) fn to_file<'a>(command: &'a mut Command, log: &Path) -> Outcome<&'a mut Command> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = File::create(log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    Ok(command.stdout(file.try_clone()?).stderr(file))
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
