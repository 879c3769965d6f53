//! Whether values of the right type make sense: one function a section.

use hythe_registry::secrets::KeyEncryptionKey;
use hythe_server::telemetry::logs::Filter;

use super::reader::Reader;
use super::settings::{
    Database, Gc, Jobs, Log, Registry, Root, S3, Secrets, Server, Storage, Tls, Token, Trace,
};
use super::types::Bytes;
use super::urls::StorageUrl;

/// Longest of all waits: more is a mistake in the unit.
const DAY_SECONDS: u32 = 86_400;

impl Root {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        if self.node.is_empty() || self.node.chars().any(|c| c.is_whitespace() || c.is_control()) {
            reader.refuse("node", format!("{:?}", self.node), "expected a name without spaces");
        }
    }
}

impl Server {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        if self.listen.is_empty() {
            reader.refuse("server.listen", "empty", "expected one address or more");
        }
        for (index, address) in self.listen.iter().enumerate() {
            if address.port != 0 && self.listen[..index].contains(address) {
                reader.refuse(
                    "server.listen",
                    format!("naming {address} twice"),
                    "expected each address once",
                );
            }
        }
        reader.bound(
            "server.max_connections",
            self.max_connections,
            1..=1_000_000,
            "with none nobody is served",
        );
        let waits = [
            ("server.header_timeout_seconds", self.header_timeout_seconds),
            ("server.handshake_timeout_seconds", self.handshake_timeout_seconds),
            ("server.idle_timeout_seconds", self.idle_timeout_seconds),
            ("server.body_timeout_seconds", self.body_timeout_seconds),
            ("server.write_timeout_seconds", self.write_timeout_seconds),
        ];
        for (path, seconds) in waits {
            reader.bound(path, seconds, 1..=DAY_SECONDS, "every connection must end some day");
        }
        reader.bound("server.notice_seconds", self.notice_seconds, 0..=3600, "a stop must begin some day");
        reader.bound("server.drain_seconds", self.drain_seconds, 0..=DAY_SECONDS, "a stop must end some day");
        reader.bound(
            "server.header_max_bytes",
            self.header_max_bytes,
            Bytes(8 << 10)..=Bytes(1 << 20),
            "a token alone can take several KiB",
        );
    }
}

impl Tls {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        match (&self.cert, &self.key) {
            (Some(_), None) => {
                reader.require("tls.key", "tls.cert", "name the private key's file as tls.key")
            }
            (None, Some(_)) => {
                reader.require("tls.cert", "tls.key", "name the certificate's file as tls.cert")
            }
            _ => {}
        }
    }
}

impl Database {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        reader.bound(
            "database.pool_size",
            self.pool_size,
            1..=1000,
            "a PostgreSQL server takes 100 by default",
        );
        let waits = [
            ("database.connect_timeout_seconds", self.connect_timeout_seconds),
            ("database.acquire_timeout_seconds", self.acquire_timeout_seconds),
            ("database.statement_timeout_seconds", self.statement_timeout_seconds),
        ];
        for (path, seconds) in waits {
            reader.bound(path, seconds, 1..=3600, "a client gives up sooner than that");
        }
    }
}

impl Secrets {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        let read = self.key.as_ref().map(|key| KeyEncryptionKey::parse(key.reveal()));
        if let Some(Err(error)) = read {
            reader.refuse("secrets.key", "a text that is no key", error.to_string());
        }
    }
}

impl Storage {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        if self.redirect && !matches!(self.url, StorageUrl::Bucket(_)) {
            reader.refuse("storage.redirect", "true", "and only a bucket can be redirected to");
        }
    }
}

impl S3 {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        match (&self.access_key, &self.secret_key) {
            (Some(_), None) => reader.require(
                "storage.s3.secret_key",
                "storage.s3.access_key",
                "give the secret key by HYTHE_STORAGE_S3_SECRET_KEY_FILE",
            ),
            (None, Some(_)) => reader.require(
                "storage.s3.access_key",
                "storage.s3.secret_key",
                "give the access key as storage.s3.access_key",
            ),
            _ => {}
        }
        if let Some(endpoint) = &self.endpoint {
            refuse_other_than_http("storage.s3.endpoint", endpoint, reader);
        }
    }
}

impl Registry {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        reader.bound(
            "registry.manifest_max_bytes",
            self.manifest_max_bytes,
            Bytes(4 << 20)..=Bytes(64 << 20),
            "the specification asks for 4 MiB, and a manifest is held in memory",
        );
        reader.bound(
            "registry.uploads_per_client",
            self.uploads_per_client,
            1..=1_000_000,
            "with none nothing is pushed",
        );
        reader.bound(
            "registry.upload_expiry_hours",
            self.upload_expiry_hours,
            1..=8760,
            "what is left behind must go some day",
        );
    }
}

impl Gc {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        reader.bound(
            "gc.grace_hours",
            self.grace_hours,
            1..=8760,
            "a push takes its time, and what nobody needs must go some day",
        );
        reader.bound("gc.trash_days", self.trash_days, 0..=3650, "what was deleted must go some day");
        reader.bound(
            "gc.bytes_minutes",
            self.bytes_minutes,
            30..=43_200,
            "a signed link to the bytes is good for 20 minutes, and what nobody needs must go some day",
        );
    }
}

impl Token {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        reader.bound(
            "token.lifetime_seconds",
            self.lifetime_seconds,
            60..=DAY_SECONDS,
            "clients take less for 60, and a right that was withdrawn lives on in tokens",
        );
        reader.bound(
            "token.key_rotation_days",
            self.key_rotation_days,
            1..=3650,
            "keys are changed some day",
        );
    }
}

impl Jobs {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        reader.bound("jobs.workers", self.workers, 0..=64, "each takes a connection to the database");
        reader.bound(
            "jobs.busy_from",
            self.busy_from,
            1..=1_000_000,
            "a quiet node must not wait for itself",
        );
        reader.bound("jobs.keep_days", self.keep_days, 1..=3650, "what is done must go some day");
    }
}

impl Log {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        if let Err(error) = Filter::parse(&self.filter) {
            reader.refuse("log.filter", format!("{:?}", self.filter), error.to_string());
        }
    }
}

impl Trace {
    pub(super) fn validate(&self, reader: &mut Reader<'_>) {
        if let Some(endpoint) = &self.otlp_endpoint {
            refuse_other_than_http("trace.otlp_endpoint", endpoint, reader);
        }
        reader.bound("trace.sample_percent", self.sample_percent, 0..=100, "it is a share of a hundred");
        if (1..10).contains(&self.sched_ms) {
            reader.refuse("trace.sched_ms", self.sched_ms, "expected 10 or more, or 0 for never");
        }
    }
}

fn refuse_other_than_http(path: &'static str, text: &str, reader: &mut Reader<'_>) {
    let http =
        url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !http {
        reader.refuse(path, format!("{text:?}"), "expected a url with http or https");
    }
}
