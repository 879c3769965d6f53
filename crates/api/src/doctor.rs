//! What is wrong with a registry: the same words over the API and on the command line.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All is well.
    Ok,
    /// It works, and something about it will surprise somebody.
    Warn,
    /// The registry, or the client, does not work like this.
    Fail,
}

/// As people read it.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        })
    }
}

/// What one look found, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What was looked at: `nodes`, `database`, `storage`, `belonging`, `address` and others.
    pub check: String,
    /// How bad it is.
    pub status: Status,
    /// What was found.
    pub finding: String,
    /// What to do; nothing where all is well.
    pub remedy: Option<String>,
    /// What was found in a word that stays, such as `node_lost`, from which other languages say it. Later versions have more
    /// of them; findings of the command line have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What the words of this kind fill in, by name, such as `node` and `seconds`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnosis {
    /// The worst of them.
    pub status: Status,
    /// Each look.
    pub findings: Vec<Finding>,
    /// Where clients are sent straight to the storage: what they must be able to fetch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
}

/// A signed link to a small object, as clients are given for a blob. It is good for some minutes and for that object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// Where.
    pub url: String,
    /// What is there.
    pub content: String,
}

impl Diagnosis {
    /// Of these findings.
    pub fn of(findings: Vec<Finding>) -> Diagnosis {
        let status = findings.iter().map(|finding| finding.status).max().unwrap_or(Status::Ok);
        Diagnosis { status, findings, link: None }
    }
}
