//! Names that operators read in documents and that live in the code: metrics and settings.

use std::collections::BTreeSet;
use std::path::Path;

use super::Tree;
use super::sources::{before_tests, is_test};
use crate::command::Outcome;

const METRICS: &str = "docs/operations/observability.md";
/// A file that makes a metric holds one of these, or writes metrics by hand.
const MAKERS: &[&str] = &["counter!(", "gauge!(", "histogram!(", "# TYPE"];

const SETTINGS: &str = "crates/hythe/src/config/settings.rs";
/// Beginnings of variables that are no keys of the table: short forms, what must stand outside of it, and the tests' own.
const OTHER_VARIABLES: &[&str] = &[
    "HYTHE_LISTEN",
    "HYTHE_CONFIG",
    "HYTHE_TRACE",
    "HYTHE_ADMIN_PASSWORD",
    "HYTHE_TEST_",
    "HYTHE_ACCEPTANCE_",
    "HYTHE_BIN",
    "HYTHE_RENEW",
];

/// Metrics that the document lacks, and those that it names and nothing makes.
pub(super) fn metrics_apart(tree: &Tree) -> Outcome<Vec<String>> {
    let text = tree.text(Path::new(METRICS))?;
    let named: BTreeSet<&str> = quoted_by(&text, '`').filter(|word| is_metric(word)).collect();
    let mut made = BTreeSet::new();
    for path in tree.rust_files().filter(|path| path.starts_with("crates") && !is_test(path)) {
        let text = tree.text(path)?;
        let code = before_tests(&text);
        if MAKERS.iter().any(|maker| code.contains(maker)) {
            made.extend(quoted_by(code, '"').filter(|word| is_metric(word)).map(str::to_owned));
        }
    }
    let lacking = made.iter().filter(|name| !named.contains(name.as_str()));
    let lacking = lacking.map(|name| format!("{METRICS} does not name {name}"));
    let gone = named.iter().filter(|name| !made.contains(**name));
    Ok(lacking.chain(gone.map(|name| format!("{METRICS}: nothing makes {name}"))).collect())
}

/// Settings that a document names, as a key or as a variable, and that are not there.
pub(super) fn unknown_settings(tree: &Tree) -> Outcome<Vec<String>> {
    let keys = keys(&tree.text(Path::new(SETTINGS))?);
    let mut found = Vec::new();
    for document in tree.with_extension("md") {
        let text = tree.text(document)?;
        let unknown = keys_in(&text, &keys).chain(variables_in(&text)).filter(|name| !is_known(name, &keys));
        found.extend(unknown.map(|name| format!("{}: {name}", document.display())));
    }
    Ok(found)
}

/// What stands between two of these marks on one line.
fn quoted_by(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.lines().flat_map(move |line| line.split(mark).skip(1).step_by(2))
}

fn is_metric(word: &str) -> bool {
    let of_ours = word.starts_with("hythe_") || word.starts_with("process_");
    of_ours
        && !word.ends_with('_')
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Keys with their sections, read off the table of settings.
fn keys(table: &str) -> BTreeSet<String> {
    let mut prefix = "";
    let mut keys = BTreeSet::new();
    for line in table.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if let Some((_, rest)) = line.split_once(" at \"") {
            prefix = rest.split('"').next().unwrap_or_default();
        } else if let Some((name, _)) = line.split_once(": ").filter(|_| line.ends_with([';', ','])) {
            keys.insert(format!("{prefix}{name}"));
        }
    }
    keys
}

/// Words in backticks that begin as a section does: `database.url`, and not `hythe.toml` or `registry.example.com`.
fn keys_in<'a>(text: &'a str, keys: &BTreeSet<String>) -> impl Iterator<Item = &'a str> {
    let sections: BTreeSet<String> =
        keys.iter().filter_map(|key| key.split_once('.')).map(|(section, _)| section.to_owned()).collect();
    let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    quoted_by(text, '`').filter(move |word| {
        let section = word.split_once('.').map(|(section, _)| section);
        section.is_some_and(|section| sections.contains(section))
            && word.chars().all(is_key)
            && !word.contains(".example.")
    })
}

fn variables_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("HYTHE_") && *word != "HYTHE_")
}

/// A secret's variable may end in `_FILE`.
fn is_known(name: &str, keys: &BTreeSet<String>) -> bool {
    let variable = |key: &String| format!("HYTHE_{}", key.replace('.', "_").to_ascii_uppercase());
    let plain = name.strip_suffix("_FILE").unwrap_or(name);
    keys.contains(name)
        || keys.iter().map(variable).any(|variable| variable == name || variable == plain)
        || OTHER_VARIABLES.iter().any(|other| name.starts_with(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "sections! {\n/// A: doc;\nroot: Root at \"\" {\n data: PathBuf = \"x\";\n}\n\
        database: Database at \"database.\" {\n url: Url = \"y\",\n example \"z\";\n key: Option<Secret>, example \"a\";\n}}";

    #[test]
    fn keys_are_read_with_their_sections() {
        let keys: Vec<String> = keys(TABLE).into_iter().collect();
        assert_eq!(keys, ["data", "database.key", "database.url"]);
    }

    #[test]
    fn settings_are_told_from_other_words() {
        let keys = keys(TABLE);
        let text = "`database.urll` in `hythe.toml` at `database.example.com`, `database.url`, HYTHE_DATABASE_URI or \
            `HYTHE_DATABASE_KEY_FILE`, `HYTHE_…`";
        let unknown = keys_in(text, &keys).chain(variables_in(text)).filter(|name| !is_known(name, &keys));
        assert_eq!(unknown.collect::<Vec<_>>(), ["database.urll", "HYTHE_DATABASE_URI"]);
    }

    #[test]
    fn metrics_are_told_from_other_words() {
        let code = "gauge!(\"hythe_tasks\"); let prefix = \"hythe_pat_\"; \"hythe-logs\" \"process_threads\"";
        let found: Vec<_> = quoted_by(code, '"').filter(|word| is_metric(word)).collect();
        assert_eq!(found, ["hythe_tasks", "process_threads"]);
    }
}
