//! Reading bytes back and holding them against their digest, no faster than allowed.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use hythe_blobs::{Error as StorageError, Hasher, Location};
use hythe_metadata::blob::Blob;

use super::Audit;
use crate::error::Result;

impl Audit {
    /// Whether the bytes are those of the digest. Storage that does not answer is an error; bytes that cannot be read
    /// are not whole.
    pub(super) async fn is_whole(&mut self, row: &Blob) -> Result<bool> {
        let blob = match self.registry.blobs.open(&Location::new(row.location.as_str()), row.size).await {
            Ok(blob) => blob,
            Err(StorageError::Damaged { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let (mut stream, mut hasher) = (blob.stream(0..row.size), Hasher::new(row.digest.algorithm()));
        while let Some(piece) = stream.next().await {
            let Ok(piece) = piece else { return Ok(false) };
            self.position.counts.read_bytes += piece.len() as u64;
            self.meter.wait_for(piece.len()).await;
            hasher.update(&piece);
        }
        Ok(hasher.finish() == row.digest)
    }
}

/// Holds reading to a rate.
pub(super) struct Meter {
    /// Bytes a second; 0 for no limit.
    rate: f64,
    since: Instant,
    read: f64,
}

impl Meter {
    /// MiB a second; 0 for no limit.
    pub(super) fn new(rate: u32) -> Meter {
        Meter { rate: f64::from(rate) * 1024.0 * 1024.0, since: Instant::now(), read: 0.0 }
    }

    /// Waits until so many more bytes may have been read.
    async fn wait_for(&mut self, bytes: usize) {
        if self.rate == 0.0 {
            return;
        }
        self.read += bytes as f64;
        let due = Duration::from_secs_f64(self.read / self.rate);
        tokio::time::sleep(due.saturating_sub(self.since.elapsed())).await;
    }
}
