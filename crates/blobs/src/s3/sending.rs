//! Parts on their way to the bucket while the next one fills.

use std::sync::Arc;

use bytes::Bytes;
use hythe_oci::upload_id::UploadId;
use tokio::task::JoinSet;

use super::bucket::Bucket;
use super::filling::Filling;
use super::parts::{Parts, part_size};
use crate::error::Error;
use crate::pour::stopped;
use crate::store::Upload;

/// An upload's parts, with at most one that has not arrived. Dropping it gives that one up.
pub(super) struct Sending {
    bucket: Arc<Bucket>,
    upload: UploadId,
    /// Offset by the row, for the error.
    offset: u64,
    key: String,
    parts: Parts,
    flight: JoinSet<Result<Option<String>, Error>>,
}

impl Sending {
    pub(super) fn new(bucket: Arc<Bucket>, upload: &Upload, key: String, parts: Parts) -> Self {
        let (upload, offset) = (upload.id, upload.offset);
        Self { bucket, upload, offset, key, parts, flight: JoinSet::new() }
    }

    /// Size in bytes of the part that fills now.
    pub(super) fn next_size(&self) -> u64 {
        part_size(self.parts.parts.len() + self.flight.len())
    }

    /// Sends a part, beginning the multipart upload with the first.
    pub(super) async fn send(&mut self, part: Filling) -> Result<(), Error> {
        self.land().await?;
        let part = part.into_part().await?;
        let id = match &self.parts.multipart {
            Some(id) => id.clone(),
            None => self.parts.multipart.insert(self.bucket.begin(&self.key).await?).clone(),
        };
        let (bucket, key, number) = (Arc::clone(&self.bucket), self.key.clone(), self.parts.parts.len());
        self.flight.spawn(async move {
            let _room = part.room;
            bucket.put_part(&key, &id, number, Bytes::from(part.bytes)).await
        });
        Ok(())
    }

    /// Waits for the part on its way; what has arrived then is all that was sent.
    pub(super) async fn finish(mut self) -> Result<Parts, Error> {
        self.land().await?;
        Ok(self.parts)
    }

    /// Makes the object of all parts.
    pub(super) async fn complete(mut self) -> Result<(), Error> {
        self.land().await?;
        let id = self.parts.multipart.as_deref().unwrap_or_default();
        let completed = self.bucket.complete(&self.key, id, &self.parts.parts).await?;
        completed.ok_or_else(|| self.forgotten())
    }

    async fn land(&mut self) -> Result<(), Error> {
        if let Some(landed) = self.flight.join_next().await {
            let part = landed.map_err(stopped).flatten()?.ok_or_else(|| self.forgotten())?;
            self.parts.parts.push(part);
        }
        Ok(())
    }

    /// The bucket has ended the multipart upload, by a rule of its own or because somebody discarded it.
    fn forgotten(&self) -> Error {
        Error::OffsetLost { upload: self.upload, expected: self.offset, found: None }
    }
}
