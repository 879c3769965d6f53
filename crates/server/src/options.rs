//! What an operator can set about the HTTP side; defaults suit one machine.

use std::time::Duration;

use hythe_api::system::NodeSetting;
use ipnet::IpNet;
use url::Url;

/// Options of the HTTP side.
#[derive(Clone, Debug)]
pub struct Options {
    /// The URL clients use, where it cannot be read off their requests.
    pub external_url: Option<Url>,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Proxies that are believed about the client's address too, which throttling and the audit log go by.
    pub address_proxies: Vec<IpNet>,
    /// Largest manifest that is accepted, in bytes; the specification asks for at least 4 MiB.
    pub manifest_max_bytes: usize,
    /// Answer with `Location: /v2/…` rather than with the whole URL.
    pub relative_locations: bool,
    /// Send clients straight to the storage for blobs, where it can sign such URLs.
    pub redirect_blobs: bool,
    /// Entries a page of tags, repositories or referrers has at most.
    pub page_size: u32,
    /// For how long `/readyz` says that the node is about to go before it does.
    pub notice: Duration,
    /// How often the janitor looks for expired uploads.
    pub janitor_interval: Duration,
    /// Every setting of this node with its source, to be shown to administrators.
    pub settings: Vec<NodeSetting>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            external_url: None,
            trusted_proxies: private_networks(),
            address_proxies: loopback(),
            manifest_max_bytes: 4 * 1024 * 1024,
            relative_locations: true,
            redirect_blobs: false,
            page_size: 1000,
            notice: Duration::ZERO,
            janitor_interval: hythe_registry::janitor::EVERY,
            settings: Vec::new(),
        }
    }
}

/// This machine: whoever speaks from here could do worse than to forge an address.
pub fn loopback() -> Vec<IpNet> {
    ["127.0.0.0/8", "::1/128"].iter().filter_map(|network| network.parse().ok()).collect()
}

/// Loopback and the private ranges (RFC 1918, RFC 4193): where balancers stand. What their headers can change is
/// the URLs in the answer to that very request.
pub fn private_networks() -> Vec<IpNet> {
    ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"]
        .iter()
        .filter_map(|network| network.parse().ok())
        .collect()
}
