//! `cargo xtask tools`: everything the tests talk to, installed once and kept in the cache.
//!
//! Each kind of package has its own client (apt-get, go, pip, npm, cargo) and its own file here. apt-get brings clients of
//! other kinds, so those wait for it; else the kinds are installed beside each other, the tools of one kind one after the
//! other: two cores gain nothing from more.

mod apt;
mod cargo;
mod catalogue;
mod go;
mod npm;
mod python;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::command::Outcome;
use crate::places;
use catalogue::{Source, TOOLS, Tool};

/// Which tools to install.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the tools whose name contains this text
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// What came of one tool.
struct Installed {
    tool: &'static Tool,
    took: Duration,
    outcome: Outcome,
}

/// Installs what is missing and prints one line a tool; fails if any is missing after that.
pub(crate) fn run(options: &Options) -> Outcome {
    let wanted = |tool: &&Tool| options.only.as_deref().is_none_or(|part| tool.name.contains(part));
    let results = install(&TOOLS.iter().filter(wanted).collect::<Vec<_>>());
    for result in &results {
        print(result);
    }
    missing(&results)
}

/// Installs every tool, or the one of this name, and says only what was installed or is missing.
pub(crate) fn ensure(only: Option<&str>) -> Outcome {
    let results =
        install(&TOOLS.iter().filter(|tool| only.is_none_or(|name| tool.name == name)).collect::<Vec<_>>());
    results.iter().filter(|result| result.outcome.is_err() || result.took.as_secs() > 0).for_each(print);
    missing(&results)
}

fn install(wanted: &[&'static Tool]) -> Vec<Installed> {
    let of_kind = |kind: fn(&Source) -> bool| -> Vec<&'static Tool> {
        wanted.iter().copied().filter(|tool| kind(&tool.source)).collect()
    };
    let apt = of_kind(|source| matches!(source, Source::Apt(_)));
    let cargo = of_kind(|source| matches!(source, Source::Cargo { .. }));
    let behind_apt = [
        of_kind(|source| matches!(source, Source::Python { .. })),
        of_kind(|source| matches!(source, Source::Npm { .. })),
        of_kind(|source| matches!(source, Source::Go { .. } | Source::WishedGo { .. })),
    ];
    std::thread::scope(|scope| {
        let mut running = vec![scope.spawn(move || install_group(&cargo))];
        let mut installed = apt::install(&apt);
        running.extend(behind_apt.map(|group| scope.spawn(move || install_group(&group))));
        installed.extend(running.into_iter().filter_map(|thread| thread.join().ok()).flatten());
        installed
    })
}

fn install_group(group: &[&'static Tool]) -> Vec<Installed> {
    group
        .iter()
        .map(|tool| {
            let begun = Instant::now();
            let outcome = install_one(tool);
            Installed { tool, took: begun.elapsed(), outcome }
        })
        .collect()
}

fn install_one(tool: &Tool) -> Outcome {
    let stamp = Stamp::of(tool)?;
    if stamp.stands() && places::find_program(tool.program)?.is_some() {
        return Ok(());
    }
    match tool.source {
        Source::Apt(_) => return Ok(()),
        Source::Go { module, package, version, replace } => {
            go::install(tool.name, &go::Main { module, package, version, replace })?;
        }
        Source::WishedGo { module, package, version } => {
            go::install(tool.name, &go::Main { module, package, version, replace: &[] })?;
        }
        Source::Python { environment, packages } => python::install(tool.name, environment, packages)?,
        Source::Npm { version } => npm::install(tool.name, version)?,
        Source::Cargo { version, features } => cargo::install(tool.name, version, features)?,
    }
    places::find_program(tool.program)?
        .ok_or_else(|| format!("installed, but there is no program {}", tool.program))?;
    stamp.leave()
}

/// A file whose name says that this very version was installed: pins that move are installed anew.
struct Stamp(PathBuf);

impl Stamp {
    fn of(tool: &Tool) -> Outcome<Stamp> {
        let version = tool.version().replace(['/', ' ', '[', ']'], "_");
        Ok(Stamp(places::cache()?.join("stamps").join(format!("{}@{version}", tool.name))))
    }

    fn stands(&self) -> bool {
        self.0.is_file()
    }

    fn leave(&self) -> Outcome {
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(&self.0, "")?)
    }
}

/// Where the output of one installation goes.
fn log(name: &str) -> Outcome<PathBuf> {
    Ok(places::cache()?.join("logs").join(format!("install-{name}.log")))
}

/// Its tests say that they did not run where it is missing; nothing else needs it.
fn is_wished(tool: &Tool) -> bool {
    matches!(tool.source, Source::WishedGo { .. })
}

fn print(result: &Installed) {
    let Installed { tool, took, outcome } = result;
    let state = match outcome {
        Ok(()) if took.as_secs() == 0 => "there".to_owned(),
        Ok(()) => format!("installed in {} s", took.as_secs()),
        Err(_) if is_wished(tool) => "NOT TO BE HAD".to_owned(),
        Err(_) => "MISSING".to_owned(),
    };
    println!("tool {:<16} {:<28} {state:<20} {}", tool.name, tool.version(), tool.purpose);
}

fn missing(results: &[Installed]) -> Outcome {
    let lines: Vec<String> = results
        .iter()
        .filter(|result| !is_wished(result.tool))
        .filter_map(|result| Some(format!("{}: {}", result.tool.name, result.outcome.as_ref().err()?)))
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(format!("{} of {} tools are missing\n{}", lines.len(), results.len(), lines.join("\n")).into())
}
