//! Another time of day for one process.

use std::fs;
use std::path::{Path, PathBuf};

use crate::server::Options;

const PACKAGE: &str = "faketime/libfaketime.so.1";

/// These options for a machine whose clock is ahead by so many seconds, or behind; nothing, and a line that says so, where
/// this machine has no libfaketime.
pub fn ahead(options: &Options, seconds: i64) -> Option<Options> {
    let Some(library) = library() else {
        eprintln!("NOT RUN: there is no libfaketime; cargo xtask tools installs it");
        return None;
    };
    let options = options.clone().variable("LD_PRELOAD", library.to_str().unwrap());
    // Spans of time are measured by another clock, which nobody sets.
    Some(options.variable("FAKETIME", &format!("{seconds:+}")).variable("FAKETIME_DONT_FAKE_MONOTONIC", "1"))
}

/// Debian keeps it in a folder of the machine's architecture.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir(Path::new("/usr/lib")).into_iter().flatten().filter_map(Result::ok);
    folders.map(|folder| folder.path().join(PACKAGE)).find(|path| path.is_file())
}
