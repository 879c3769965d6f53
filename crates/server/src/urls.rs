//! The URL a client used to reach us, read off its request, so that every answer points back the same way.

use std::net::IpAddr;

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
        let scheme = forwarded("x-forwarded-proto").filter(|s| matches!(*s, "http" | "https"));
        let scheme = scheme.unwrap_or_else(|| connection.map_or("http", |c| scheme_of(c.scheme)));
        let host = forwarded("x-forwarded-host").or_else(|| host(parts)).filter(|host| is_host(host));
        let host = with_port(host.unwrap_or("localhost"), forwarded("x-forwarded-port"), scheme);
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
/// trusted proxy itself), else the peer's.
pub(crate) fn client_address(parts: &Parts, options: &Options) -> Option<IpAddr> {
    let connection = parts.extensions.get::<ConnectionInfo>()?;
    let peer = connection.peer.ip().to_canonical();
    let is_proxy = |address: &IpAddr| options.address_proxies.iter().any(|network| network.contains(address));
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let listed = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let addresses: Vec<IpAddr> =
        listed.flat_map(|list| list.split(',')).filter_map(|entry| entry.trim().parse().ok()).collect();
    let client = addresses.iter().rev().find(|address| !is_proxy(address)).or(addresses.first());
    Some(client.map_or(peer, IpAddr::to_canonical))
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

fn host(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    header.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
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
