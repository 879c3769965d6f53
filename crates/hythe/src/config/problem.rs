//! One thing that is wrong with the configuration: what, where, why, and what to do.

use std::fmt;

use serde::Serialize;

use super::origin::Origin;

/// A finding; its text is one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    pub(crate) what: String,
    /// Where it was said, if it was said anywhere.
    #[serde(rename = "where")]
    pub(crate) place: Option<Origin>,
    pub(crate) why: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), place: None, why: None, hint: None }
    }

    pub(crate) fn at(mut self, place: Origin) -> Self {
        self.place = Some(place);
        self
    }

    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(place) = &self.place {
            write!(f, " {} {place}", place.preposition())?;
        }
        if let Some(why) = &self.why {
            write!(f, ", {why}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}
