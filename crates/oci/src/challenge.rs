//! The `WWW-Authenticate: Bearer` challenge (RFC 6750, section 3, and distribution's auth/token.md).

use std::fmt;
use std::str::FromStr;

use crate::scope::Scope;
use crate::text::excerpt;

/// Where to get a token, and for what. Displays with every parameter quoted, the only form that all clients read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// URL of the token endpoint.
    pub realm: String,
    /// The registry's name, which the token must be made for; left out when empty.
    pub service: String,
    /// What the request needed: one scope, because podman cannot read two.
    pub scope: Option<Scope>,
    /// Why the token that came was not enough; none when no token came.
    pub error: Option<ChallengeError>,
}

/// The `error` parameter of RFC 6750, section 3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeError {
    /// The token is expired, malformed or not signed by us.
    InvalidToken,
    /// The token is good and does not allow this.
    InsufficientScope,
}

impl ChallengeError {
    /// The error as RFC 6750 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    fn find(text: &str) -> Option<Self> {
        [Self::InvalidToken, Self::InsufficientScope].into_iter().find(|error| error.as_str() == text)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bearer realm={}", Quoted(&self.realm))?;
        if !self.service.is_empty() {
            write!(f, ",service={}", Quoted(&self.service))?;
        }
        if let Some(scope) = &self.scope {
            write!(f, ",scope={}", Quoted(&scope.to_string()))?;
        }
        if let Some(error) = self.error {
            write!(f, ",error={}", Quoted(error.as_str()))?;
        }
        Ok(())
    }
}

impl FromStr for Challenge {
    type Err = ChallengeParseError;

    /// Reads one Bearer challenge as registries send it: parameters quoted or not, in any order, unknown ones and
    /// unknown errors ignored; of several scopes the first is taken.
    fn from_str(text: &str) -> Result<Self, ChallengeParseError> {
        let not_bearer = || ChallengeParseError::NotBearer { challenge: excerpt(text) };
        let (scheme, rest) = text.trim_start().split_once(' ').ok_or_else(not_bearer)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(not_bearer());
        }
        let mut parameters = Parameters { rest };
        let mut challenge = Self { realm: String::new(), service: String::new(), scope: None, error: None };
        while let Some((name, value)) = parameters.read()? {
            challenge.set(name, value);
        }
        if challenge.realm.is_empty() { Err(ChallengeParseError::NoRealm) } else { Ok(challenge) }
    }
}

impl Challenge {
    fn set(&mut self, name: &str, value: String) {
        match name.to_ascii_lowercase().as_str() {
            "realm" => self.realm = value,
            "service" => self.service = value,
            "scope" => self.scope = value.split_ascii_whitespace().find_map(|scope| scope.parse().ok()),
            "error" => self.error = ChallengeError::find(&value),
            _ => {}
        }
    }
}

/// Why a header is not a challenge that a client could answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeParseError {
    /// Another scheme, such as Basic.
    #[error("challenge {challenge} is not of the Bearer scheme")]
    NotBearer {
        /// The header, quoted.
        challenge: String,
    },
    /// Something other than `name=value` or `name="value"`.
    #[error("challenge has a parameter that cannot be read at {rest}")]
    Malformed {
        /// What could not be read, quoted.
        rest: String,
    },
    /// Nowhere to get a token.
    #[error("challenge names no realm to get a token from")]
    NoRealm,
}

/// What is left to read of a list of parameters (RFC 9110, section 11.2).
struct Parameters<'a> {
    rest: &'a str,
}

impl<'a> Parameters<'a> {
    /// The next parameter, with its value unquoted.
    fn read(&mut self) -> Result<Option<(&'a str, String)>, ChallengeParseError> {
        let text = self.rest.trim_start_matches([' ', '\t', ',']);
        if text.is_empty() {
            return Ok(None);
        }
        let malformed = || ChallengeParseError::Malformed { rest: excerpt(text) };
        let (name, value) = text.split_once('=').ok_or_else(malformed)?;
        let (value, rest) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted).ok_or_else(malformed)?,
            None => until_comma(value),
        };
        self.rest = rest;
        Ok(Some((name.trim_end(), value)))
    }
}

fn until_comma(text: &str) -> (String, &str) {
    let end = text.find(',').unwrap_or(text.len());
    (text[..end].trim().to_owned(), &text[end..])
}

/// Reads up to the closing quote: the value, and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

/// A quoted string (RFC 9110, section 5.6.4). Control characters become spaces: a header cannot hold them.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                character if character.is_control() => f.write_str(" ")?,
                character => write!(f, "{character}")?,
            }
        }
        f.write_str("\"")
    }
}
