//! The table, on the screen and in `docs/benchmarks.md`.

use std::fmt;
use std::fs;
use std::path::Path;

use super::said;
use crate::command::Outcome;

/// What was measured, in the order of measuring.
pub(super) struct Report {
    rounds: usize,
    machine: String,
    rows: Vec<Row>,
    notes: Vec<String>,
}

struct Row {
    measure: String,
    value: f64,
    bar: &'static str,
}

impl Report {
    pub(super) fn new(rounds: usize) -> Outcome<Report> {
        let cores = said("nproc", &[])?;
        let info = fs::read_to_string("/proc/cpuinfo")?;
        let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let sha = if info.contains(" sha_ni") { "with SHA extensions" } else { "without SHA extensions" };
        let model = model.trim_start_matches(['\t', ' ', ':']).trim();
        let kernel = said("uname", &["-r"])?;
        Ok(Report {
            rounds,
            machine: format!("{cores} cores ({model}, {sha}), Linux {kernel}"),
            rows: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// A row: a ratio or a figure, and what it is to reach, if anything.
    pub(super) fn add(&mut self, measure: impl Into<String>, value: f64, bar: &'static str) {
        let row = Row { measure: measure.into(), value, bar };
        eprintln!("{:.2}  {}", row.value, row.measure);
        self.rows.push(row);
    }

    /// The absolute figures behind a ratio.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Takes the place of the table before it; what people wrote below it stays.
    pub(super) fn write(&self, path: &Path) -> Outcome {
        let before = fs::read_to_string(path)?;
        let sections = before.find("\n## ").map_or("", |at| &before[at..]);
        let text = format!(
            "# Benchmarks\n\nMade by `cargo xtask bench` ({} rounds of each, medians), which starts Hythe, Debian's \
             `docker-registry` and `nginx`\n(`sendfile on`) side by side on one machine and measures them in turn on the same \
             files. Ratios count; the absolute\nfigures are this machine's: {}.\n\n{self}{sections}",
            self.rounds, self.machine
        );
        Ok(fs::write(path, text)?)
    }
}

impl Row {
    /// Whether the bar is reached; nothing without a bar.
    fn reached(&self) -> Option<bool> {
        let (_, number) = self.bar.rsplit_once(' ')?;
        let number: f64 = number.parse().ok()?;
        Some(if self.bar.starts_with("at least") { self.value >= number } else { self.value <= number })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| measure | value | to reach | reached |\n|---|---|---|---|")?;
        for row in &self.rows {
            let reached = row.reached().map_or("", |reached| if reached { "yes" } else { "no" });
            writeln!(f, "| {} | {:.2} | {} | {reached} |", row.measure, row.value, row.bar)?;
        }
        if !self.notes.is_empty() {
            writeln!(f, "\nBehind the ratios:\n")?;
        }
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        Ok(())
    }
}

/// The middle one; of an even number the upper.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
