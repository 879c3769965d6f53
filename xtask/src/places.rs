//! Where things are: the tree, the build folder and the cache that outlives both.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Outcome;

/// The root of the tree: the folder above this crate.
pub(crate) fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// `${XDG_CACHE_HOME:-~/.cache}/hythe`: installed tools and made images, kept between runs.
pub(crate) fn cache() -> Outcome<PathBuf> {
    let base = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
        (Some(cache), _) if !cache.is_empty() => PathBuf::from(cache),
        (_, Some(home)) => Path::new(&home).join(".cache"),
        _ => return Err("neither XDG_CACHE_HOME nor HOME is set: nowhere to keep tools".into()),
    };
    Ok(base.join("hythe"))
}

/// Cargo's build folder, as cargo itself would choose it for this tree.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| tree().join("target"), PathBuf::from)
}

/// Folders with programs that the cache holds, and Debian's that a user's `PATH` may lack.
pub(crate) fn program_folders() -> Outcome<Vec<PathBuf>> {
    let cache = cache()?;
    let mut folders = vec![cache.join("bin"), cache.join("cargo/bin"), cache.join("venv/bin")];
    folders.push(cache.join("npm/node_modules"));
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    folders.extend(["/usr/sbin", "/sbin", "/usr/lib/podman"].map(PathBuf::from));
    folders.extend(postgresql_folders());
    // Last, so that its python is nobody's default.
    folders.push(cache.join("venv-api/bin"));
    Ok(folders)
}

/// Where Debian keeps PostgreSQL's programs, a folder a version; the newest first.
fn postgresql_folders() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort_unstable_by(|one, other| other.cmp(one));
    folders
}

/// `PATH` for everything that is started from here: the cache's programs first.
pub(crate) fn search_path() -> Outcome<OsString> {
    Ok(env::join_paths(program_folders()?)?)
}

/// The first file of this name in [`program_folders`].
pub(crate) fn find_program(name: &str) -> Outcome<Option<PathBuf>> {
    Ok(program_folders()?.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
}
