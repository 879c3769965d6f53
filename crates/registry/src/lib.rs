//! What the product does, without HTTP: who may do what, uploads, manifests, tags, tokens, users and projects.
//!
//! [`Registry`] is the one value everything hangs on. It is the only place that sees both stores: rows through
//! `hythe-metadata`, bytes through `hythe-blobs`. Nothing here knows of HTTP; the server turns requests into
//! these calls and [`Error`]s into answers.

pub mod access;
pub mod activity;
pub mod additions;
pub mod artifacts;
pub mod audit;
pub mod blobs;
pub mod certificate;
pub mod claims;
pub mod clock;
pub mod configuration;
mod detached;
pub mod doctor;
pub mod error;
pub mod garbage_collection;
pub mod grants;
pub mod icons;
pub mod immutable_rules;
pub mod issuer;
pub mod janitor;
pub mod jobs;
pub mod journal;
pub mod keys;
pub mod labels;
pub mod load;
pub mod manifests;
pub mod members;
pub mod news;
pub mod nodes;
pub mod passwords;
pub mod personal_tokens;
mod plans;
pub mod projects;
mod pulls;
pub mod quotas;
pub mod referrers;
pub mod repositories;
pub mod retention;
pub mod revocations;
pub mod robots;
pub mod roles;
pub mod search;
pub mod secrets;
pub mod selectors;
pub mod sessions;
pub mod setup;
pub mod sources;
pub mod statistics;
pub mod storage_audit;
pub mod tags;
mod throttle;
pub mod tokens;
mod totals;
pub mod trash;
pub mod trust_rules;
pub mod uploads;
pub mod user_groups;
pub mod users;
mod uses;

use std::sync::Arc;
use std::time::Duration;

use hythe_blobs::BlobStore;
use hythe_metadata::Database;

pub use access::{Caller, Origin, Permit};
pub use error::{Error, Result};

/// What an operator can set about the registry itself; every field has a default that suits one machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of this node: in leases, logs and `hythe nodes`.
    pub node: String,
    /// How long an upload may rest before it is cleaned away.
    pub upload_expiry: Duration,
    /// How many uploads one client may have open at once; the next one is told to wait (429).
    pub uploads_per_client: u32,
    /// Accept an index whose children are not (yet) in the repository.
    pub allow_sparse_index: bool,
    /// How long what a client was told to be there is kept for the manifest that it is about to push, by the database's
    /// clock; at least a day is sensible.
    pub collection_grace: Duration,
    /// How long what was deleted can be restored; zero keeps nothing.
    pub trash: Duration,
    /// How long bytes stay that no blob names any more, for pulls that are under way.
    pub bytes_delay: Duration,
    /// Life of a bearer token; at least 60 s, the token specification's floor.
    pub token_lifetime: Duration,
    /// How long a refresh token is good.
    pub refresh_token_lifetime: Duration,
    /// How long one signing key signs before the next takes over.
    pub key_lifetime: Duration,
    /// What opens the secrets among the rows. A command that touches none does without. By default one that lives as long
    /// as the process: good for rows that do not outlive it either.
    pub secrets_key: Option<secrets::KeyEncryptionKey>,
    /// How this node does jobs.
    pub jobs: jobs::Options,
}

impl Default for Options {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Options {
            node: "hythe".to_owned(),
            upload_expiry: 7 * DAY,
            uploads_per_client: 1000,
            allow_sparse_index: false,
            collection_grace: DAY,
            trash: 7 * DAY,
            bytes_delay: Duration::from_secs(60 * 60),
            token_lifetime: Duration::from_secs(30 * 60),
            refresh_token_lifetime: 30 * DAY,
            key_lifetime: 90 * DAY,
            secrets_key: secrets::KeyEncryptionKey::of_this_process(),
            jobs: jobs::Options::default(),
        }
    }
}

/// The registry: both stores and what is kept in memory beside them. Cheap to share as `Arc<Registry>`.
pub struct Registry {
    /// One run of this process, among the nodes.
    pub(crate) id: uuid::Uuid,
    pub(crate) database: Database,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) options: Options,
    pub(crate) load: load::Gauge,
    pub(crate) secrets: Arc<secrets::Secrets>,
    pub(crate) keys: keys::KeyRing,
    pub(crate) verified_tokens: tokens::VerifiedTokens,
    pub(crate) passwords: passwords::Passwords,
    pub(crate) totals: totals::Totals,
    pub(crate) open_doors: access::OpenDoors,
    pub(crate) revocations: revocations::Revocations,
    pub(crate) uses: uses::Uses,
    pub(crate) arrivals: trust_rules::Arrivals,
    pub(crate) pulls: pulls::Pulls,
    pub(crate) pushes: activity::Pushes,
    pub(crate) issuers: issuer::Issuers,
    pub(crate) live: configuration::Live,
    pub(crate) sourced: sources::SignIns,
    pub(crate) jobs: jobs::Jobs,
    pub(crate) news: news::Board,
    /// Work on uploads that goes on when the client has gone.
    pub(crate) detached: tokio_util::task::TaskTracker,
}

impl Registry {
    /// Joins the two stores. The database must be at this binary's schema; call [`Registry::set_up`] before serving.
    pub fn new(database: Database, blobs: Arc<dyn BlobStore>, options: Options) -> Arc<Registry> {
        Arc::new(Registry {
            id: uuid::Uuid::now_v7(),
            database,
            blobs,
            secrets: Arc::new(secrets::Secrets::new(options.secrets_key.clone())),
            options,
            load: load::Gauge::default(),
            keys: keys::KeyRing::default(),
            verified_tokens: tokens::VerifiedTokens::default(),
            passwords: passwords::Passwords::default(),
            totals: totals::Totals::default(),
            open_doors: access::OpenDoors::default(),
            revocations: revocations::Revocations::default(),
            uses: uses::Uses::default(),
            arrivals: trust_rules::Arrivals::default(),
            pulls: pulls::Pulls::default(),
            pushes: activity::Pushes::default(),
            issuers: issuer::Issuers::default(),
            live: configuration::Live::default(),
            sourced: sources::SignIns::default(),
            jobs: jobs::Jobs::default(),
            news: news::Board::default(),
            detached: tokio_util::task::TaskTracker::new(),
        })
    }

    /// The rows.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The bytes.
    pub fn blob_store(&self) -> &dyn BlobStore {
        &*self.blobs
    }

    /// What the operator set.
    pub fn options(&self) -> &Options {
        &self.options
    }
}
