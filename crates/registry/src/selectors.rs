//! Selectors: which repositories and tags a rule is for, by a pattern. The JSON is Harbor's
//! (`src/lib/selector/selectors/doublestar/selector.go`); beside `doublestar` there are `regex` and, for tags, `semver`.

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// More than any name or tag needs.
const LONGEST_PATTERN: usize = 1024;

/// Bytes that a compiled pattern may take.
const LARGEST_REGEX: usize = 256 * 1024;

/// A selector as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// `doublestar`, `regex` or `semver`.
    pub kind: String,
    /// `matches` or `excludes`; of repositories `repoMatches` or `repoExcludes`.
    pub decoration: String,
    /// The pattern; an empty one is for all.
    pub pattern: String,
    /// JSON: whether artifacts without tags are meant, `{"untagged":true}`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extras: String,
}

/// What selectors look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A repository's name without its project.
    Repositories,
    /// The tags of an artifact.
    Tags,
}

/// A selector ready for use.
#[derive(Clone, Debug)]
pub struct Selects {
    pattern: Pattern,
    excludes: bool,
    untagged: bool,
}

#[derive(Clone, Debug)]
enum Pattern {
    Anything,
    Glob(GlobMatcher),
    Regex(Regex),
    Versions(Vec<VersionReq>),
}

#[derive(Deserialize)]
struct Extras {
    untagged: bool,
}

impl Selector {
    /// Reads the pattern and the words.
    ///
    /// # Errors
    /// [`Kind::BadRequest`](crate::error::Kind::BadRequest), with words about what is wrong.
    pub fn compile(&self, of: Of) -> Result<Selects> {
        let excludes = match (of, self.decoration.as_str()) {
            (Of::Tags, "matches") | (Of::Repositories, "repoMatches") => false,
            (Of::Tags, "excludes") | (Of::Repositories, "repoExcludes") => true,
            (Of::Tags, other) => return Err(bad_word("decoration", "matches or excludes", other)),
            (Of::Repositories, other) => {
                return Err(bad_word("decoration", "repoMatches or repoExcludes", other));
            }
        };
        // As in Harbor: artifacts without tags are kept where nobody says otherwise.
        let extras: Option<Extras> = serde_json::from_str(&self.extras).ok();
        let untagged = extras.map_or(!excludes, |extras| extras.untagged);
        Ok(Selects { pattern: self.pattern(of)?, excludes, untagged })
    }

    fn pattern(&self, of: Of) -> Result<Pattern> {
        if self.pattern.len() > LONGEST_PATTERN {
            return Err(Error::bad_request(format!("a pattern has at most {LONGEST_PATTERN} bytes")));
        }
        match (self.kind.as_str(), of) {
            (_, _) if self.pattern.is_empty() => Ok(Pattern::Anything),
            ("doublestar", _) => glob(&self.pattern),
            ("regex", _) => regex(&self.pattern),
            ("semver", Of::Tags) => versions(&self.pattern),
            (other, Of::Tags) => Err(bad_word("kind", "doublestar, regex or semver", other)),
            (other, Of::Repositories) => Err(bad_word("kind", "doublestar or regex", other)),
        }
    }
}

impl Selects {
    /// Whether a repository or one tag is meant.
    pub fn takes(&self, name: &str) -> bool {
        self.pattern.matches(name) != self.excludes
    }

    /// Whether an artifact with these tags is meant: by one of them, or because it has none.
    pub fn takes_any(&self, tags: &[&str]) -> bool {
        if tags.is_empty() {
            return self.untagged != self.excludes;
        }
        tags.iter().any(|tag| self.takes(tag))
    }
}

impl Pattern {
    fn matches(&self, name: &str) -> bool {
        match self {
            Pattern::Anything => true,
            Pattern::Glob(glob) => glob.is_match(name),
            Pattern::Regex(regex) => regex.is_match(name),
            Pattern::Versions(wanted) => {
                version(name).is_some_and(|version| wanted.iter().any(|wanted| wanted.matches(&version)))
            }
        }
    }
}

/// `*` stays within a part of a name, `**` does not; `{a,b}` is either.
fn glob(pattern: &str) -> Result<Pattern> {
    let built = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    built
        .map(|glob| Pattern::Glob(glob.compile_matcher()))
        .map_err(|error| bad_pattern(pattern, error.kind()))
}

/// The whole name has to match.
fn regex(pattern: &str) -> Result<Pattern> {
    let built = RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(LARGEST_REGEX).build();
    built.map(Pattern::Regex).map_err(|error| bad_pattern(pattern, last_line(&error.to_string())))
}

/// Requirements as cargo writes them (`>=1.2, <2`), alternatives apart by `||`.
fn versions(pattern: &str) -> Result<Pattern> {
    let read = pattern.split("||").map(|one| VersionReq::parse(one.trim())).collect::<Result<Vec<_>, _>>();
    read.map(Pattern::Versions).map_err(|error| bad_pattern(pattern, error))
}

/// A tag as a version: `v1.2.3`, `1.2.3-rc.1`, and `1.2` for 1.2.0.
fn version(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let (numbers, rest) = text.find('-').map_or((text, ""), |at| text.split_at(at));
    let missing = match numbers.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => "",
    };
    Version::parse(&format!("{numbers}{missing}{rest}")).ok()
}

fn bad_word(field: &str, known: &str, given: &str) -> Error {
    let given: String = given.chars().take(64).collect();
    Error::bad_request(format!("the {field} of a selector is {known}, not {given:?}"))
}

fn bad_pattern(pattern: &str, reason: impl std::fmt::Display) -> Error {
    let shown: String = pattern.chars().take(64).collect();
    Error::bad_request(format!("the pattern {shown:?} cannot be used: {reason}"))
}

/// The parser shows where the fault is in several lines and says at the end what it is.
fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim_start_matches("error: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(kind: &str, decoration: &str, pattern: &str, extras: &str) -> Selector {
        Selector {
            kind: kind.to_owned(),
            decoration: decoration.to_owned(),
            pattern: pattern.to_owned(),
            extras: extras.to_owned(),
        }
    }

    #[test]
    fn patterns_match_as_their_kinds_do() {
        for (kind, pattern, name, expected) in [
            ("doublestar", "**", "a/b", true),
            ("doublestar", "*", "a/b", false),
            ("doublestar", "*", "v1.2.3", true),
            ("doublestar", "release-*", "release-1", true),
            ("doublestar", "release-**", "release-1", true),
            ("doublestar", "{dev,test}-?", "test-1", true),
            ("doublestar", "{dev,test}-?", "prod-1", false),
            ("doublestar", "team/**", "team/a/b", true),
            ("doublestar", "", "anything", true),
            ("regex", "v[0-9]+", "v12", true),
            ("regex", "v[0-9]+", "xv12", false),
            ("regex", "a|b", "ab", false),
            ("semver", ">=1.2, <2", "v1.10.0", true),
            ("semver", ">=1.2, <2", "1.2", true),
            ("semver", ">=1.2, <2", "2.0.0", false),
            ("semver", ">=1.2, <2", "latest", false),
            ("semver", ">=1.2, <2", "1.5.0-rc.1", false),
            ("semver", "^1 || ^3", "3.1.4", true),
        ] {
            let selects = selector(kind, "matches", pattern, "").compile(Of::Tags).unwrap();
            assert_eq!(selects.takes(name), expected, "{kind} {pattern} {name}");
            let selects = selector(kind, "excludes", pattern, "").compile(Of::Tags).unwrap();
            assert_eq!(selects.takes(name), !expected, "not {kind} {pattern} {name}");
        }
    }

    /// The same table as Harbor's `tagSelectMatch` and `tagSelectExclude` make.
    #[test]
    fn what_has_no_tags_is_taken_where_the_extras_say_so() {
        for (decoration, extras, expected) in [
            ("matches", "", true),
            ("matches", r#"{"untagged":false}"#, false),
            ("matches", r#"{"untagged":true}"#, true),
            ("excludes", "", true),
            ("excludes", r#"{"untagged":true}"#, false),
            ("excludes", r#"{"untagged":false}"#, true),
        ] {
            let selects = selector("doublestar", decoration, "v*", extras).compile(Of::Tags).unwrap();
            assert_eq!(selects.takes_any(&[]), expected, "{decoration} {extras}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_words() {
        for (kind, decoration, pattern, of, expected) in [
            ("glob", "matches", "x", Of::Tags, "doublestar, regex or semver"),
            ("semver", "repoMatches", "1", Of::Repositories, "doublestar or regex"),
            ("doublestar", "repoMatches", "x", Of::Tags, "matches or excludes"),
            ("doublestar", "matches", "{a", Of::Tags, "cannot be used"),
            ("regex", "matches", "(", Of::Tags, "unclosed group"),
            ("regex", "matches", "(a{1000}){1000}", Of::Tags, "cannot be used"),
            ("semver", "matches", "newest", Of::Tags, "cannot be used"),
        ] {
            let error = selector(kind, decoration, pattern, "").compile(of).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
