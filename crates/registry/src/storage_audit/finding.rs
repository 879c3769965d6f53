//! Something that is wrong with the storage, and what became of it.

use std::fmt;

use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;
use serde::{Serialize, Serializer};

/// Repositories that a finding names at most.
pub(super) const REPOSITORIES: u32 = 20;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Bytes that no row names.
    Orphan,
    /// Bytes of an upload that no row knows.
    Leftover,
    /// A row without bytes.
    Missing,
    /// Another number of bytes than the row says.
    WrongSize,
    /// Bytes whose digest is another one.
    Rotten,
}

impl Fault {
    /// Its word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Orphan => "orphan",
            Fault::Leftover => "leftover",
            Fault::Missing => "missing",
            Fault::WrongSize => "wrong size",
            Fault::Rotten => "rotten",
        }
    }
}

/// What became of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is none any more: what was done.
    Repaired(String),
    /// It stays: what can be done.
    Left(String),
}

impl Outcome {
    pub(super) fn repaired(what: &str) -> Outcome {
        Outcome::Repaired(what.to_owned())
    }

    pub(super) fn left(what: &str) -> Outcome {
        Outcome::Left(what.to_owned())
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub location: String,
    /// Of which blob, where that is known.
    #[serde(serialize_with = "shown")]
    pub digest: Option<Digest>,
    /// Bytes: in storage for what no row names, by the row otherwise.
    pub size: u64,
    /// Bytes in storage, where those are another number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// Whether it was repaired.
    pub repaired: bool,
    /// What was done, or what can be.
    pub remedy: String,
    /// The first repositories that need it.
    pub needed_by: Vec<String>,
    #[serde(skip)]
    pub(super) outcome: Outcome,
}

fn shown<S: Serializer>(digest: &Option<Digest>, serializer: S) -> Result<S::Ok, S::Error> {
    digest.map(|digest| digest.to_string()).serialize(serializer)
}

impl Finding {
    pub(super) fn new(fault: Fault, location: &str, size: u64, outcome: Outcome) -> Finding {
        let (repaired, remedy) = match &outcome {
            Outcome::Repaired(what) => (true, what.clone()),
            Outcome::Left(what) => (false, what.clone()),
        };
        let location = location.to_owned();
        let (digest, found, needed_by) = (None, None, Vec::new());
        Finding { fault, location, digest, size, found, repaired, remedy, needed_by, outcome }
    }

    pub(super) fn of(mut self, digest: Digest, found: Option<u64>, needed_by: &[RepositoryName]) -> Finding {
        self.digest = Some(digest);
        self.found = found;
        self.needed_by = needed_by.iter().map(ToString::to_string).collect();
        self
    }
}

/// One line: what, where, how much, for whom, and what was done or can be.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.fault.as_str(), self.location)?;
        if let Some(digest) = self.digest {
            write!(f, ", {digest}")?;
        }
        match self.found {
            Some(found) => write!(f, ", {found} bytes in place of {}", self.size)?,
            None => write!(f, ", {} bytes", self.size)?,
        }
        if !self.needed_by.is_empty() {
            write!(f, ", needed by {}", self.needed_by.join(" "))?;
        }
        write!(f, ": {}", self.remedy)
    }
}
