//! Paths that documents name in backticks or links: each must exist.

use std::path::Path;

use super::Tree;
use crate::command::Outcome;

/// First folders by which a word in backticks is known to be a path of this tree.
const FOLDERS: &[&str] =
    &["crates/", "acceptance/", "xtask/", "fuzz/", "docs/", "deploy/", "console/", ".ci/", ".cargo/"];

/// Paths in ARCHITECTURE.md and every other document that are not there.
pub(super) fn dead_paths(tree: &Tree) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for document in tree.with_extension("md") {
        let text = tree.text(document)?;
        let dead = named_paths(&text).chain(linked_paths(&text)).filter(|path| !exists(tree, document, path));
        found.extend(dead.map(|path| format!("{}: {path}", document.display())));
    }
    Ok(found)
}

fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|word| {
        FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains([' ', '\n', '*', '<', '{'])
    })
}

fn linked_paths(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| {
        !target.contains("://") && !target.starts_with(['#', '<']) && !target.starts_with("mailto:")
    })
}

/// A path counts from the root or from its document's folder; an anchor or line after it does not count.
fn exists(tree: &Tree, document: &Path, path: &str) -> bool {
    let path = path.split(['#', ':']).next().unwrap_or_default();
    let beside = document.parent().unwrap_or(Path::new("")).join(path);
    tree.root.join(path).exists() || tree.root.join(beside).exists()
}

#[cfg(test)]
mod tests {
    use super::{linked_paths, named_paths};

    #[test]
    fn finds_paths_and_leaves_the_rest() {
        let text = "See `crates/oci/src/lib.rs` and `cargo xtask`, [this](docs/a.md#b), [that](https://x.test/docs).";
        assert_eq!(named_paths(text).collect::<Vec<_>>(), ["crates/oci/src/lib.rs"]);
        assert_eq!(linked_paths(text).collect::<Vec<_>>(), ["docs/a.md#b"]);
    }
}
