//! Whether storage and database belong together, where both are there.

use hythe_metadata::Database;
use hythe_registry::doctor::{Finding, check_belonging};

use crate::config::{Config, StorageUrl};
use crate::stores::{self, Beside};

/// Nothing where one of the two does not answer: other checks say so.
pub(super) async fn check(config: &Config) -> Option<Finding> {
    if config.database.url.sqlite_path().is_some_and(|path| !path.exists()) {
        return None;
    }
    let database = Database::open(&stores::database_options(config, Beside::AServer)).ok()?;
    database.schema().await.ok()?.check().ok()?;
    // To open a folder that is not there would be to make it.
    if matches!(&config.storage.url, StorageUrl::Folder(path) if !path.exists()) {
        return None;
    }
    let store = stores::open_blobs(config).ok()?;
    check_belonging(&database, &*store, &config.storage.url.to_string()).await
}
