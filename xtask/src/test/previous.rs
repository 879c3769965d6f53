//! The binary of an earlier commit, for nodes of two versions side by side: built once and kept in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{self, Outcome};
use crate::places;

/// The oldest commit whose nodes may serve beside ours: the one whose migration the newest one's `serves_from` names.
const COMMIT: &str = "a789c03b36c936754261b2774cd3bfa57cea4ee4";

/// Whether there is one.
pub(super) enum Previous {
    /// Its path.
    At(PathBuf),
    /// It could not be built, for this reason.
    No(String),
}

/// Builds it unless it was built before. Cargo takes the dependencies from our own build folder, and puts the binary where
/// ours is put afterwards.
pub(super) fn build() -> Outcome<Previous> {
    let home = places::cache()?.join("previous").join(&COMMIT[..12]);
    let binary = home.join("hythe");
    if binary.is_file() {
        return Ok(Previous::At(binary));
    }
    let tree = home.join("tree");
    let built = unpack(&tree).and_then(|()| compile(&tree));
    let kept = built.and_then(|()| keep(&binary));
    // What a failed build leaves is of no use to the next.
    let _ = fs::remove_dir_all(&tree);
    Ok(kept.map_or_else(|error| Previous::No(error.to_string()), |()| Previous::At(binary)))
}

/// The commit's files, if this tree has a history that knows it.
fn unpack(tree: &Path) -> Outcome {
    fs::create_dir_all(tree)?;
    let archive = tree.join("commit.tar");
    let mut git = Command::new("git");
    git.current_dir(places::tree()).args(["archive", "--format=tar", "--output"]).arg(&archive).arg(COMMIT);
    command::output(&mut git)?;
    command::output(Command::new("tar").current_dir(tree).arg("-xf").arg(&archive))?;
    Ok(())
}

fn compile(tree: &Path) -> Outcome {
    let mut cargo = command::cargo();
    cargo.current_dir(tree).args(["build", "--locked", "--package", "hythe", "--target-dir"]);
    command::run(cargo.arg(places::target()).env("CARGO_INCREMENTAL", "0"))
}

/// Under another name until it is whole.
fn keep(binary: &Path) -> Outcome {
    let half = binary.with_extension("part");
    fs::copy(places::target().join("debug/hythe"), &half)?;
    fs::rename(&half, binary)?;
    Ok(())
}
