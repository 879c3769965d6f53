//! Turns what the sources said into typed settings, and collects everything that is wrong on the way.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::origin::Origin;
use super::problem::Problem;
use super::settings;
use super::sources::{Said, Sources};
use super::table::Key;
use super::value::{Mismatch, Setting};

/// Reads settings one by one; keeps going when one is wrong.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, problems: Vec::new() }
    }

    /// The setting's value, or None after a problem has been noted.
    pub(super) fn read<T: Setting>(&mut self, path: &'static str) -> Option<T> {
        let Some(said) = self.sources.effective(path) else { return T::absent() };
        match T::read(&said.value, &said.base) {
            Ok(value) => Some(value),
            Err(mismatch) => {
                self.problems.extend(settings::find_key(path).map(|key| explain(key, said, &mismatch)));
                None
            }
        }
    }

    /// Notes that a setting, whose value has the right type, makes no sense.
    pub(super) fn refuse(&mut self, path: &'static str, found: impl Display, why: impl Into<String>) {
        let problem = Problem::new(format!("{path} is {found}")).why(why);
        let problem = match (self.sources.effective(path), settings::find_key(path)) {
            (Some(said), Some(key)) => problem.at(said.origin.clone()).hint(example(key, &said.origin)),
            _ => problem,
        };
        self.problems.push(problem);
    }

    /// Notes a setting that must stand where another one does.
    pub(super) fn require(&mut self, missing: &'static str, present: &'static str, hint: &str) {
        let problem = Problem::new(format!("{present} is set without {missing}")).hint(hint);
        let place = self.sources.effective(present).map(|said| said.origin.clone());
        self.problems.push(Problem { place, ..problem });
    }

    /// Refuses a number outside of its bounds.
    pub(super) fn bound<N: PartialOrd + Display>(
        &mut self,
        path: &'static str,
        found: N,
        bounds: RangeInclusive<N>,
        reason: &str,
    ) {
        if !bounds.contains(&found) {
            let why = format!("expected {} to {}: {reason}", bounds.start(), bounds.end());
            self.refuse(path, found, why);
        }
    }
}

/// The finding for a value that is not of its setting's type.
pub(super) fn explain(key: &Key, said: &Said, mismatch: &Mismatch) -> Problem {
    let (found, reason) = match mismatch {
        Mismatch::Kind => (format!("is {}", (key.kind.describe)(&said.value)), None),
        Mismatch::Because(reason) => (format!("is {}", (key.kind.describe)(&said.value)), Some(reason)),
        Mismatch::Item { found, reason } => (format!("holds {found}"), reason.as_ref()),
    };
    let reason = reason.map(|reason| format!("{reason}; ")).unwrap_or_default();
    Problem::new(format!("{} {found}", key.path))
        .at(said.origin.clone())
        .why(format!("{reason}expected {}", key.kind.expected))
        .hint(example(key, &said.origin))
}

/// A right value, written as the source wants it.
fn example(key: &Key, origin: &Origin) -> String {
    match origin {
        Origin::Variable { name } if name == settings::TRACE => {
            format!("for example {name}={}={}", settings::trace_name(key), key.example())
        }
        Origin::Variable { name } => format!("for example {name}={}", key.example()),
        Origin::Flag { name } => format!("for example {name} {}", key.example()),
        Origin::VariableFile { .. } => format!("for example {}", key.example()),
        Origin::File { .. } | Origin::Default => {
            format!("for example {} = {}", key.leaf(), key.example_in_toml())
        }
    }
}
