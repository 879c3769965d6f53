//! Whether clients are sent back to the address that they asked, as far as a request shows the way that it came.

use std::net::IpAddr;

use http::HeaderMap;
use http::request::Parts;
use hythe_registry::doctor::{Finding, words};
use url::Url;

use crate::listener::ConnectionInfo;
use crate::options::Options;
use crate::urls::{self, BaseUrl};

/// What proxies say of the client's request.
const FORWARDED: [&str; 4] =
    ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix"];

/// Holds `asked`, the address that the client used, against the one that this request's answer would name. Without it the
/// page of a browser tells it, if it is one of ours.
pub(crate) fn check(parts: &Parts, options: &Options, asked: Option<&str>) -> Vec<Finding> {
    let way = Way::of(parts, options);
    let told = BaseUrl::of(parts, options).join("/");
    match asked.or_else(|| page(&parts.headers)) {
        None => vec![way.unasked(&told)],
        Some(text) => match (parse(text), Url::parse(&told)) {
            (Some(asked), Ok(told)) => vec![way.compare(&asked, &told)],
            _ => vec![words::address_not_one(text)],
        },
    }
}

/// A url, or only `host:port` as in an image's name, which a client asks by https first.
fn parse(text: &str) -> Option<Url> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    Url::parse(&with_scheme).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The page from which a browser asks the registry that it came from.
fn page(headers: &HeaderMap) -> Option<&str> {
    text(headers, "sec-fetch-site").filter(|site| *site == "same-origin")?;
    text(headers, "referer")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What lies between the client and this node, as the request has it.
struct Way<'a> {
    peer: String,
    /// Whether what the peer says of the client's request is believed.
    trusted: bool,
    configured: bool,
    relative: bool,
    headers: &'a HeaderMap,
}

impl Way<'_> {
    fn of<'a>(parts: &'a Parts, options: &Options) -> Way<'a> {
        let connection = parts.extensions.get::<ConnectionInfo>();
        let peer = connection.map(|connection| connection.peer.ip().to_canonical());
        Way {
            peer: peer.map_or_else(|| "an unknown address".to_owned(), |peer: IpAddr| peer.to_string()),
            trusted: connection.is_some_and(|connection| urls::is_trusted(connection, options)),
            configured: options.external_url.is_some(),
            relative: options.relative_locations,
            headers: &parts.headers,
        }
    }

    fn says(&self, name: &str) -> Option<&str> {
        text(self.headers, name)
    }

    fn is_forwarded(&self) -> bool {
        FORWARDED.iter().any(|name| self.headers.contains_key(*name))
    }

    /// Nobody said which address was used: only what is certainly lost is a finding.
    fn unasked(&self, told: &str) -> Finding {
        if !self.configured && self.is_forwarded() && !self.trusted {
            return words::address_disbelieved(&self.peer, told);
        }
        words::address_told(told)
    }

    fn compare(&self, asked: &Url, told: &Url) -> Finding {
        let is_other_scheme = asked.scheme() != told.scheme();
        let (asked, told) = (base(asked), base(told));
        let purpose =
            if self.relative { "for a token" } else { "for a token and the next part of an upload" };
        if asked == told {
            words::address_returned(asked)
        } else if self.configured {
            words::address_configured(asked, told, purpose)
        } else if self.is_forwarded() && !self.trusted {
            words::address_untrusted(asked, told, purpose, &self.peer)
        } else if is_other_scheme {
            self.tell_scheme(asked, told, purpose)
        } else {
            self.tell_host(asked, told, purpose)
        }
    }

    fn tell_scheme(&self, asked: String, told: String, purpose: &str) -> Finding {
        match self.says("x-forwarded-proto") {
            Some(said) => words::scheme_wrong(asked, told, purpose, &self.peer, said),
            None => words::scheme_hidden(asked, told, purpose, &self.peer),
        }
    }

    fn tell_host(&self, asked: String, told: String, purpose: &str) -> Finding {
        let host = self.says("host").unwrap_or("-");
        match self.says("x-forwarded-host") {
            Some(said) => words::host_wrong(asked, told, purpose, &self.peer, host, said),
            None => words::host_hidden(asked, told, purpose, &self.peer, host),
        }
    }
}

/// Scheme, host and port, without the default one.
fn base(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use http::Request;
    use hythe_registry::doctor::Status;

    use super::*;
    use crate::listener::{Protocol, Scheme};

    fn found(peer: &str, options: &Options, asked: Option<&str>, headers: &[(&str, &str)]) -> Finding {
        let mut request = Request::builder().uri("/api/v2.0/doctor");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let peer: SocketAddr = format!("{peer}:1234").parse().unwrap();
        let (scheme, protocol) = (Scheme::Http, Protocol::Http1);
        parts.extensions.insert(ConnectionInfo { peer, local: peer, scheme, protocol, sendfile: None });
        let mut findings = check(&parts, options, asked);
        assert_eq!(findings.len(), 1);
        findings.remove(0)
    }

    const ASKED: Option<&str> = Some("https://hub.example.com");

    #[track_caller]
    fn assert_warned(found: &Finding, finding: &str, remedy: &str) {
        assert_eq!((found.status, found.finding.as_str()), (Status::Warn, finding));
        assert!(found.remedy.as_ref().is_some_and(|told| told.contains(remedy)), "{found:?}");
    }

    #[test]
    fn a_proxy_that_hides_the_scheme_or_the_host_is_told_by_the_header_that_is_missing() {
        let options = Options::default();
        assert_warned(
            &found("10.0.0.1", &options, ASKED, &[("host", "hub.example.com")]),
            "clients that ask https://hub.example.com are sent to http://hub.example.com for a token, because \
             10.0.0.1 says no X-Forwarded-Proto",
            "X-Forwarded-Proto $scheme",
        );
        assert_warned(
            &found("10.0.0.1", &options, ASKED, &[("host", "nodes"), ("x-forwarded-proto", "https")]),
            "clients that ask https://hub.example.com are sent to https://nodes for a token, because \
             10.0.0.1 says no X-Forwarded-Host, and Host: nodes",
            "Host $http_host",
        );
        let right = [("host", "hub.example.com"), ("x-forwarded-proto", "https")];
        let well = found("10.0.0.1", &options, ASKED, &right);
        assert_eq!(well, words::address_returned("https://hub.example.com"));
    }

    #[test]
    fn a_proxy_that_is_not_believed_is_told_by_its_address() {
        let headers = [("host", "hub.example.com"), ("x-forwarded-proto", "https")];
        let stranger = found("203.0.113.7", &Options::default(), ASKED, &headers);
        assert_warned(
            &stranger,
            "clients that ask https://hub.example.com are sent to http://hub.example.com for a token, because \
             203.0.113.7 says otherwise and is not in server.trusted_proxies",
            "server.trusted_proxies",
        );
        let unasked = found("203.0.113.7", &Options::default(), None, &headers);
        assert_eq!(unasked.status, Status::Warn);
        assert_eq!(found("10.0.0.1", &Options::default(), None, &headers).status, Status::Ok);
    }

    #[test]
    fn a_configured_address_is_told_as_the_reason() {
        let options = Options {
            external_url: Url::parse("https://old.example.com").ok(),
            relative_locations: false,
            ..Options::default()
        };
        assert_warned(
            &found("10.0.0.1", &options, ASKED, &[("host", "hub.example.com")]),
            "clients that ask https://hub.example.com are sent to https://old.example.com for a token and the next \
             part of an upload, because server.external_url says so",
            "correct server.external_url",
        );
    }

    #[test]
    fn a_page_of_the_console_tells_where_its_browser_is() {
        let page = [
            ("host", "hub.example.com"),
            ("sec-fetch-site", "same-origin"),
            ("referer", "https://hub.example.com/doctor"),
        ];
        assert_eq!(found("10.0.0.1", &Options::default(), None, &page).status, Status::Warn);
        let elsewhere = [page[0], ("sec-fetch-site", "cross-site"), page[2]];
        assert_eq!(found("10.0.0.1", &Options::default(), None, &elsewhere).status, Status::Ok);
        let no_address = found("10.0.0.1", &Options::default(), Some("gopher://x"), &page);
        assert_eq!(no_address.status, Status::Fail);
    }
}
