//! Go programs, each built through a module of our own that requires it.
//!
//! `go install PACKAGE@VERSION` would be shorter, but it asks the proxy for the list of all versions, which not
//! every proxy has for every module, and it refuses modules with `replace` lines.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::log;
use crate::command::{self, Outcome};
use crate::places;

/// The newest that any of the modules asks for. An older go fetches it from the proxy, if it may.
const VERSION: &str = "1.26.6";
const TOOLCHAIN: (&str, &str) = ("GOTOOLCHAIN", "auto");

/// What the proxy has: a module, the program in it, and what go.mod must replace.
pub(super) struct Main {
    pub(super) module: &'static str,
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    pub(super) replace: &'static [&'static str],
}

/// Builds the program into the cache's `bin`.
pub(super) fn install(name: &str, main: &Main) -> Outcome {
    let folder = places::cache()?.join("go").join(name);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("go.mod"), go_mod(name, main)?)?;
    let mut go = go_in(&folder)?;
    go.args(["install", "-mod=mod", "-trimpath", "-ldflags=-s -w", main.package]);
    command::logged(&mut go, &log(name)?)
}

fn go_mod(name: &str, main: &Main) -> Outcome<String> {
    let Main { module, version, replace, .. } = main;
    let mut text = format!("module tools.invalid/{name}\n\ngo {VERSION}\n\nrequire {module} {version}\n");
    for line in *replace {
        writeln!(text, "replace {line}")?;
    }
    Ok(text)
}

fn go_in(folder: &Path) -> Outcome<Command> {
    let mut go = Command::new("nice");
    go.arg("go")
        .current_dir(folder)
        .env("GOBIN", places::cache()?.join("bin"))
        .envs([TOOLCHAIN])
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-buildvcs=false");
    Ok(go)
}
