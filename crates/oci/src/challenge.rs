//! The `WWW-Authenticate: Bearer` challenge (RFC 6750, section 3, and distribution's auth/token.md).

use std::fmt;
use std::str::FromStr;

use crate::scope::Scope;
use crate::text::excerpt;

/// Where to get a token, and for what. Displays with every parameter quoted, the only form that all clients
/// read.
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

    /// Reads one Bearer challenge as registries send it: parameters quoted or not, in any order, unknown ones
    /// and unknown errors ignored; of several scopes the first is taken.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Challenge, ChallengeError, ChallengeParseError};
    use crate::scope::{Actions, Scope};

    fn challenge() -> Challenge {
        Challenge {
            realm: "https://hub.example:5000/service/token".to_owned(),
            service: "hub.example".to_owned(),
            scope: Some("repository:team/app:pull,push".parse().unwrap()),
            error: Some(ChallengeError::InsufficientScope),
        }
    }

    #[test]
    fn every_parameter_is_quoted() {
        assert_eq!(
            challenge().to_string(),
            r#"Bearer realm="https://hub.example:5000/service/token",service="hub.example",scope="repository:team/app:pull,push",error="insufficient_scope""#
        );
        let bare = Challenge { service: String::new(), scope: None, error: None, ..challenge() };
        assert_eq!(bare.to_string(), r#"Bearer realm="https://hub.example:5000/service/token""#);
    }

    #[test]
    fn nothing_breaks_out_of_the_quotes() {
        let hostile =
            Challenge { realm: "a\"b\\c\r\nX: y".to_owned(), service: "é\0".to_owned(), ..challenge() };
        let header = hostile.to_string();
        assert!(header.starts_with(r#"Bearer realm="a\"b\\c  X: y",service="é ","#), "{header}");
    }

    #[test]
    fn reads_what_other_registries_send() {
        let table = [
            r#"bearer realm="r" , service="s", scope="repository:a:pull""#,
            r#"Bearer  scope="repository:a:pull repository:b:pull",SERVICE=s,realm=r,error="new_error",x="1,2""#,
            r#"BEARER ,,realm="\r",service = "s",scope="nonsense repository:a:pull","#,
        ];
        for text in table {
            let expected = Challenge {
                realm: "r".to_owned(),
                service: "s".to_owned(),
                scope: Some(Scope {
                    kind: "repository".to_owned(),
                    name: "a".to_owned(),
                    actions: Actions::parse("pull"),
                }),
                error: None,
            };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_other_headers() {
        for text in ["", "Bearer", "Basic realm=\"r\"", "Digest x=y"] {
            assert!(
                matches!(text.parse::<Challenge>(), Err(ChallengeParseError::NotBearer { .. })),
                "{text}"
            );
        }
        for text in ["Bearer realm", "Bearer realm=\"r", "Bearer realm=\"r\\", "Bearer realm=\"r\"x"] {
            assert!(
                matches!(text.parse::<Challenge>(), Err(ChallengeParseError::Malformed { .. })),
                "{text}"
            );
        }
        for text in ["Bearer ", "Bearer service=\"s\"", "Bearer realm=\"\""] {
            assert_eq!(text.parse::<Challenge>(), Err(ChallengeParseError::NoRealm), "{text}");
        }
    }

    proptest! {
        #[test]
        fn comes_back_from_its_text(realm in "\\PC{1,40}", service in "\\PC{0,40}", error in 0..3) {
            let error = [None, Some(ChallengeError::InvalidToken), Some(ChallengeError::InsufficientScope)][error as usize];
            let challenge = Challenge { realm, service, error, ..challenge() };
            prop_assert_eq!(challenge.to_string().parse(), Ok(challenge));
        }
    }
}
