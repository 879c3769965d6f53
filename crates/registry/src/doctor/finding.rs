//! What a check found: how bad it is, in one line, and what to do about it.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All is well.
    Ok,
    /// It works, and something about it will surprise somebody.
    Warn,
    /// The registry, or the client, does not work like this.
    Fail,
}

/// One line of the doctor's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word.
    pub check: &'static str,
    /// How bad it is.
    pub status: Status,
    /// What was found.
    pub finding: String,
    /// What to do.
    pub remedy: Option<String>,
    /// What it is in a word that stays, where other languages say it too: see [`super::words`].
    pub kind: Option<&'static str>,
    /// What the words fill in, by name.
    pub values: Vec<(&'static str, String)>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, finding: impl Into<String>) -> Self {
        Self::in_words(check, Status::Ok, finding.into(), None)
    }

    /// It works, and will surprise somebody.
    pub fn warn(check: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::in_words(check, Status::Warn, finding.into(), Some(remedy.into()))
    }

    /// It does not work.
    pub fn fail(check: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::in_words(check, Status::Fail, finding.into(), Some(remedy.into()))
    }

    fn in_words(check: &'static str, status: Status, finding: String, remedy: Option<String>) -> Self {
        Self { check, status, finding, remedy, kind: None, values: Vec::new() }
    }
}
