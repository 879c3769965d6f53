//! What the commands print: tables that wrap and never cut, JSON, and the width of the terminal.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

/// How a command prints its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For a person.
    #[default]
    Text,
    /// For a program: one JSON document.
    Json,
}

/// Prints text. A reader that has gone, as `head` does, ends the output and is no error.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints one JSON document.
pub(crate) fn print_json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => print(&format!("{text}\n")),
        Err(error) => eprintln!("error: cannot write the answer as JSON, {error}"),
    }
}

/// A time for a person, the same everywhere: UTC, to the second.
pub(crate) fn time(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// Columns of the terminal; None if the answer goes to a file or a pipe, where nothing is wrapped.
pub(crate) fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let columns = rustix::termios::tcgetwinsize(&out).map_or(80, |size| usize::from(size.ws_col));
    Some(columns.max(40))
}

/// Rows under a head, in columns as wide as their widest cell.
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Between two columns.
const GAP: usize = 2;

impl Table {
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text; cells that do not fit into `width` go on in the next line.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let head = self.head.iter().map(|name| (*name).to_owned()).collect();
        let mut text = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            add_row(&mut text, row, &widths);
        }
        text
    }

    /// The width of each column. The widest gives way first, until the whole fits.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([self.head[column].len()]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.head.len()).map(widest).collect();
        let Some(limit) = limit else { return widths };
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > limit {
            match widths.iter_mut().max() {
                Some(widest) if *widest > 8 => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

fn add_row(text: &mut String, cells: &[String], widths: &[usize]) {
    let columns: Vec<Vec<String>> =
        cells.iter().zip(widths).map(|(cell, width)| wrap(cell, *width)).collect();
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        let mut rendered = String::new();
        for (column, width) in columns.iter().zip(widths) {
            let part = column.get(line).map_or("", String::as_str);
            rendered.push_str(part);
            rendered.extend(std::iter::repeat_n(' ', width.saturating_sub(part.chars().count()) + GAP));
        }
        text.push_str(rendered.trim_end());
        text.push('\n');
    }
}

/// Breaks text into lines of at most `width` characters: between words, and inside a word that is longer than a line.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(String::new());
        } else if used > 0 {
            push(&mut lines, ' ');
        }
        for letter in word.chars() {
            if lines.last().is_some_and(|line| line.chars().count() == width.max(1)) {
                lines.push(String::new());
            }
            push(&mut lines, letter);
        }
    }
    lines
}

fn push(lines: &mut [String], letter: char) {
    if let Some(line) = lines.last_mut() {
        line.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_long_words_break() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn a_table_shows_every_letter_however_narrow() {
        let mut table = Table::new(&["KEY", "VALUE"]);
        table.row(["storage.url".to_owned(), "/var/lib/hythe/blobs".to_owned()]);
        assert_eq!(table.render(None), "KEY          VALUE\nstorage.url  /var/lib/hythe/blobs\n");
        let narrow = table.render(Some(24));
        assert_eq!(narrow, "KEY          VALUE\nstorage.url  /var/lib/hy\n             the/blobs\n");
    }
}
