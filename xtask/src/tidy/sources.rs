//! Rules that one Rust file at a time can break.

use std::path::Path;

use super::Tree;
use crate::command::Outcome;

/// The only files that may hold `unsafe`; each proves what it does, and a new one is a decision.
const UNSAFE_FILES: &[&str] =
    &["crates/blobs/src/hash.rs", "crates/hythe/src/memory.rs", "crates/server/src/listener/sendfile.rs"];

/// Openings of SQL statements, as they stand inside a string.
const SQL: &[&str] =
    &["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "ALTER TABLE ", "DROP TABLE "];

/// Files whose first line is not a `//!` line.
pub(super) fn without_opening(tree: &Tree) -> Outcome<Vec<String>> {
    breaches(tree, |_, text| (!text.starts_with("//! ")).then(|| "starts with something else".to_owned()))
}

/// Files with the keyword outside comments and lint names.
pub(super) fn unsafe_outside_list(tree: &Tree) -> Outcome<Vec<String>> {
    breaches(tree, |path, text| {
        if UNSAFE_FILES.iter().any(|listed| path == Path::new(listed)) || names_the_rules(path) {
            return None;
        }
        code_line(text, |line| {
            line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
        })
    })
}

/// Asks a PostgreSQL of the tests' own about itself, and never for rows.
const SERVERS_OWN: &str = "acceptance/src/postgres.rs";

/// Files outside `crates/metadata` with a string that begins as a statement does.
pub(super) fn sql_outside_metadata(tree: &Tree) -> Outcome<Vec<String>> {
    breaches(tree, |path, text| {
        let allowed = path.starts_with("crates/metadata") || path == Path::new(SERVERS_OWN);
        if allowed || names_the_rules(path) || is_test(path) {
            return None;
        }
        code_line(before_tests(text), |line| SQL.iter().any(|start| line.contains(&format!("\"{start}"))))
    })
}

pub(super) fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs")
}

/// Tests may make any table they like.
pub(super) fn before_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default()
}

/// The rules themselves name what they look for.
fn names_the_rules(path: &Path) -> bool {
    path.starts_with("xtask/src/tidy")
}

fn breaches(tree: &Tree, check: impl Fn(&Path, &str) -> Option<String>) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for path in tree.rust_files() {
        if let Some(what) = check(path, &tree.text(path)?) {
            found.push(format!("{}: {what}", path.display()));
        }
    }
    Ok(found)
}

fn code_line(text: &str, is_breach: impl Fn(&str) -> bool) -> Option<String> {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let found = text.lines().enumerate().find(|(_, line)| is_breach(&code(line)))?;
    Some(format!("line {}: {}", found.0 + 1, found.1.trim()))
}

#[cfg(test)]
mod tests {
    use super::code_line;

    #[test]
    fn comments_are_not_code() {
        let breach = |line: &str| line.contains("unsafe");
        assert_eq!(code_line("// unsafe\nlet a = 1;", breach), None);
        assert_eq!(
            code_line("let a = 1;\n unsafe { b() }", breach).as_deref(),
            Some("line 2: unsafe { b() }")
        );
    }
}
