//! Whether storage and database belong together: the newest blobs that rows name must be in this storage.

use hythe_blobs::{BlobStore, Error, Location};
use hythe_metadata::{Database, blob};

use super::{Finding, words};

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
        (_, 0) => Some(words::blobs_present(storage, looked)),
        _ if missing == looked => Some(words::blobs_elsewhere(storage, looked)),
        _ => Some(words::blobs_missing(storage, looked, missing)),
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
