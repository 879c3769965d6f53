//! Names of repositories and of the projects that hold them.

use std::fmt;
use std::str::FromStr;

use crate::text::{excerpt, serde_as_string};

/// Most characters that a name may have; clients cut host and name off at this length too.
pub const MAX_LENGTH: usize = 255;

/// The project of names that have only one part, as on Docker Hub.
pub const DEFAULT_PROJECT: &str = "library";

/// A repository's full name, `project/rest`; the rest may have several parts (distribution specification,
/// "Pulling manifests").
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NameError, ProjectName, RepositoryName};

    #[test]
    fn reads_names_of_the_specification() {
        let table = [
            ("app", "library", "app"),
            ("library/app", "library", "app"),
            ("team/app", "team", "app"),
            ("team/a/b/c", "team", "a/b/c"),
            ("0/1", "0", "1"),
            ("a.b/c_d", "a.b", "c_d"),
            ("a__b/c--d----e", "a__b", "c--d----e"),
            ("team/manifests", "team", "manifests"),
        ];
        for (text, project, rest) in table {
            let name: RepositoryName = text.parse().unwrap();
            assert_eq!((name.project().as_str(), name.rest()), (project, rest), "{text}");
            assert_eq!(name.to_string(), format!("{project}/{rest}"));
            assert_eq!(name.as_str().parse(), Ok(name));
        }
    }

    #[test]
    fn refuses_other_names() {
        let empty_parts = ["", "/", "/a", "a/", "a//b"];
        for text in empty_parts {
            assert!(matches!(text.parse::<RepositoryName>(), Err(NameError::EmptyPart { .. })), "{text}");
        }
        let malformed = [
            "A", "a/B", ".", "..", "a/..", "../a", "a/.", "a..b", "a.-b", "a___b", "a_-b", "-a", "a-", "_a",
            "a_", "a.", ".a/b", "a b", "a:b", "a@b", "a%2eb", "a\0b", "a\\b", "é", "a/é", "a\n", "_catalog",
        ];
        for text in malformed {
            assert!(matches!(text.parse::<RepositoryName>(), Err(NameError::Malformed { .. })), "{text}");
        }
    }

    #[test]
    fn a_project_is_one_part() {
        assert_eq!("team".parse::<ProjectName>().unwrap().as_str(), "team");
        assert!("team/app".parse::<ProjectName>().is_err());
        assert!("".parse::<ProjectName>().is_err());
        assert!("a".repeat(256).parse::<ProjectName>().is_err());
    }

    #[test]
    fn length_counts_the_project_that_is_added() {
        assert!(format!("a/{}", "b".repeat(253)).parse::<RepositoryName>().is_ok());
        assert_eq!(
            format!("a/{}", "b".repeat(254)).parse::<RepositoryName>(),
            Err(NameError::TooLong { length: 256 })
        );
        assert!("b".repeat(247).parse::<RepositoryName>().is_ok());
        assert_eq!("b".repeat(248).parse::<RepositoryName>(), Err(NameError::TooLong { length: 256 }));
    }

    #[test]
    fn passes_through_json() {
        let name: RepositoryName = serde_json::from_str("\"app\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"library/app\"");
        assert!(serde_json::from_str::<ProjectName>("\"A\"").is_err());
    }

    /// The specification's pattern with its repetitions bounded, so that no name comes out too long.
    const PATTERN: &str = r"[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}(/[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}){0,3}";

    proptest! {
        #[test]
        fn accepts_the_specifications_pattern(text in PATTERN) {
            let name: RepositoryName = text.parse().unwrap();
            let expected = if text.contains('/') { text.clone() } else { format!("library/{text}") };
            prop_assert_eq!(name.as_str(), &expected);
            prop_assert_eq!(format!("{}/{}", name.project(), name.rest()), expected);
        }

        // The pattern again, as an automaton and so by other means than the code above.
        #[test]
        fn agrees_with_an_automaton(text in "[a0/._-]{1,8}") {
            prop_assert_eq!(text.parse::<RepositoryName>().is_ok(), automaton(&text), "{}", text);
        }
    }

    fn automaton(text: &str) -> bool {
        // States: b before a part, w in a word, d after a dot, 1 and 2 after underscores, h after hyphens, x
        // failed.
        let step = |state, byte| match (state, byte) {
            ('b' | 'w' | 'd' | '1' | '2' | 'h', 'a' | '0') => 'w',
            ('w', '/') => 'b',
            ('w', '.') => 'd',
            ('w', '_') => '1',
            ('1', '_') => '2',
            ('w' | 'h', '-') => 'h',
            _ => 'x',
        };
        text.chars().fold('b', step) == 'w'
    }
}
