//! The address that clients would be told.

use std::net::ToSocketAddrs;

use crate::config::Config;
use hythe_registry::doctor::Finding;

const CHECK: &str = "address";

pub(super) fn check(config: &Config) -> Vec<Finding> {
    match &config.server.external_url {
        Some(url) => vec![configured(&url.to_string(), url.0.host_str().unwrap_or_default())],
        None => vec![from_requests(config)],
    }
}

fn configured(url: &str, host: &str) -> Finding {
    let finding = format!("clients are told {url} (server.external_url), whatever address they ask");
    match (host.trim_matches(['[', ']']), 0).to_socket_addrs() {
        Ok(_) => Finding::ok(CHECK, finding),
        Err(error) => Finding::warn(
            CHECK,
            format!("{finding}, and from here {host} is not found, {error}"),
            "correct server.external_url, or leave it out: clients are then told the address that they ask",
        ),
    }
}

fn from_requests(config: &Config) -> Finding {
    let port = config.server.listen.first().map_or(5000, |address| address.port);
    let proxies = config.server.trusted_proxies.len();
    let believed = match proxies {
        0 => "no proxy's word is taken for it".to_owned(),
        _ => "behind a proxy of server.trusted_proxies, the one that it says was asked".to_owned(),
    };
    Finding::ok(
        CHECK,
        format!(
            "clients are told the address that they ask, such as http://{}:{port}; {believed}",
            config.root.node
        ),
    )
}
