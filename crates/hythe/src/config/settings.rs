//! Every setting there is: name, type, default and meaning. Variables, `config explain`, `config check` and
//! `config example` all come from this table.

use std::path::PathBuf;

use super::reader::Reader;
use super::table::{Key, Kind, Section, sections};
use super::types::{Bytes, ListenAddress, LogFormat, Network};
use super::urls::{DatabaseUrl, ExternalUrl, Secret, StorageUrl};

sections! {
    /// The node itself.
    root: Root at "" {
        /// Folder for what a node keeps on disk: the SQLite database and, unless storage.url says otherwise, the blobs.
        data: PathBuf = "./hythe-data", example "/var/lib/hythe";
        /// Name of this node in logs, in leases and in /readyz.
        node: String = "<hostname>", example "registry-1";
    }

    /// The one port that serves everything: the registry, its tokens, the API, health and metrics.
    server: Server at "server." {
        /// Addresses to listen on, each ADDRESS:PORT, or :PORT for every address of the machine. Plain http and https are
        /// told apart on the same port.
        listen: Vec<ListenAddress> = ":5000";
        /// The address that clients are told in every answer. Without it they are told the address that they asked for,
        /// which is right unless a proxy in front changes the host and says nothing.
        external_url: Option<ExternalUrl>, example "https://hub.example.com";
        /// Networks of the proxies and balancers in front. Only from them are X-Forwarded-Host, -Proto and -Port believed;
        /// by default from this machine and from private networks, because those headers can change nothing but the
        /// addresses in the answer to that very request. X-Forwarded-For, which sign-in limits and the audit log go by,
        /// is believed from this machine and from networks that are named here.
        trusted_proxies: Vec<Network> = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,::1/128,fc00::/7";
        /// How many connections are served at once; one beyond is answered with 503.
        max_connections: u32 = "8192";
        /// Largest head of a request: its first line and its headers.
        header_max_bytes: Bytes = "64 KiB";
        /// Seconds that the head of a request may take to arrive.
        header_timeout_seconds: u32 = "30";
        /// Seconds that a TLS handshake may take.
        handshake_timeout_seconds: u32 = "10";
        /// Seconds that a connection may stay open with no request on it.
        idle_timeout_seconds: u32 = "120";
        /// Seconds that a push may stand still, with no byte arriving, before it is broken off.
        body_timeout_seconds: u32 = "60";
        /// Seconds that a pull may stand still, with no byte taken by the client, before it is broken off.
        write_timeout_seconds: u32 = "120";
        /// Seconds between Ctrl-C or SIGTERM and the end of service, in which /readyz says 503 and everything else is answered
        /// as before: as long as a balancer takes to notice. 0 where there is none.
        notice_seconds: u32 = "0";
        /// Seconds that running transfers have to end after Ctrl-C or SIGTERM; new requests are refused meanwhile.
        drain_seconds: u32 = "30";
    }

    /// The certificate for https. Without one the node makes its own, which clients do not trust.
    tls: Tls at "tls." {
        /// PEM file with the certificate and its chain; read again when it changes.
        cert: Option<PathBuf>, example "/etc/hythe/tls.crt";
        /// PEM file with the private key; read again when it changes.
        key: Option<PathBuf>, example "/etc/hythe/tls.key";
    }

    /// Where the rows are: users, projects, tags, manifests, upload sessions, keys.
    database: Database at "database." {
        /// SQLite for one node, PostgreSQL for several. All nodes of one registry name the same database.
        url: DatabaseUrl = "sqlite://<data>/hythe.db", example "postgres://hythe:PASSWORD@db.example.com/hythe";
        /// Connections that this node opens at most.
        pool_size: u32 = "16";
        /// Seconds that a new connection to PostgreSQL may take.
        connect_timeout_seconds: u32 = "5";
        /// Seconds to wait for a free connection before a request is answered with 503.
        acquire_timeout_seconds: u32 = "5";
        /// Seconds that PostgreSQL may work on one statement.
        statement_timeout_seconds: u32 = "30";
    }

    /// What seals the secrets in the database: the keys that sign tokens, the passwords for directories and providers.
    secrets: Secrets at "secrets." {
        /// The key itself, in place of a file: 32 bytes as base64 or hexadecimal text.
        key: Option<Secret>, example "bm90IGEgc2VjcmV0LCBtYWtlIG9uZSBvZiB5b3VycyE=";
        /// File that holds the key, the same on all nodes of one registry. `hythe admin secrets new-key FILE` makes one; a
        /// node on SQLite makes it at its first start.
        key_file: PathBuf = "<data>/secrets.key", example "/etc/hythe/secrets.key";
    }

    /// Where the blobs are. All nodes of one registry name the same place.
    storage: Storage at "storage." {
        /// A folder (of this machine, or shared: NFS, CephFS), or a bucket as s3://BUCKET/PREFIX.
        url: StorageUrl = "<data>/blobs", example "s3://hythe/blobs";
        /// Send clients to the bucket for blobs by a signed link, instead of passing the bytes on. They must be able to
        /// reach storage.s3.endpoint.
        redirect: bool = "false";
    }

    /// The S3 service behind storage.url = "s3://…"; of no use otherwise.
    s3: S3 at "storage.s3." {
        /// Address of the service; without it, that of AWS in the region.
        endpoint: Option<String>, example "https://s3.example.com:9000";
        /// Region that requests are signed for.
        region: String = "us-east-1";
        /// Access key.
        access_key: Option<String>, example "hythe";
        /// Secret key. Better given by HYTHE_STORAGE_S3_SECRET_KEY_FILE than here.
        secret_key: Option<Secret>, example "SECRET";
        /// Name the bucket in the path (most services) and not in the host name.
        path_style: bool = "true";
    }

    /// What clients may push, and how.
    registry: Registry at "registry." {
        /// Largest manifest; the specification asks for at least 4 MiB.
        manifest_max_bytes: Bytes = "4 MiB";
        /// Uploads that one client may have open at once.
        uploads_per_client: u32 = "1000";
        /// Hours after its last byte that an unfinished upload is kept.
        upload_expiry_hours: u32 = "168";
        /// Accept an index that names manifests which are not here.
        allow_sparse_index: bool = "false";
        /// Answer with Location headers without scheme and host, which no proxy can spoil.
        relative_locations: bool = "true";
    }

    /// Garbage collection and the trash. All nodes of one registry say the same.
    gc: Gc at "gc." {
        /// Hours that a blob is kept which no manifest needs, after a client pushed it or was told that it is there; a push
        /// must not take longer from its first question to its manifest.
        grace_hours: u32 = "24";
        /// Days that what was deleted can be restored; 0 keeps nothing. What is in the trash already keeps its day.
        trash_days: u32 = "7";
        /// Minutes that bytes stay in storage which nothing names any more, for pulls that are under way.
        bytes_minutes: u32 = "60";
    }

    /// The tokens that docker and others sign in with.
    token: Token at "token." {
        /// Seconds that a token is good for; 60 or more.
        lifetime_seconds: u32 = "1800";
        /// Days that a refresh token is good for, with which a client asks for tokens without the password.
        refresh_days: u32 = "30";
        /// Days that a signing key signs before the next one takes over; what it signed stays good.
        key_rotation_days: u32 = "90";
    }

    /// Work in the background: what is cleaned away, collected and purged.
    jobs: Jobs at "jobs." {
        /// How many jobs this node does at once; 0 for none, where other nodes do them.
        workers: u32 = "2";
        /// From how many requests under way on jobs of this node go slower.
        busy_from: u32 = "16";
        /// Days that a job is kept after its end, with its log.
        keep_days: u32 = "30";
    }

    /// Log lines, on standard output.
    log: Log at "log." {
        /// Their form: text for a person, json for a machine, or auto: text on a terminal and json elsewhere.
        format: LogFormat = "auto";
        /// Which lines: a level (error, warn, info, debug, trace), or levels by module with commas between them.
        filter: String = "info", example "info,hythe_registry=debug";
    }

    /// Traces, and a look into the runtime itself. HYTHE_TRACE sets them in one go: HYTHE_TRACE=sched=1000,watchdog=50
    trace: Trace at "trace." {
        /// The OpenTelemetry collector that traces go to, over http; without it none are made.
        otlp_endpoint: Option<String>, example "http://collector:4318";
        /// How many of a hundred requests are traced, of those that come without a decision of their caller's.
        sample_percent: u32 = "100";
        /// Print a line on the runtime's workers and queues every so many milliseconds; 0 for never.
        sched_ms: u32 = "0", example "1000";
        /// Name a task in the log that holds a worker for so many milliseconds; 0 for never.
        watchdog_ms: u32 = "200";
    }
}

/// Every setting, without its section.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys)
}

/// The setting of that name.
pub(crate) fn find_key(path: &str) -> Option<&'static Key> {
    keys().find(|key| key.path == path)
}

/// What HYTHE_TRACE calls a setting of `[trace]`: its name without the unit.
pub(crate) fn trace_name(key: &Key) -> &'static str {
    key.leaf().split('_').next().unwrap_or_default()
}

/// Flags of `hythe serve` and the settings they stand for.
pub(crate) const FLAGS: &[(&str, &str)] = &[("--data", "data"), ("--listen", "server.listen")];

/// Second names of settings that are said often.
pub(crate) const SHORT_VARIABLES: &[(&str, &str)] = &[("HYTHE_LISTEN", "server.listen")];

/// Variables that are no setting, and what they are for.
pub(crate) const SPECIAL_VARIABLES: &[(&str, &str)] = &[
    (CONFIG, "The configuration file to read, as the flag --config."),
    (TRACE, "Sets trace.* in one go, for example HYTHE_TRACE=sched=1000,watchdog=50"),
    (
        ADMIN_PASSWORD,
        "Password of the administrator that the first start makes; without it a random one is printed once.",
    ),
    (ADMIN_PASSWORD_FILE, "A file that holds the password of the administrator that the first start makes."),
];

pub(crate) const CONFIG: &str = "HYTHE_CONFIG";
pub(crate) const TRACE: &str = "HYTHE_TRACE";
pub(crate) const ADMIN_PASSWORD: &str = "HYTHE_ADMIN_PASSWORD";
pub(crate) const ADMIN_PASSWORD_FILE: &str = "HYTHE_ADMIN_PASSWORD_FILE";
