//! Reads `hythe.toml` and remembers where each value stands in it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::{completed, meant, nearest};
use super::origin::Origin;
use super::problem::Problem;
use super::settings::{self, SECTIONS};
use super::sources::{Said, Sources};
use super::table::{Key, Section};
use super::types::absolute;
use super::value::Value;

/// Adds what the file says to `sources`, and what is wrong with it to `problems`.
pub(super) fn read(path: &Path, text: &str, here: &Path, sources: &mut Sources, problems: &mut Vec<Problem>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut file = File { path, text, here, sources, problems, broken_lines: Vec::new() };
    for error in errors {
        file.note_syntax(&error);
    }
    file.walk("", document.get_ref());
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
    here: &'a Path,
    sources: &'a mut Sources,
    problems: &'a mut Vec<Problem>,
    /// Lines that are not TOML. What the parser made of them is a guess, and a finding on a guess would only mislead.
    broken_lines: Vec<usize>,
}

impl File<'_> {
    fn walk(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            if self.broken_lines.contains(&self.line(&name.span())) {
                continue;
            }
            let path = format!("{prefix}{}", name.get_ref());
            if let Some(key) = settings::find_key(&path) {
                let said = self.said(value);
                self.sources.add(key.path, said);
            } else if is_section(&path) {
                self.enter(&path, value);
            } else {
                let unknown = unknown_name(&path, value.get_ref());
                self.note(name.span(), unknown);
            }
        }
    }

    fn enter(&mut self, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.walk(&format!("{path}."), table),
            other => {
                let problem = Problem::new(format!("{path} is {}", value_of(other)))
                    .why(format!("expected the section [{path}]"));
                self.note(value.span(), problem);
            }
        }
    }

    fn said(&self, value: &Spanned<DeValue<'_>>) -> Said {
        let folder = self.path.parent().map(PathBuf::from).unwrap_or_default();
        Said {
            value: value_of(value.get_ref()),
            origin: self.place(&value.span()),
            base: absolute(self.here, &folder),
        }
    }

    fn note(&mut self, span: Range<usize>, problem: Problem) {
        let place = self.place(&span);
        self.problems.push(problem.at(place));
    }

    fn note_syntax(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or(0..0);
        self.broken_lines.push(self.line(&span));
        self.note(span, Problem::new("not valid TOML").why(error.message().trim_end_matches('.')));
    }

    /// Line and column of a byte, both counted from 1, columns in characters as editors do.
    fn place(&self, span: &Range<usize>) -> Origin {
        let before = self.before(span);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[line_start..].chars().count() + 1;
        Origin::File { path: self.path.to_owned(), line: self.line(span), column }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.before(span).matches('\n').count() + 1
    }

    fn before(&self, span: &Range<usize>) -> &str {
        self.text.get(..span.start).unwrap_or(self.text)
    }
}

/// Whether settings stand below that name.
fn is_section(path: &str) -> bool {
    SECTIONS.iter().any(|section| section.prefix.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

fn unknown_name(path: &str, value: &DeValue<'_>) -> Problem {
    if matches!(value, DeValue::Table(_)) {
        let problem = Problem::new(format!("unknown section [{path}]"));
        let names = SECTIONS.iter().map(Section::name).filter(|name| !name.is_empty());
        return match nearest(path, names) {
            Some(near) => problem.hint(format!("did you mean [{near}]?")),
            None => problem.hint("`hythe config explain` lists every section"),
        };
    }
    let problem = Problem::new(format!("unknown setting {path}"));
    match nearest_key(path) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None => problem.hint("`hythe config explain` lists every setting"),
    }
}

/// The setting that was meant: one of the section that was named, whatever others have; else the same name in some
/// section, or the least mistyped one.
pub(crate) fn nearest_key(path: &str) -> Option<&'static str> {
    let prefixes = SECTIONS.iter().map(|section| section.prefix).filter(|prefix| !prefix.is_empty());
    match prefixes.filter(|prefix| path.starts_with(prefix)).max_by_key(|prefix| prefix.len()) {
        Some(prefix) => nearest_key_below(prefix, &path[prefix.len()..]),
        None => nearest_key_anywhere(path),
    }
}

fn nearest_key_below(prefix: &str, rest: &str) -> Option<&'static str> {
    let below = || settings::keys().filter_map(|key| Some((key, key.path.strip_prefix(prefix)?)));
    let names: Vec<&str> = below().map(|(_, name)| name).collect();
    let near = meant(rest, &names)?;
    below().find(|(_, name)| *name == near).map(|(key, _)| key.path)
}

fn nearest_key_anywhere(path: &str) -> Option<&'static str> {
    let leaf = path.rsplit_once('.').map_or(path, |(_, leaf)| leaf);
    let leaves: Vec<&str> = settings::keys().map(Key::leaf).collect();
    only_key_with_leaf(leaf)
        .or_else(|| completed(leaf, &leaves).and_then(only_key_with_leaf))
        .or_else(|| nearest(path, settings::keys().map(|key| key.path)))
        .or_else(|| nearest(leaf, leaves).and_then(only_key_with_leaf))
}

fn only_key_with_leaf(leaf: &str) -> Option<&'static str> {
    let mut namesakes = settings::keys().filter(|key| key.leaf() == leaf);
    namesakes.next().filter(|_| namesakes.next().is_none()).map(|key| key.path)
}

fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number beyond all bounds"), Value::Integer),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Array(items) => Value::List(items.iter().map(|item| value_of(item.get_ref())).collect()),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Table(_) => Value::Other("a section"),
    }
}
