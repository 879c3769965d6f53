//! From the configuration to what the server's parts are told.

use std::net::SocketAddr;
use std::time::Duration;

use hythe_api::system::NodeSetting;
use hythe_registry::nodes::Identity;
use hythe_server::listener;
use hythe_server::telemetry::{self, logs, runtime, traces};

use crate::config::{Config, Explained, Loaded, LogFormat, Topic};
use crate::stores::seconds;

pub(super) fn runtime(config: &Config) -> runtime::Options {
    let trace = &config.trace;
    runtime::Options {
        trace: runtime::Trace { schedule: milliseconds(trace.sched_ms) },
        watchdog: milliseconds(trace.watchdog_ms).unwrap_or_default(),
        ..runtime::Options::default()
    }
}

fn milliseconds(number: u32) -> Option<Duration> {
    (number > 0).then(|| Duration::from_millis(number.into()))
}

pub(super) fn telemetry(config: &Config, colour: bool) -> telemetry::Options {
    let format = match config.log.format {
        LogFormat::Auto => logs::Format::Auto,
        LogFormat::Text => logs::Format::Text,
        LogFormat::Json => logs::Format::Json,
    };
    let node = &config.root.node;
    let traces = config.trace.otlp_endpoint.as_ref().map(|endpoint| traces::Options {
        endpoint: endpoint.clone(),
        sample: f64::from(config.trace.sample_percent) / 100.0,
        node: node.clone(),
    });
    telemetry::Options {
        logs: logs::Options { format, filter: config.log.filter.clone(), node: node.clone(), colour },
        traces,
    }
}

/// The addresses to bind; `:PORT` is the one socket that takes both families, where the machine has IPv6.
pub(super) fn addresses(config: &Config) -> Vec<SocketAddr> {
    config.server.listen.iter().map(|address| address.to_bind()).collect()
}

/// What `hythe nodes` calls this process.
pub(super) fn identity(version: &str, addresses: &[SocketAddr]) -> Identity {
    Identity { version: version.to_owned(), addresses: addresses.iter().map(SocketAddr::to_string).collect() }
}

pub(super) fn connections(config: &Config) -> listener::Options {
    let server = &config.server;
    listener::Options {
        max_connections: server.max_connections as usize,
        max_header_bytes: usize::try_from(server.header_max_bytes.0).unwrap_or(usize::MAX),
        header_timeout: seconds(server.header_timeout_seconds),
        idle_timeout: seconds(server.idle_timeout_seconds),
        handshake_timeout: seconds(server.handshake_timeout_seconds),
        body_timeout: seconds(server.body_timeout_seconds),
        write_timeout: seconds(server.write_timeout_seconds),
        drain_timeout: seconds(server.drain_seconds),
        ..listener::Options::default()
    }
}

pub(super) fn http(config: &Config) -> hythe_server::Options {
    let (server, registry) = (&config.server, &config.registry);
    // Both types read the same text, and ours has been checked.
    let networks = server.trusted_proxies.iter();
    let proxies: Vec<_> = networks.filter_map(|network| network.to_string().parse().ok()).collect();
    // Everybody in a private network could forge an address, so for that somebody has to have named the proxies.
    let named = proxies != hythe_server::options::private_networks();
    let options = hythe_server::Options {
        external_url: server.external_url.as_ref().map(|url| url.0.clone()),
        address_proxies: if named { proxies.clone() } else { hythe_server::options::loopback() },
        trusted_proxies: proxies,
        manifest_max_bytes: usize::try_from(registry.manifest_max_bytes.0).unwrap_or(usize::MAX),
        relative_locations: registry.relative_locations,
        redirect_blobs: config.storage.redirect,
        notice: seconds(server.notice_seconds),
        ..hythe_server::Options::default()
    };
    #[cfg(debug_assertions)]
    let options = hythe_server::Options {
        janitor_interval: crate::trial::janitor_interval(options.janitor_interval),
        ..options
    };
    options
}

/// Every setting as `hythe config explain` tells it.
pub(super) fn settings(loaded: &Loaded) -> Vec<NodeSetting> {
    let explained = Topic::All.keys().into_iter().map(|key| Explained::new(key, &loaded.sources));
    let shown = |one: Explained| NodeSetting {
        key: one.key.to_owned(),
        value: one.value,
        origin: one.origin.to_string(),
        default: one.default,
        description: one.doc,
    };
    explained.map(shown).collect()
}
