//! The URL a client used to reach us, read off its request, so that every answer points back the same way.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use http::{HeaderMap, header};
use url::Url;

use crate::listener::{ConnectionInfo, Scheme};
use crate::options::Options;

/// `scheme://host[:port][/prefix]`, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// From `external_url` where it is set, else from the request: `X-Forwarded-*` if a trusted proxy speaks,
    /// `Host` (or HTTP/2's `:authority`) if not.
    pub(crate) fn of(parts: &Parts, options: &Options) -> BaseUrl {
        if let Some(url) = &options.external_url {
            return BaseUrl::configured(url);
        }
        let connection = parts.extensions.get::<ConnectionInfo>();
        let trusted = connection.is_some_and(|c| is_trusted(c, options));
        let forwarded = |name| if trusted { first_value(&parts.headers, name) } else { None };
        let scheme = forwarded("x-forwarded-proto").and_then(known_scheme);
        let scheme = scheme.unwrap_or_else(|| connection.map_or("http", |c| scheme_of(c.scheme)));
        let mut hosts = [forwarded("x-forwarded-host"), authority(parts), host(parts)].into_iter().flatten();
        let host = hosts.find(|host| is_host(host)).unwrap_or("localhost");
        let host = with_port(host, forwarded("x-forwarded-port"), scheme);
        let prefix = forwarded("x-forwarded-prefix").filter(|prefix| is_prefix(prefix)).unwrap_or_default();
        BaseUrl(format!("{scheme}://{host}{}", prefix.trim_end_matches('/')))
    }

    fn configured(url: &Url) -> BaseUrl {
        BaseUrl(url.as_str().trim_end_matches('/').to_owned())
    }

    /// Whether clients came by https.
    pub(crate) fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The whole URL of a path that begins with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// `host[:port]`.
    pub(crate) fn host(&self) -> &str {
        let without_scheme = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        without_scheme.split('/').next().unwrap_or_default()
    }
}

/// The client's address: what the nearest trusted proxy says (the last entry of `X-Forwarded-For` that is not a
/// trusted proxy itself), else the peer's. Behind an entry that is no address anybody may have written anything.
pub(crate) fn client_address(parts: &Parts, options: &Options) -> Option<IpAddr> {
    let connection = parts.extensions.get::<ConnectionInfo>()?;
    let peer = connection.peer.ip().to_canonical();
    let is_proxy = |address: &IpAddr| options.address_proxies.iter().any(|network| network.contains(address));
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let lines = parts.headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or_default());
    let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let mut client = peer;
    for address in entries.iter().rev().map_while(|entry| forwarded_address(entry.trim())) {
        client = address;
        if !is_proxy(&address) {
            break;
        }
    }
    Some(client)
}

/// `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`.
fn forwarded_address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().or_else(|_| entry.parse().map(|socket: SocketAddr| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

pub(crate) fn is_trusted(connection: &ConnectionInfo, options: &Options) -> bool {
    let peer = connection.peer.ip().to_canonical();
    options.trusted_proxies.iter().any(|network| network.contains(&peer))
}

fn scheme_of(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    }
}

/// The first of a comma list: the proxy nearest to the client.
fn first_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    let first = value.split(',').next().unwrap_or_default().trim();
    (!first.is_empty()).then_some(first)
}

/// What HTTP/2 and whole URLs as the target name; `Host` does not count beside it (RFC 9112 section 3.2.2).
fn authority(parts: &Parts) -> Option<&str> {
    parts.uri.authority().map(http::uri::Authority::as_str)
}

fn host(parts: &Parts) -> Option<&str> {
    parts.headers.get(header::HOST).and_then(|value| value.to_str().ok())
}

fn known_scheme(scheme: &str) -> Option<&'static str> {
    ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))
}

/// `X-Forwarded-Port` counts only where the host says no port itself, and only if it is not the scheme's own.
fn with_port(host: &str, port: Option<&str>, scheme: &str) -> String {
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    match port {
        Some(port) if !has_port && port.parse::<u16>().is_ok() && port != default_port(scheme) => {
            format!("{host}:{port}")
        }
        _ => host.to_owned(),
    }
}

fn default_port(scheme: &str) -> &'static str {
    if scheme == "https" { "443" } else { "80" }
}

/// Only what can stand in a URL and in a quoted header value; anything else is not repeated back.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
}

fn is_prefix(prefix: &str) -> bool {
    prefix.starts_with('/')
        && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b))
        && !prefix.contains("//")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::listener::Protocol;

    fn address_behind_a_proxy(forwarded: &[&str]) -> String {
        let mut request = Request::builder();
        for line in forwarded {
            request = request.header("x-forwarded-for", *line);
        }
        let local = SocketAddr::from(([127, 0, 0, 1], 5000));
        let connection = ConnectionInfo {
            peer: local,
            local,
            scheme: Scheme::Http,
            protocol: Protocol::Http1,
            sendfile: None,
        };
        let (parts, ()) = request.extension(connection).body(()).unwrap().into_parts();
        let options = Options { address_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..Options::default() };
        client_address(&parts, &options).unwrap().to_string()
    }

    #[test]
    fn the_client_is_whom_the_proxy_names_last_and_never_whom_the_client_names() {
        for (forwarded, expected) in [
            (&[][..], "127.0.0.1"),
            (&["203.0.113.9"], "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9, 127.0.0.2"], "203.0.113.9"),
            (&["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9:5678"], "203.0.113.9"),
            (&["6.6.6.6, [2001:db8::9]:5678"], "2001:db8::9"),
            (&["6.6.6.6, [2001:db8::9]"], "2001:db8::9"),
            (&["6.6.6.6, ::ffff:203.0.113.9"], "203.0.113.9"),
            (&["6.6.6.6, unknown"], "127.0.0.1"),
            (&["6.6.6.6, "], "127.0.0.1"),
        ] {
            assert_eq!(address_behind_a_proxy(forwarded), expected, "{forwarded:?}");
        }
    }
}
