//! The web console: its files, built and compressed beforehand, are part of the binary.
//!
//! The console is made for any path prefix: its page learns from `<base>` where its root is, as far above the address
//! that was asked for as that has folders, which is the same on both sides of a proxy that takes a prefix away.

use std::borrow::Cow;

use axum::extract::{Path, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use rust_embed::Embed;

/// What `npm run build` made in `console/`, or nothing. A debug build reads the folder at run time.
#[derive(Embed)]
#[folder = "../../console/dist"]
struct Files;

const PAGE: &str = "index.html";
const ABSENT: &str = include_str!("absent.html");

/// What the page says where its root is; the console's `index.html` has these very words.
const BASE: &str = "<base href=\"./\"";

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

/// A file's name holds a hash of its content, so that it is never another file.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The compressed forms beside each file, the better one first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// What scripts say of themselves. Fetch Metadata would say it better, but not over plain http.
const SCRIPT: HeaderName = HeaderName::from_static("x-requested-with");

/// Whether this binary has pages for a browser.
pub fn has_console() -> bool {
    Files::get(PAGE).is_some()
}

/// `GET /assets/…`: a script, a style, a picture.
pub(crate) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("assets/{path}");
    let Some((bytes, encoding)) = find(&path, &headers) else {
        return (
            StatusCode::NOT_FOUND,
            "this version of the console has no such file; load the page again\n",
        )
            .into_response();
    };
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(&path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Whether a browser asks for an address to show it, and not a client for a document.
pub(crate) fn is_asked_for_a_page(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_ours = !["/v1", "/v2", "/api", "/service", "/c"].iter().any(|other| {
        uri.path().strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    matches!(*method, Method::GET | Method::HEAD) && is_ours && accepts.contains("text/html")
}

/// The page that loads everything else, whatever the address: which of the console's pages it is, its script decides.
pub(crate) fn page(uri: &Uri) -> Response {
    let (status, text) = shown(Files::get(PAGE).map(|page| page.data).as_deref(), uri.path());
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    (status, headers, text).into_response()
}

/// A binary that was built without the console says so, and how it comes about.
fn shown(page: Option<&[u8]>, path: &str) -> (StatusCode, String) {
    match page {
        Some(page) => (StatusCode::OK, based(&String::from_utf8_lossy(page), path)),
        None => (StatusCode::NOT_FOUND, ABSENT.to_owned()),
    }
}

/// A browser asks its user for a password where it reads `Basic`, even if a script made the request. The console asks
/// by itself.
pub(crate) async fn without_prompt(request: Request, next: Next) -> Response {
    let is_script = request.headers().contains_key(SCRIPT);
    let mut response = next.run(request).await;
    if is_script && response.headers().contains_key(header::WWW_AUTHENTICATE) {
        let session = HeaderValue::from_static("Session realm=\"Hythe\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, session);
    }
    response
}

/// The smallest form that the client takes.
fn find(path: &str, headers: &HeaderMap) -> Option<(Cow<'static, [u8]>, Option<&'static str>)> {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let compressed = ENCODINGS.iter().filter(|(name, _)| accepts(accepted, name));
    let found = compressed
        .filter_map(|(name, ending)| Some((Files::get(&format!("{path}{ending}"))?.data, Some(*name))))
        .next();
    found.or_else(|| Some((Files::get(path)?.data, None)))
}

/// RFC 9110 section 12.5.3, as far as browsers use it: a name that is listed and not refused by `q=0`.
fn accepts(list: &str, name: &str) -> bool {
    list.split(',').any(|entry| {
        let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
        let is_refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
        coding.trim().eq_ignore_ascii_case(name) && !is_refused
    })
}

/// The page with the way from this address up to the root. It begins with the folder of the address, `./`.
fn based(page: &str, path: &str) -> String {
    let folders = path.bytes().filter(|byte| *byte == b'/').count().saturating_sub(1);
    let up = if folders == 0 { "./".to_owned() } else { "../".repeat(folders) };
    page.replacen(BASE, &format!("<base href=\"{up}\""), 1)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_page_knows_the_way_to_the_root() {
        for (path, base) in
            [("/", "./"), ("/projects", "./"), ("/projects/", "../"), ("/projects/a/b", "../../")]
        {
            let expected = format!("<base href=\"{base}\" />");
            assert_eq!(based("<base href=\"./\" />", path), expected, "{path}");
        }
    }

    #[test]
    fn a_binary_without_a_console_says_so_in_both_languages() {
        let (status, text) = shown(None, "/projects");
        assert_eq!(status, StatusCode::NOT_FOUND);
        for words in ["built without the web console", "未包含 Web 控制台", "cargo xtask serve"] {
            assert!(text.contains(words), "{words}");
        }
        assert_eq!(shown(Some(b"<base href=\"./\" />"), "/").0, StatusCode::OK);
    }

    #[test]
    fn a_browser_gets_a_page_and_a_client_does_not() {
        let asks = |method: Method, path: &'static str, accept| {
            is_asked_for_a_page(&method, &Uri::from_static(path), &headers(header::ACCEPT, accept))
        };
        assert!(asks(Method::GET, "/projects/a", "text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(asks(Method::HEAD, "/catalogue", "text/html"));
        for path in ["/v2/a", "/v1/users/", "/api", "/api/v2.0/x", "/c/x", "/service/x"] {
            assert!(!asks(Method::GET, path, "text/html"), "{path}");
        }
        assert!(!asks(Method::GET, "/projects", "*/*"));
        assert!(!asks(Method::POST, "/projects", "text/html"));
    }

    #[test]
    fn encodings_are_taken_unless_refused() {
        assert!(accepts("gzip, deflate, br;q=0.5", "br"));
        assert!(accepts("GZIP", "gzip"));
        for list in ["", "gzip", "br;q=0", "br;q=0.0", "brotli"] {
            assert!(!accepts(list, "br"), "{list}");
        }
    }

    #[test]
    fn every_page_is_kept_from_strangers() {
        let response = page(&Uri::from_static("/"));
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        let lax = ["-inline", "-eval", "*"].iter().find(|word| policy.contains(**word));
        assert!(policy.starts_with("default-src 'none'") && lax.is_none(), "{policy}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
    }

    #[test]
    fn a_build_without_the_console_says_so_in_both_languages() {
        assert!(ABSENT.contains("Node.js") && ABSENT.contains("控制台"));
    }
}
