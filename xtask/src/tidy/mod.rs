//! `cargo xtask tidy`: the house rules that a compiler does not know.

mod arrows;
mod documents;
mod names;
mod reachable;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{self, Outcome};
use crate::places;

/// One rule and how to look for breaches of it.
struct Rule {
    name: &'static str,
    breaches: fn(&Tree) -> Outcome<Vec<String>>,
}

const RULES: &[Rule] = &[
    Rule { name: "every .rs file is reachable from a crate root", breaches: reachable::unreachable_files },
    Rule { name: "every .rs file opens with //!", breaches: sources::without_opening },
    Rule { name: "no unsafe outside the named files", breaches: sources::unsafe_outside_list },
    Rule { name: "no SQL outside the metadata crate", breaches: sources::sql_outside_metadata },
    Rule { name: "crates depend on each other as drawn", breaches: arrows::not_as_drawn },
    Rule { name: "every path named in a document exists", breaches: documents::dead_paths },
    Rule { name: "metrics and their document agree", breaches: names::metrics_apart },
    Rule { name: "every setting named in a document exists", breaches: names::unknown_settings },
];

/// The files that git knows or would add: what a reader of the repository sees.
struct Tree {
    root: PathBuf,
    files: Vec<PathBuf>,
}

/// Checks every rule and prints every breach.
pub(crate) fn run() -> Outcome {
    let tree = Tree::read()?;
    let mut count = 0;
    for rule in RULES {
        for breach in (rule.breaches)(&tree)? {
            println!("tidy: {}: {breach}", rule.name);
            count += 1;
        }
    }
    if count == 0 { Ok(()) } else { Err(format!("{count} breaches of house rules").into()) }
}

impl Tree {
    fn read() -> Outcome<Tree> {
        let root = places::tree();
        let mut git = command::program("git")?;
        let listed = command::output(git.args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
        let files = listed.lines().map(PathBuf::from).filter(|path| root.join(path).is_file()).collect();
        Ok(Tree { root, files })
    }

    /// Rust files, as paths from the root.
    fn rust_files(&self) -> impl Iterator<Item = &Path> {
        self.with_extension("rs")
    }

    fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a Path> {
        self.files
            .iter()
            .map(PathBuf::as_path)
            .filter(move |path| path.extension().is_some_and(|end| end == extension))
    }

    fn text(&self, path: &Path) -> Outcome<String> {
        let read = fs::read_to_string(self.root.join(path));
        read.map_err(|error| format!("cannot read {}: {error}", path.display()).into())
    }
}
