//! `hythe config explain`: what a setting is, what it is set to, and who said so.

use serde::Serialize;

use super::environment::{key_of, nearest_variable};
use super::file::nearest_key;
use super::nearest::nearest;
use super::origin::Origin;
use super::problem::Problem;
use super::reader;
use super::settings::{self, FLAGS, SECTIONS, SHORT_VARIABLES, SPECIAL_VARIABLES};
use super::sources::{Said, Sources};
use super::table::{Key, Section};

/// What is to be explained.
pub(crate) enum Topic {
    All,
    Section(&'static Section),
    Key(&'static Key),
    /// A variable that is no setting, with its meaning.
    Special(&'static str, &'static str),
}

impl Topic {
    /// Finds what a name means: a setting, a section, or a variable.
    pub(crate) fn find(name: Option<&str>) -> Result<Self, Problem> {
        let Some(name) = name else { return Ok(Self::All) };
        if let Some(key) = settings::find_key(name).or_else(|| key_of(name)) {
            return Ok(Self::Key(key));
        }
        let section = name.trim_matches(['[', ']']);
        if let Some(section) = SECTIONS.iter().find(|known| !section.is_empty() && known.name() == section) {
            return Ok(Self::Section(section));
        }
        match SPECIAL_VARIABLES.iter().find(|(variable, _)| *variable == name) {
            Some((variable, meaning)) => Ok(Self::Special(variable, meaning)),
            None => Err(unknown(name)),
        }
    }

    /// The settings it covers.
    pub(crate) fn keys(&self) -> Vec<&'static Key> {
        match self {
            Self::All => settings::keys().collect(),
            Self::Section(section) => section.keys.iter().collect(),
            Self::Key(key) => vec![key],
            Self::Special(..) => Vec::new(),
        }
    }
}

fn unknown(name: &str) -> Problem {
    let problem = Problem::new(format!("unknown setting {name}"));
    let sections = SECTIONS.iter().map(Section::name).filter(|name| !name.is_empty());
    let near = match name.starts_with("HYTHE_") {
        true => nearest_variable(name),
        false => nearest_key(name).or_else(|| nearest(name, sections)).map(str::to_owned),
    };
    match near {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None => problem.hint("`hythe config explain` lists every setting"),
    }
}

/// All there is to say about one setting.
#[derive(Debug, Serialize)]
pub(crate) struct Explained {
    pub(crate) key: &'static str,
    /// As in `hythe.toml`, secrets masked; none if nobody sets it and it has no default.
    pub(crate) value: Option<String>,
    pub(crate) origin: Origin,
    /// Statements that a stronger source overrode.
    pub(crate) overrides: Vec<Overridden>,
    pub(crate) r#type: &'static str,
    pub(crate) default: Option<String>,
    pub(crate) variables: Vec<String>,
    pub(crate) flag: Option<&'static str>,
    pub(crate) doc: String,
    /// What is wrong with the value.
    pub(crate) problem: Option<String>,
}

/// A statement that did not count.
#[derive(Debug, Serialize)]
pub(crate) struct Overridden {
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

impl Explained {
    pub(crate) fn new(key: &'static Key, sources: &Sources) -> Self {
        let said = sources.effective(key.path);
        let mismatch = said.and_then(|said| Some((said, (key.kind.show)(&said.value, &said.base).err()?)));
        Self {
            key: key.path,
            value: said.map(|said| shown(key, said)),
            origin: said.map_or(Origin::Default, |said| said.origin.clone()),
            overrides: sources.overridden(key.path).map(|said| overridden(key, said)).collect(),
            r#type: key.kind.expected,
            default: key.default.map(|text| key.in_toml(text)),
            variables: variables(key),
            flag: FLAGS.iter().find(|(_, path)| *path == key.path).map(|(flag, _)| *flag),
            doc: paragraph(key.doc),
            problem: mismatch.map(|(said, mismatch)| reader::explain(key, said, &mismatch).to_string()),
        }
    }
}

fn overridden(key: &Key, said: &Said) -> Overridden {
    Overridden { value: shown(key, said), origin: said.origin.clone() }
}

fn shown(key: &Key, said: &Said) -> String {
    match (key.kind.show)(&said.value, &said.base) {
        Ok(shown) => shown,
        Err(_) => (key.kind.describe)(&said.value),
    }
}

fn variables(key: &Key) -> Vec<String> {
    let short =
        SHORT_VARIABLES.iter().filter(|(_, path)| *path == key.path).map(|(name, _)| (*name).to_owned());
    let mut names: Vec<String> = short.chain([key.variable()]).collect();
    if key.kind.secret {
        names.push(format!("{}_FILE", key.variable()));
    }
    names
}

/// The lines of a doc comment as one paragraph.
pub(super) fn paragraph(doc: &[&str]) -> String {
    let lines: Vec<&str> = doc.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}
