//! The configuration: one source of truth from defaults, `hythe.toml`, HYTHE_ variables and flags, each value with its origin.

mod environment;
mod example;
mod explain;
mod file;
mod nearest;
mod origin;
mod problem;
mod reader;
mod settings;
mod sources;
mod table;
pub(crate) mod types;
mod urls;
mod validate;
mod value;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

pub(crate) use example::example;
pub(crate) use explain::{Explained, Topic};
pub(crate) use origin::Origin;
pub(crate) use problem::Problem;
pub(crate) use settings::Config;
pub(crate) use types::{ListenAddress, LogFormat};
pub(crate) use urls::{DatabaseUrl, Secret, StorageUrl};

use reader::Reader;
use sources::{Said, Sources};
use value::Value;

/// What the command line says about the configuration.
#[derive(Debug, Default, Clone)]
pub(crate) struct Flags {
    pub(crate) config: Option<String>,
    pub(crate) data: Option<String>,
    pub(crate) listen: Vec<String>,
}

/// Everything the configuration is made from, so that a test can make its own.
pub(crate) struct Inputs {
    pub(crate) flags: Flags,
    pub(crate) variables: Vec<(String, OsString)>,
    /// The folder that the program was started in.
    pub(crate) here: PathBuf,
    pub(crate) hostname: String,
    /// Whether a terminal may be shown colours.
    pub(crate) colour: bool,
}

impl Inputs {
    /// The inputs of this process.
    pub(crate) fn of_process(flags: Flags) -> io::Result<Self> {
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let (variables, colour) = (environment::snapshot(), environment::wants_colour());
        Ok(Self { flags, variables, here: std::env::current_dir()?, hostname, colour })
    }
}

/// The configuration as far as it could be read.
#[derive(Debug)]
pub(crate) struct Loaded {
    config: Option<Config>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) sources: Sources,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// Where a file would have been read.
    pub(crate) looked_at: Vec<PathBuf>,
    pub(crate) admin_password: Option<Secret>,
}

impl Config {
    /// Whether the database or the blobs lie in the data folder; a node that has both elsewhere keeps nothing there.
    pub(crate) fn uses_data_folder(&self) -> bool {
        let blobs = match &self.storage.url {
            StorageUrl::Folder(path) => Some(path.as_path()),
            StorageUrl::Bucket(_) | StorageUrl::Memory => None,
        };
        [self.database.url.sqlite_path(), blobs]
            .into_iter()
            .flatten()
            .any(|path| path.starts_with(&self.root.data))
    }
}

impl Loaded {
    /// The configuration, if nothing at all is wrong with it.
    pub(crate) fn config(&self) -> Option<&Config> {
        self.config.as_ref().filter(|_| self.problems.is_empty())
    }
}

/// Reads all sources. Problems are collected, never only the first one reported.
pub(crate) fn load(inputs: &Inputs) -> Loaded {
    let mut sources = Sources::default();
    let mut problems = Vec::new();
    let special = environment::read(&inputs.variables, &inputs.here, &mut sources, &mut problems);
    add_flags(inputs, &mut sources);
    let looked_at = candidates(inputs, special.config.as_deref(), &sources);
    let file = read_first(&looked_at, inputs, &mut sources, &mut problems);
    sources.add_defaults(&inputs.here, &inputs.hostname);
    let mut reader = Reader::new(&sources);
    let config = Config::read(&mut reader);
    problems.append(&mut reader.problems);
    problems.sort_by(|one, other| one.place.cmp(&other.place));
    let looked_at = looked_at.into_iter().map(|candidate| candidate.path).collect();
    Loaded { config, problems, sources, file, looked_at, admin_password: special.admin_password }
}

fn add_flags(inputs: &Inputs, sources: &mut Sources) {
    let mut add = |path, name, text: String| {
        let origin = Origin::Flag { name };
        sources.add(path, Said { value: Value::Given(text), origin, base: inputs.here.clone() });
    };
    if let Some(data) = &inputs.flags.data {
        add("data", "--data", data.clone());
    }
    if !inputs.flags.listen.is_empty() {
        add("server.listen", "--listen", inputs.flags.listen.join(","));
    }
}

/// A place where the configuration file may be.
struct Candidate {
    path: PathBuf,
    /// Who named it; a file that was named must be there.
    named_by: Option<Origin>,
    /// It lies in the data folder, and so cannot say where that is.
    in_data: bool,
}

/// The file that was named, or else `hythe.toml` here, or else in the data folder.
fn candidates(inputs: &Inputs, variable: Option<&str>, sources: &Sources) -> Vec<Candidate> {
    let named = |path: &str, origin| {
        vec![Candidate { path: PathBuf::from(path), named_by: Some(origin), in_data: false }]
    };
    if let Some(path) = &inputs.flags.config {
        return named(path, Origin::Flag { name: "--config" });
    }
    if let Some(path) = variable {
        return named(path, Origin::Variable { name: settings::CONFIG.to_owned() });
    }
    let mut places = vec![Candidate { path: PathBuf::from("hythe.toml"), named_by: None, in_data: false }];
    if let Some(data) = sources.data_folder(&inputs.here) {
        places.push(Candidate { path: data.join("hythe.toml"), named_by: None, in_data: true });
    }
    places
}

fn read_first(
    candidates: &[Candidate],
    inputs: &Inputs,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> Option<PathBuf> {
    for candidate in candidates {
        match std::fs::read_to_string(inputs.here.join(&candidate.path)) {
            Ok(text) => {
                file::read(&candidate.path, &text, &inputs.here, sources, problems);
                refuse_data_in_data(candidate, sources, problems);
                return Some(candidate.path.clone());
            }
            Err(error) if is_missing(&error) && candidate.named_by.is_none() => {}
            Err(error) => problems.push(unreadable(candidate, &error)),
        }
    }
    None
}

/// A file, or a folder on the way to it, is not there.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(candidate: &Candidate, error: &io::Error) -> Problem {
    let why = match error.kind() {
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    };
    let named = if candidate.named_by.is_some() { " named" } else { "" };
    let problem = Problem::new(format!("cannot read {}{named}", candidate.path.display())).why(why);
    let problem = match &candidate.named_by {
        Some(origin) => problem.at(origin.clone()),
        None => problem,
    };
    match error.kind() {
        io::ErrorKind::PermissionDenied if candidate.in_data => {
            problem.hint("run this as a user who may read the data folder, or name another by --data")
        }
        io::ErrorKind::PermissionDenied => problem.hint("run this as a user who may read it"),
        _ if candidate.named_by.is_some() => problem.hint("`hythe config example > hythe.toml` writes one"),
        _ => problem,
    }
}

/// A file found by the data folder cannot move the data folder: the next start would not find the file.
fn refuse_data_in_data(candidate: &Candidate, sources: &Sources, problems: &mut Vec<Problem>) {
    let said = sources.effective("data").filter(|said| matches!(said.origin, Origin::File { .. }));
    if let (true, Some(said)) = (candidate.in_data, said) {
        let problem = Problem::new("data is set by the file that was found in the data folder")
            .at(said.origin.clone())
            .hint("give it by --data or HYTHE_DATA, or move the file to ./hythe.toml");
        problems.push(problem);
    }
}

#[cfg(test)]
mod tests;
