//! PyPI's packages, in virtual environments of the cache: programs that would quarrel over versions live apart.

use std::process::Command;

use super::log;
use crate::command::{self, Outcome};
use crate::places;

/// Installs pinned packages, making the environment first where it is not there yet.
pub(super) fn install(name: &str, environment: &str, packages: &[&str]) -> Outcome {
    let environment = places::cache()?.join(environment);
    let pip = environment.join("bin/pip");
    if !pip.is_file() {
        let mut python = Command::new("python3");
        command::logged(python.args(["-m", "venv"]).arg(&environment), &log("venv")?)?;
    }
    let mut command = Command::new(pip);
    command::logged(command.args(["install", "--quiet"]).args(packages), &log(name)?)
}
