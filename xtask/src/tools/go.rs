//! Go programs, each built through a module of our own that requires it.
//!
//! `go install PACKAGE@VERSION` would be shorter, but it asks the proxy for the list of all versions, which not
//! every proxy has for every module, and it refuses modules with `replace` lines.

use std::fs;
use std::process::Command;

use super::log;
use crate::command::{self, Outcome};
use crate::places;

/// Builds `package` of `module` at `version` into the cache's `bin`.
pub(super) fn install(name: &str, module: &str, package: &str, version: &str) -> Outcome {
    let cache = places::cache()?;
    let folder = cache.join("go").join(name);
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("go.mod"),
        format!("module tools.invalid/{name}\n\ngo 1.24\n\nrequire {module} {version}\n"),
    )?;
    let mut go = Command::new("nice");
    go.args(["go", "install", "-mod=mod", "-trimpath", "-ldflags=-s -w", package])
        .current_dir(&folder)
        .env("GOBIN", cache.join("bin"))
        .env("CGO_ENABLED", "0")
        .env_remove("GOFLAGS");
    command::logged(&mut go, &log(name)?)
}
