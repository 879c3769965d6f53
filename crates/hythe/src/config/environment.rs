//! Reads the HYTHE_ variables. No other file of the program looks at the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::nearest::meant;
use super::origin::Origin;
use super::problem::Problem;
use super::settings::{
    self, ADMIN_PASSWORD, ADMIN_PASSWORD_FILE, CONFIG, SECTIONS, SHORT_VARIABLES, SPECIAL_VARIABLES, TRACE,
};
use super::sources::{Said, Sources};
use super::table::{Key, variable_of};
use super::types::absolute;
use super::urls::Secret;
use super::value::Value;

/// The variables that are ours, sorted by name so that findings come in the same order each time.
pub(crate) fn snapshot() -> Vec<(String, OsString)> {
    let mut ours: Vec<(String, OsString)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with("HYTHE_"))
        .collect();
    ours.sort();
    ours
}

/// Whether colours are welcome, by the custom that https://no-color.org describes.
pub(crate) fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// What the variables said beside settings.
#[derive(Debug, Default)]
pub(super) struct Special {
    pub(super) config: Option<String>,
    pub(super) admin_password: Option<Secret>,
}

/// Adds what the variables say to `sources`, and what is wrong with them to `problems`.
pub(super) fn read(
    variables: &[(String, OsString)],
    here: &Path,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> Special {
    let mut environment = Environment { here, sources, problems, special: Special::default() };
    for (name, value) in variables {
        environment.take(name, value);
    }
    environment.special
}

struct Environment<'a> {
    here: &'a Path,
    sources: &'a mut Sources,
    problems: &'a mut Vec<Problem>,
    special: Special,
}

impl Environment<'_> {
    fn take(&mut self, name: &str, value: &OsString) {
        let Some(text) = value.to_str() else {
            return self.note(name, Problem::new("a value that is not UTF-8"));
        };
        if is_service_link(name, text) {
            return;
        }
        #[cfg(debug_assertions)]
        if name == crate::trial::VARIABLE {
            return self.take_trial(name, text);
        }
        match meaning(name) {
            None => self.problems.push(unknown(name)),
            Some(_) if text.is_empty() => {
                let problem =
                    Problem::new("an empty value").hint(format!("unset {name}, or give it a value"));
                self.note(name, problem);
            }
            Some(Meaning::Setting(key)) => self.set(key, name, text),
            Some(Meaning::SettingInFile(key)) => self.set_from_file(key, name, text),
            Some(Meaning::Special) => self.take_special(name, text),
        }
    }

    fn set(&mut self, key: &'static Key, name: &str, text: &str) {
        self.add(key, Origin::Variable { name: name.to_owned() }, text);
    }

    fn set_from_file(&mut self, key: &'static Key, name: &str, path: &str) {
        if let Some((path, text)) = self.read_file(name, path) {
            self.add(key, Origin::VariableFile { name: name.to_owned(), path }, &text);
        }
    }

    /// Refuses a second variable for the same setting: which of the two was meant is not for us to guess.
    fn add(&mut self, key: &'static Key, origin: Origin, text: &str) {
        if let Some(Said { origin: first, .. }) = self.sources.effective(key.path) {
            let problem = Problem::new(format!("{} is set twice", key.path))
                .why(format!("the first time {} {first}", first.preposition()))
                .at(origin)
                .hint("unset one of the two");
            return self.problems.push(problem);
        }
        let said = Said { value: Value::Given(text.to_owned()), origin, base: self.here.to_owned() };
        self.sources.add(key.path, said);
    }

    fn take_special(&mut self, name: &str, text: &str) {
        match name {
            CONFIG => self.special.config = Some(text.to_owned()),
            TRACE => self.take_trace(text),
            ADMIN_PASSWORD => self.take_password(name, Secret::new(text)),
            ADMIN_PASSWORD_FILE => {
                if let Some((_, password)) = self.read_file(name, text) {
                    self.take_password(name, Secret::new(password));
                }
            }
            _ => {}
        }
    }

    fn take_password(&mut self, name: &str, password: Secret) {
        if self.special.admin_password.replace(password).is_some() {
            let problem = Problem::new(format!("{ADMIN_PASSWORD} and {ADMIN_PASSWORD_FILE} are both set"));
            self.note(name, problem.hint("unset one of the two"));
        }
    }

    /// `sched=1000,watchdog=50`: the names of `[trace]` without their units.
    fn take_trace(&mut self, text: &str) {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match trace_key(name) {
                Some(key) => self.set(key, TRACE, value),
                None => {
                    let problem = Problem::new(format!("unknown trace {name:?}"));
                    self.note(TRACE, problem.hint("known are sched=MILLISECONDS and watchdog=MILLISECONDS"));
                }
            }
        }
    }

    #[cfg(debug_assertions)]
    fn take_trial(&mut self, name: &str, text: &str) {
        if let Err(problem) = crate::trial::read(text) {
            self.note(name, Problem::new(problem).hint("it is for tests, and no release build knows it"));
        }
    }

    /// The content of the file without the newline that editors put at its end.
    fn read_file(&mut self, name: &str, path: &str) -> Option<(PathBuf, String)> {
        let path = absolute(self.here, Path::new(path));
        match std::fs::read_to_string(&path) {
            Ok(text) if text.trim_end_matches(['\r', '\n']).is_empty() => {
                self.note(name, Problem::new(format!("an empty file {} named", path.display())));
                None
            }
            Ok(text) => Some((path, text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => {
                self.note(
                    name,
                    Problem::new(format!("cannot read {} named", path.display())).why(error.to_string()),
                );
                None
            }
        }
    }

    fn note(&mut self, name: &str, problem: Problem) {
        self.problems.push(problem.at(Origin::Variable { name: name.to_owned() }));
    }
}

enum Meaning {
    Setting(&'static Key),
    /// The variable names a file that holds the setting, as container platforms hand out secrets.
    SettingInFile(&'static Key),
    Special,
}

fn meaning(name: &str) -> Option<Meaning> {
    if let Some(key) = key_of(name) {
        return Some(Meaning::Setting(key));
    }
    if SPECIAL_VARIABLES.iter().any(|(special, _)| *special == name) {
        return Some(Meaning::Special);
    }
    let key = key_of(name.strip_suffix("_FILE")?)?;
    key.kind.secret.then_some(Meaning::SettingInFile(key))
}

/// The setting that a variable sets.
pub(crate) fn key_of(name: &str) -> Option<&'static Key> {
    match SHORT_VARIABLES.iter().find(|(short, _)| *short == name) {
        Some((_, path)) => settings::find_key(path),
        None => settings::keys().find(|key| key.variable() == name),
    }
}

fn trace_key(name: &str) -> Option<&'static Key> {
    settings::keys().find(|key| key.path.starts_with("trace.") && settings::trace_name(key) == name)
}

/// The variable that was meant; of the section that its name begins with, if it begins with one.
pub(crate) fn nearest_variable(wrong: &str) -> Option<String> {
    let sections = SECTIONS.iter().filter(|section| !section.prefix.is_empty());
    let beginnings = sections.map(|section| variable_of(section.prefix));
    let beginning = beginnings.filter(|beginning| wrong.starts_with(beginning)).max_by_key(String::len);
    let beginning = beginning.unwrap_or_default();
    let known = known_variables();
    let rests: Vec<&str> = known.iter().filter_map(|name| name.strip_prefix(&beginning)).collect();
    meant(&wrong[beginning.len()..], &rests).map(|rest| format!("{beginning}{rest}"))
}

fn known_variables() -> Vec<String> {
    let secrets = settings::keys().filter(|key| key.kind.secret);
    let mut known: Vec<String> = settings::keys().map(Key::variable).collect();
    known.extend(secrets.map(|key| format!("{}_FILE", key.variable())));
    known.extend(SHORT_VARIABLES.iter().map(|(name, _)| (*name).to_owned()));
    known.extend(SPECIAL_VARIABLES.iter().map(|(name, _)| (*name).to_owned()));
    known
}

fn unknown(name: &str) -> Problem {
    let problem = Problem::new(format!("unknown variable {name}"));
    match nearest_variable(name) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None => problem.hint("unset it, or see `hythe config explain` for the known ones"),
    }
}

/// Whether the variable was made by Kubernetes for a service whose name begins with "hythe", such as HYTHE_PORT or
/// HYTHE_WEB_PORT_5000_TCP_ADDR. Nobody wrote it, so it is no mistake of anybody's.
fn is_service_link(name: &str, value: &str) -> bool {
    let of_port = |kind| name.contains("_PORT_") && name.contains(kind);
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && value.contains("://"))
        || ["_TCP", "_UDP", "_SCTP"].into_iter().any(of_port)
}
