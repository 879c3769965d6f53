//! Who is calling: the `Authorization` header turned into a [`Caller`].

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header;
use http::request::Parts;
use hythe_oci::error_code::ErrorCode;
use hythe_registry::error::Kind;
use hythe_registry::sessions::is_csrf_token_of;
use hythe_registry::{Caller, Error, Origin, Registry, personal_tokens};

use crate::cookies;
use crate::options::Options;
use crate::state::App;
use crate::telemetry::request::RequestContext;
use crate::urls::client_address;

/// What rows keep of a client's own words about itself.
const LONGEST_USER_AGENT: usize = 256;

/// No token of ours is nearly as long; what is longer is not worth hashing.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Reads the header. No header is a stranger; a header that cannot be read is an error and not a stranger, so
/// that a typing mistake does not look like missing rights.
pub(crate) async fn identify(app: &App, parts: &Parts) -> Result<Caller, Error> {
    let caller = read(app, parts).await?;
    tell_log(parts, &caller);
    Ok(caller)
}

/// The lines of this request tell who made it, from now on.
pub(crate) fn tell_log(parts: &Parts, caller: &Caller) {
    if let (Some(name), Some(context)) = (caller.name(), parts.extensions.get::<RequestContext>()) {
        context.set_user(name);
    }
}

async fn read(app: &App, parts: &Parts) -> Result<Caller, Error> {
    let origin = Arc::new(origin(parts, &app.options));
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return by_cookie(app, parts, origin).await;
    };
    let text = value.to_str().map_err(|_| unreadable())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            bearer(&app.registry, token.trim(), origin).await
        }
        Some((scheme, credentials)) if scheme.eq_ignore_ascii_case("basic") => {
            let (name, password) = decode_basic(credentials.trim()).ok_or_else(unreadable)?;
            app.registry.sign_in(&name, &password, &origin).await
        }
        _ => Err(unreadable()),
    }
}

/// The session of a browser. Only a request that changes something has to show that our own page made it.
async fn by_cookie(app: &App, parts: &Parts, origin: Arc<Origin>) -> Result<Caller, Error> {
    let Some(cookie) = cookies::read(&parts.headers, cookies::SESSION).filter(|cookie| !cookie.is_empty())
    else {
        return Ok(Caller::anonymous(origin));
    };
    let Some(caller) = app.registry.resume_session(cookie, &origin).await? else {
        return Ok(Caller::anonymous(origin));
    };
    let token =
        parts.headers.get(cookies::CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if parts.method.is_safe() || is_csrf_token_of(token, cookie) {
        return Ok(caller);
    }
    Err(Error::new(
        Kind::Forbidden,
        ErrorCode::Denied,
        "a session's request that changes something needs the header X-Harbor-CSRF-Token with the cookie __csrf",
    ))
}

/// Where the request came from, for the audit log and for throttling.
pub(crate) fn origin(parts: &Parts, options: &Options) -> Origin {
    let context = parts.extensions.get::<RequestContext>();
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Origin {
        address: client_address(parts, options).map(|address| address.to_string()).unwrap_or_default(),
        user_agent: agent.unwrap_or_default().chars().take(LONGEST_USER_AGENT).collect(),
        request_id: context.map(|context| context.id().as_str().to_owned()).unwrap_or_default(),
    }
}

async fn bearer(registry: &Registry, token: &str, origin: Arc<Origin>) -> Result<Caller, Error> {
    if token.is_empty() || token.len() > LONGEST_TOKEN {
        return Err(unreadable());
    }
    if token.starts_with(personal_tokens::PREFIX) {
        return registry.sign_in_with_token(None, token, &origin).await;
    }
    Ok(Caller::token(registry.verify_token(token).await?, origin))
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
