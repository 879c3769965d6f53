//! npm's packages, all in one folder in the cache.

use std::fs;
use std::process::Command;

use super::log;
use crate::command::{self, Outcome};
use crate::places;

/// Installs one pinned package. Scripts of packages are not run: what is needed here has none.
pub(super) fn install(name: &str, version: &str) -> Outcome {
    let folder = places::cache()?.join("npm");
    fs::create_dir_all(&folder)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&folder);
    command::logged(npm.arg(format!("{name}@{version}")), &log(name)?)
}
