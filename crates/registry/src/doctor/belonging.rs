//! Whether storage and database belong together: the newest blobs that rows name must be in this storage.

use hythe_blobs::{BlobStore, Error, Location};
use hythe_metadata::{Database, blob};

use super::Finding;

pub(super) const CHECK: &str = "belonging";

/// Blobs that are looked for.
const NEWEST: u32 = 20;

/// Looks in `storage`, by this name. Nothing where one of the two does not answer: other checks say so.
pub async fn check(database: &Database, store: &dyn BlobStore, storage: &str) -> Option<Finding> {
    let rows = blob::newest(&mut database.connect().await.ok()?, NEWEST).await.ok()?;
    let mut missing = 0;
    for row in &rows {
        match store.open(&Location::new(row.location.as_str()), row.size).await {
            Ok(_) => {}
            Err(Error::Damaged { .. }) => missing += 1,
            Err(_) => return None,
        }
    }
    judge(storage, rows.len(), missing)
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
    use crate::doctor::Status;

    #[test]
    fn all_some_and_none_are_three_findings() {
        let status = |missing| judge("/blobs", 20, missing).unwrap().status;
        assert_eq!((status(0), status(1), status(20)), (Status::Ok, Status::Warn, Status::Fail));
        assert_eq!(judge("/blobs", 0, 0), None);
    }
}
