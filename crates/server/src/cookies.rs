//! Cookies: read off a request, and written so that no script and no other site gets hold of them.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use hythe_registry::sessions::BrowserSession;

/// The session, by Harbor's name.
pub(crate) const SESSION: &str = "sid";
/// What a page puts into the header of a request that changes something; Harbor's console reads this very name.
pub(crate) const CSRF: &str = "__csrf";
/// Where it puts it.
pub(crate) const CSRF_HEADER: &str = "x-harbor-csrf-token";

/// A cookie's value.
pub(crate) fn read<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// How a cookie is written.
pub(crate) struct Cookie<'c> {
    pub(crate) name: &'c str,
    pub(crate) value: &'c str,
    pub(crate) path: &'c str,
    /// Whether scripts of our own page may read it.
    pub(crate) readable: bool,
    /// How long it is kept; until the browser is closed if not said, and not at all if 0.
    pub(crate) max_age_seconds: Option<u32>,
}

impl Cookie<'_> {
    /// Adds it to an answer. `Lax` and not `Strict`: people come back from a provider by a link, and the cookie of the
    /// attempt has to come with them. Over https it never goes over http.
    pub(crate) fn set(&self, response: &mut Response, secure: bool) {
        let Cookie { name, value, path, readable, max_age_seconds } = self;
        let mut text = format!("{name}={value}; Path={path}; SameSite=Lax");
        if !readable {
            text.push_str("; HttpOnly");
        }
        if secure {
            text.push_str("; Secure");
        }
        if let Some(seconds) = max_age_seconds {
            text.push_str(&format!("; Max-Age={seconds}"));
        }
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
}

/// An answer with the cookies of a session that has begun.
pub(crate) fn with_session(answer: impl IntoResponse, session: &BrowserSession, secure: bool) -> Response {
    let mut response = answer.into_response();
    let cookie = |name, value, readable| Cookie { name, value, path: "/", readable, max_age_seconds: None };
    cookie(SESSION, &session.cookie, false).set(&mut response, secure);
    cookie(CSRF, &session.csrf_token, true).set(&mut response, secure);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; sid=x=y;b"));
        headers.append(header::COOKIE, HeaderValue::from_static("late=2"));
        assert_eq!(read(&headers, "sid"), Some("x=y"));
        assert_eq!(read(&headers, "late"), Some("2"));
        assert_eq!(read(&headers, "id"), None);
    }

    #[test]
    fn a_cookie_is_kept_from_scripts_and_from_http() {
        let mut response = ().into_response();
        let cookie = Cookie { name: "sid", value: "x", path: "/", readable: false, max_age_seconds: Some(0) };
        cookie.set(&mut response, true);
        let set = response.headers().get(header::SET_COOKIE).unwrap();
        assert_eq!(set, "sid=x; Path=/; SameSite=Lax; HttpOnly; Secure; Max-Age=0");
    }
}
