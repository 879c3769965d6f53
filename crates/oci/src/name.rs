//! Names of repositories and of the projects that hold them (distribution specification, "Pulling manifests").

use std::fmt;
use std::str::FromStr;

use crate::text::{excerpt, serde_as_string};

/// Most characters that a name may have; clients cut host and name off at this length too.
pub const MAX_LENGTH: usize = 255;

/// The project of names that have only one part, as on Docker Hub.
pub const DEFAULT_PROJECT: &str = "library";

/// A repository's full name, `project/rest`; the rest may have several parts.
///
/// A name of one part is read as `library/NAME`, so that each repository has one spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName {
    text: String,
    /// Bytes before the first slash.
    project_len: usize,
}

impl RepositoryName {
    /// The whole name, such as `team/app`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The project that holds the repository: the part before the first slash.
    pub fn project(&self) -> ProjectName {
        ProjectName(self.text[..self.project_len].to_owned())
    }

    /// The name inside the project: all that follows the first slash.
    pub fn rest(&self) -> &str {
        &self.text[self.project_len + 1..]
    }
}

impl FromStr for RepositoryName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_length(text)?;
        text.split('/').try_for_each(|part| check_part(part, text))?;
        match text.find('/') {
            Some(project_len) => Ok(Self { text: text.to_owned(), project_len }),
            None => {
                let text = format!("{DEFAULT_PROJECT}/{text}");
                check_length(&text)?;
                Ok(Self { text, project_len: DEFAULT_PROJECT.len() })
            }
        }
    }
}

/// A project's name: one part of a repository name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectName(String);

impl ProjectName {
    /// The name, such as `team`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_length(text)?;
        check_part(text, text)?;
        Ok(Self(text.to_owned()))
    }
}

/// `Display` and `AsRef<str>` give the name as it is written.
macro_rules! show_as_text {
    ($($type:ty),+) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
    )+};
}
show_as_text!(RepositoryName, ProjectName);
serde_as_string!(RepositoryName, ProjectName);

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing between two slashes, before the first or after the last.
    #[error("name {name} has an empty part")]
    EmptyPart {
        /// The whole name, quoted.
        name: String,
    },
    /// A part breaks the specification's pattern.
    #[error(
        "name {name} is not valid: each part is lower-case letters and digits, joined by one '.', one or two '_' or any number of '-'"
    )]
    Malformed {
        /// The whole name, quoted.
        name: String,
    },
    /// The name is longer than [`MAX_LENGTH`].
    #[error("name has {length} characters, more than {MAX_LENGTH}")]
    TooLong {
        /// Bytes found.
        length: usize,
    },
}

fn check_length(text: &str) -> Result<(), NameError> {
    if text.len() > MAX_LENGTH { Err(NameError::TooLong { length: text.len() }) } else { Ok(()) }
}

/// Checks one part against `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`; `name` is the whole, for the message.
fn check_part(part: &str, name: &str) -> Result<(), NameError> {
    if part.is_empty() {
        return Err(NameError::EmptyPart { name: excerpt(name) });
    }
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators =
        part.as_bytes().chunk_by(|a, b| is_word(*a) == is_word(*b)).filter(|run| !is_word(run[0]));
    let edges_are_words =
        part.bytes().next().is_some_and(is_word) && part.bytes().last().is_some_and(is_word);
    if edges_are_words && separators.into_iter().all(is_separator) {
        Ok(())
    } else {
        Err(NameError::Malformed { name: excerpt(name) })
    }
}

fn is_separator(run: &[u8]) -> bool {
    matches!(run, b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-')
}
