//! `cargo xtask bench`: Hythe beside docker-registry and nginx, on the same files, in the same run, in alternation.
//!
//! Ratios are what counts: the absolute figures are the machine's. Nothing here fails because something was slow.

pub(crate) mod client;
mod garbage;
mod manifests;
mod memory;
mod nodes;
mod peers;
mod process;
mod pull;
mod push;
mod report;
mod rows;
mod share;
mod start;
mod tags;

use std::process::Command;

use crate::command::{self, Outcome};
use crate::places;
use crate::services::Folder;
use peers::{Hythe, Nginx, Registry};
use report::Report;

/// What to measure, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds of each measurement; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only measurements whose name begins so: pull, push, manifest, tags, memory, start, rows,
    /// nodes, garbage
    #[arg(long)]
    only: Option<String>,
    /// Do not rewrite docs/benchmarks.md
    #[arg(long)]
    print_only: bool,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| name.starts_with(only))
    }
}

/// Size of the blob that is pulled and pushed.
const BLOB_BYTES: u64 = 1 << 30;

/// Builds, starts the three servers, measures, prints the table and writes it down.
pub(crate) fn run(options: &Options) -> Outcome {
    let mut cargo = command::cargo();
    command::run(cargo.args(["build", "--release", "--package", "hythe"]))?;
    let folder = Folder::new("bench")?;
    let mut report = Report::new(options.rounds)?;
    if options.wants("start") {
        start::measure_empty(folder.path(), options.rounds, &mut report)?;
    }
    let hythe = Hythe::start(folder.path(), "hythe")?;
    if options.wants("memory") {
        memory::measure(&hythe, &mut report)?;
    }
    if options.wants("pull") || options.wants("push") {
        let registry = Registry::start(folder.path())?;
        let files = push::make_files(folder.path())?;
        if options.wants("push") {
            push::measure(&hythe, &registry, &files, options.rounds, &mut report)?;
        }
        if options.wants("pull") {
            let blob = push::push_once(&hythe, &files)?;
            let nginx = Nginx::start(folder.path(), &blob.path)?;
            pull::measure(&hythe, &nginx, &blob, options.rounds, &mut report)?;
        }
    }
    if options.wants("manifest") {
        let registry = Registry::start(folder.path())?;
        manifests::measure(&hythe, &registry, options.rounds, &mut report)?;
    }
    if options.wants("tags") || options.wants("start") {
        tags::measure(&hythe, options.rounds, &mut report)?;
        let data = hythe.stop();
        start::measure_full(folder.path(), &data, options.rounds, &mut report)?;
    }
    if options.wants("nodes") {
        nodes::measure(folder.path(), options.rounds, &mut report)?;
    }
    if options.wants("garbage") {
        garbage::measure(folder.path(), options.rounds, &mut report)?;
    }
    if options.wants("rows") {
        rows::measure(&mut report)?;
    }
    println!("{report}");
    if !options.print_only && options.only.is_none() {
        report.write(&places::tree().join("docs/benchmarks.md"))?;
    }
    Ok(())
}

/// A program's standard output, trimmed.
fn said(program: &str, arguments: &[&str]) -> Outcome<String> {
    Ok(command::output(Command::new(program).args(arguments))?.trim().to_owned())
}
