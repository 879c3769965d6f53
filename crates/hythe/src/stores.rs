//! From the configuration to the two stores that every command works on.

use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hythe_blobs::{BlobStore, S3Options};
use hythe_metadata::Database;

use crate::config::{Config, DatabaseUrl, Inputs, Loaded, Secret, load};
use crate::failure::Failure;
use crate::secrets_key;

/// Whether a command wants the database for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    /// The server: a SQLite file serves one.
    Nobody,
    /// A command that may run while a server does.
    AServer,
}

/// Loads the configuration, or fails with everything that is wrong with it.
pub(crate) fn load_config(inputs: &Inputs) -> Result<(Config, Loaded), Failure> {
    let loaded = load(inputs);
    match loaded.config() {
        Some(config) => Ok((config.clone(), loaded)),
        None => Err(Failure::of_problems(&loaded.problems)),
    }
}

/// How to reach the database.
pub(crate) fn database_options(config: &Config, beside: Beside) -> hythe_metadata::Options {
    database_options_for(config, config.database.url.reveal(), beside)
}

/// How to reach another database with the same patience.
pub(crate) fn database_options_for(config: &Config, url: &str, beside: Beside) -> hythe_metadata::Options {
    let database = &config.database;
    hythe_metadata::Options {
        pool_size: database.pool_size as usize,
        acquire_timeout: seconds(database.acquire_timeout_seconds),
        connect_timeout: seconds(database.connect_timeout_seconds),
        statement_timeout: seconds(database.statement_timeout_seconds),
        exclusive: beside == Beside::Nobody,
        ..hythe_metadata::Options::new(url)
    }
}

/// Opens the database, and makes a SQLite file that is not there. The schema is not looked at.
pub(crate) fn open_database(config: &Config, beside: Beside) -> Result<Database, Failure> {
    if config.uses_data_folder() {
        make_data_folder(&config.root.data)?;
    }
    if let Some(path) = config.database.url.sqlite_path() {
        refuse_unreadable(path)?;
    }
    Database::open(&database_options(config, beside)).map_err(|error| Failure::new(error.to_string()))
}

/// Says in plain words what SQLite says in its own.
fn refuse_unreadable(path: &Path) -> Result<(), Failure> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(Failure::of_file("cannot read the database", path, &error))
        }
        _ => Ok(()),
    }
}

/// Whether the database is a SQLite file that is not there.
pub(crate) fn is_absent(url: &DatabaseUrl) -> Result<bool, Failure> {
    let Some(path) = url.sqlite_path() else { return Ok(false) };
    let there = path.try_exists();
    there.map(|there| !there).map_err(|error| Failure::of_file("cannot look for the database", path, &error))
}

/// Only for this user: the database in it holds the keys that sign tokens.
fn make_data_folder(data: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|error| {
        Failure::because(format!("cannot make the data folder {}", data.display()), &error)
            .hint("name a folder that this user may write by --data or HYTHE_DATA")
    })
}

/// Opens the storage; a folder below the data folder is made.
pub(crate) fn open_blobs(config: &Config) -> Result<Arc<dyn BlobStore>, Failure> {
    hythe_blobs::open(&config.storage.url.to_string(), &blob_options(config))
        .map_err(|error| Failure::because("cannot open the storage", &error))
}

fn blob_options(config: &Config) -> hythe_blobs::Options {
    let s3 = &config.s3;
    hythe_blobs::Options {
        s3: S3Options {
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            access_key: s3.access_key.clone(),
            secret_key: s3.secret_key.as_ref().map(Secret::reveal).map(str::to_owned),
            path_style: s3.path_style,
            ..S3Options::default()
        },
    }
}

pub(crate) fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// Opens the database of a registry that has been started before, for a command that works on its rows.
pub(crate) async fn open_served_database(config: &Config) -> Result<Database, Failure> {
    let url = &config.database.url;
    if is_absent(url)? {
        return Err(Failure::new(format!("there is no database at {url}"))
            .hint("start `hythe serve` once, or say where the data is by --data or --config"));
    }
    let database = open_database(config, Beside::AServer)?;
    let checked = database.schema().await.and_then(hythe_metadata::Schema::check);
    checked.map(|()| database).map_err(|error| Failure::new(error.to_string()))
}

/// What an operator set about the registry itself.
///
/// A key to the secrets that cannot be read is left out: few commands touch a secret, and those that do say so.
pub(crate) fn registry_options(config: &Config) -> hythe_registry::Options {
    let (registry, token) = (&config.registry, &config.token);
    let options = hythe_registry::Options {
        node: config.root.node.clone(),
        upload_expiry: hours(registry.upload_expiry_hours),
        uploads_per_client: registry.uploads_per_client,
        allow_sparse_index: registry.allow_sparse_index,
        collection_grace: hours(config.gc.grace_hours),
        trash: hours(24 * config.gc.trash_days),
        bytes_delay: Duration::from_secs(60 * u64::from(config.gc.bytes_minutes)),
        token_lifetime: seconds(token.lifetime_seconds),
        refresh_token_lifetime: hours(24 * token.refresh_days),
        key_lifetime: hours(24 * token.key_rotation_days),
        jobs: hythe_registry::jobs::Options {
            workers: config.jobs.workers as usize,
            busy_from: config.jobs.busy_from,
            keep: hours(24 * config.jobs.keep_days),
            ..hythe_registry::jobs::Options::default()
        },
        secrets_key: secrets_key::configured(config).ok().flatten(),
    };
    #[cfg(debug_assertions)]
    let options = crate::trial::hurried(options);
    options
}

fn hours(number: u32) -> Duration {
    Duration::from_secs(3600 * u64::from(number))
}
