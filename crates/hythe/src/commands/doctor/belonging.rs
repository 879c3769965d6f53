//! Whether storage and database belong together: the newest blobs that rows name must be in this storage.

use hythe_blobs::{Error, Location};
use hythe_metadata::{Database, blob};

use super::finding::Finding;
use crate::config::{Config, StorageUrl};
use crate::stores::{self, Beside};

const CHECK: &str = "belonging";

/// Blobs that are looked for.
const NEWEST: u32 = 20;

/// Nothing where one of the two does not answer: other checks say so.
pub(super) async fn check(config: &Config) -> Option<Finding> {
    if config.database.url.sqlite_path().is_some_and(|path| !path.exists()) {
        return None;
    }
    let database = Database::open(&stores::database_options(config, Beside::AServer)).ok()?;
    database.schema().await.ok()?.check().ok()?;
    let rows = blob::newest(&mut database.connect().await.ok()?, NEWEST).await.ok()?;
    // To open a folder that is not there would be to make it.
    if matches!(&config.storage.url, StorageUrl::Folder(path) if !path.exists()) {
        return None;
    }
    let store = stores::open_blobs(config).ok()?;
    let mut missing = 0;
    for row in &rows {
        match store.open(&Location::new(row.location.as_str()), row.size).await {
            Ok(_) => {}
            Err(Error::Damaged { .. }) => missing += 1,
            Err(_) => return None,
        }
    }
    judge(&config.storage.url.to_string(), rows.len(), missing)
}

fn judge(storage: &str, looked: usize, missing: usize) -> Option<Finding> {
    match (looked, missing) {
        (0, _) => None,
        (_, 0) => {
            Some(Finding::ok(CHECK, format!("the {looked} newest blobs of the database are in {storage}")))
        }
        _ if missing == looked => Some(Finding::fail(
            CHECK,
            format!(
                "none of the {looked} newest blobs of the database is in {storage}: other nodes write to another place"
            ),
            "mount the same folder on every node and name it as storage.url, or name the same bucket; a copy of the \
             database needs a copy of its storage",
        )),
        _ => Some(Finding::warn(
            CHECK,
            format!("{missing} of the {looked} newest blobs of the database are not in {storage}"),
            "check that all nodes have the same storage mounted; `hythe storage audit` names all that is missing",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::Status;

    #[test]
    fn all_some_and_none_are_three_findings() {
        let status = |missing| judge("/blobs", 20, missing).unwrap().status;
        assert_eq!((status(0), status(1), status(20)), (Status::Ok, Status::Warn, Status::Fail));
        assert_eq!(judge("/blobs", 0, 0), None);
    }
}
