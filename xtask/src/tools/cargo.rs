//! Programs from crates.io, with the dependencies their authors locked.

use super::log;
use crate::command::{self, Outcome};
use crate::places;

/// Compiles a package into the cache; its build folder is its own, so that ours is never locked for minutes.
pub(super) fn install(name: &str, version: &str, features: &str) -> Outcome {
    let cache = places::cache()?;
    let mut cargo = command::cargo();
    cargo
        .args(["install", "--locked", "--version", version, "--features", features])
        .arg("--root")
        .arg(cache.join("cargo"))
        .arg("--target-dir")
        .arg(cache.join("install-target"))
        .arg(name)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS");
    command::logged(&mut cargo, &log(name)?)
}
