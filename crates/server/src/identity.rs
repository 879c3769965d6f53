//! Who is calling: the `Authorization` header turned into a [`Caller`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use hythe_oci::error_code::ErrorCode;
use hythe_registry::error::Kind;
use hythe_registry::{Caller, Error, Registry};

/// No token of ours is nearly as long; what is longer is not worth hashing.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Reads the header. No header is a stranger; a header that cannot be read is an error and not a stranger, so
/// that a typing mistake does not look like missing rights.
pub(crate) async fn identify(registry: &Registry, headers: &HeaderMap) -> Result<Caller, Error> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(Caller::Anonymous) };
    let text = value.to_str().map_err(|_| unreadable())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            bearer(registry, token.trim()).await
        }
        Some((scheme, credentials)) if scheme.eq_ignore_ascii_case("basic") => {
            let (name, password) = decode_basic(credentials.trim()).ok_or_else(unreadable)?;
            registry.sign_in(&name, &password).await
        }
        _ => Err(unreadable()),
    }
}

async fn bearer(registry: &Registry, token: &str) -> Result<Caller, Error> {
    if token.is_empty() || token.len() > LONGEST_TOKEN {
        return Err(unreadable());
    }
    Ok(Caller::Token(registry.verify_token(token).await?))
}

/// RFC 7617: base64 of `name:password`; the password may hold further colons.
pub(crate) fn decode_basic(credentials: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(credentials).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn unreadable() -> Error {
    Error::new(
        Kind::Unauthenticated,
        ErrorCode::Unauthorized,
        "the Authorization header cannot be read; send Basic with base64 of name:password, or Bearer with a token",
    )
}

#[cfg(test)]
mod tests {
    use super::decode_basic;

    #[test]
    fn a_password_may_hold_colons() {
        assert_eq!(decode_basic("YTpiOmM="), Some(("a".to_owned(), "b:c".to_owned())));
    }

    #[test]
    fn what_is_not_base64_of_utf8_with_a_colon_is_nothing() {
        for bad in ["", "%%%", "YWJj", "/w==", "Og"] {
            assert_eq!(decode_basic(bad), None, "{bad}");
        }
    }
}
