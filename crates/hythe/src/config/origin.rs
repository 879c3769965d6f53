//! Where a value came from.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// The source of one value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Default,
    /// A line of a configuration file; line and column count from 1.
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    Variable {
        name: String,
    },
    /// The content of a file that a variable named.
    VariableFile {
        name: String,
        path: PathBuf,
    },
    Flag {
        name: &'static str,
    },
}

impl Origin {
    /// How much the source counts: the strongest one is believed.
    pub(crate) fn strength(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Variable { .. } | Self::VariableFile { .. } => 2,
            Self::Flag { .. } => 3,
        }
    }

    /// The word that joins it to what it says.
    pub(crate) fn preposition(&self) -> &'static str {
        match self {
            Self::Default => "by",
            Self::File { .. } => "at",
            Self::Variable { .. } | Self::VariableFile { .. } | Self::Flag { .. } => "in",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable { name } => write!(f, "variable {name}"),
            Self::VariableFile { name, path } => write!(f, "file {} named by {name}", path.display()),
            Self::Flag { name } => write!(f, "flag {name}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
