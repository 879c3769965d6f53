//! Finds `.rs` files that no module declares: they look like code and are never compiled.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Tree;
use crate::command::{self, Outcome};

/// Files that no crate root reaches through `mod` lines.
pub(super) fn unreachable_files(tree: &Tree) -> Outcome<Vec<String>> {
    let mut reached = BTreeSet::new();
    let mut waiting = crate_roots(tree)?;
    while let Some(path) = waiting.pop() {
        if reached.insert(path.clone()) {
            waiting.extend(children(tree, &path)?);
        }
    }
    let lost = tree.rust_files().filter(|path| !reached.contains(*path));
    Ok(lost.map(|path| path.display().to_string()).collect())
}

/// The sources of every target that cargo builds, and the fuzz targets, which are a workspace of their own.
fn crate_roots(tree: &Tree) -> Outcome<Vec<PathBuf>> {
    let mut roots = Vec::new();
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        if !tree.root.join(manifest).is_file() {
            continue;
        }
        let mut cargo = command::cargo();
        let metadata = command::output(cargo.args([
            "metadata",
            "--no-deps",
            "--format-version=1",
            "--manifest-path",
            manifest,
        ]))?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
        let sources = targets
            .filter_map(|target| Path::new(target["src_path"].as_str()?).strip_prefix(&tree.root).ok());
        roots.extend(sources.map(Path::to_path_buf));
    }
    Ok(roots)
}

/// The files that the `mod NAME;` lines of one file name.
fn children(tree: &Tree, path: &Path) -> Outcome<Vec<PathBuf>> {
    let text = tree.text(path)?;
    let mut found = Vec::new();
    let mut named: Option<String> = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            named = rest.split('"').next().map(str::to_owned);
        } else if let Some(module) = declared_module(line) {
            let candidates = candidates(path, module, named.take().as_deref());
            found.extend(candidates.into_iter().filter(|file| tree.root.join(file).is_file()));
        }
    }
    Ok(found)
}

fn declared_module(line: &str) -> Option<&str> {
    let declaration = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => line,
    };
    declaration.strip_prefix("mod ")?.strip_suffix(';')
}

fn candidates(parent: &Path, module: &str, named: Option<&str>) -> Vec<PathBuf> {
    let folder = parent.parent().unwrap_or(Path::new(""));
    if let Some(file) = named {
        return vec![folder.join(file)];
    }
    let stem = parent.file_stem().unwrap_or_default();
    let below = folder.join(stem);
    [folder, &below]
        .into_iter()
        .flat_map(|place| [place.join(format!("{module}.rs")), place.join(module).join("mod.rs")])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::declared_module;

    #[test]
    fn reads_module_lines() {
        assert_eq!(declared_module("mod a;"), Some("a"));
        assert_eq!(declared_module("pub mod b;"), Some("b"));
        assert_eq!(declared_module("pub(crate) mod c;"), Some("c"));
        assert_eq!(declared_module("mod d {"), None);
        assert_eq!(declared_module("model;"), None);
    }
}
