//! Where the binary and the cache are.

use std::env;
use std::path::{Path, PathBuf};

/// The binary under test: `HYTHE_BIN`, else the debug build of this tree.
pub(crate) fn hythe() -> PathBuf {
    let path = env::var_os("HYTHE_BIN").map_or_else(debug_build, PathBuf::from);
    assert!(path.is_file(), "no binary {}: cargo build --package hythe", path.display());
    path
}

fn debug_build() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    target.join("debug/hythe")
}

/// `${XDG_CACHE_HOME:-~/.cache}/hythe`: made images and installed clients, kept between runs.
pub(crate) fn cache() -> PathBuf {
    let base = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    base.unwrap_or_else(|| Path::new(&env::var_os("HOME").unwrap()).join(".cache")).join("hythe")
}

/// `PATH` with the installed clients first.
pub(crate) fn search_path() -> std::ffi::OsString {
    let cache = cache();
    let own = [cache.join("bin"), cache.join("cargo/bin"), cache.join("venv/bin")];
    let inherited = env::var_os("PATH").unwrap_or_default();
    let debian = ["/usr/sbin", "/sbin", "/usr/lib/podman"].map(PathBuf::from);
    // Last, so that its python is nobody's default.
    let examiners = [cache.join("venv-api/bin")];
    env::join_paths(own.into_iter().chain(env::split_paths(&inherited)).chain(debian).chain(examiners))
        .unwrap()
}
