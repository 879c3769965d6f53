//! Memory with the manners of a storage that others use too.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use hythe_blobs::{Blob, BlobStore, BodyStream, Error, Location, Memory, Probe, Shelf, Stored, Upload};
use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;
use tokio::sync::Notify;

/// Does as memory does but for what it is told.
#[derive(Default)]
pub(crate) struct Unruly {
    pub(crate) memory: Memory,
    is_slow: bool,
    /// A slow one has begun to publish.
    pub(crate) begun: Notify,
    /// It may go on.
    pub(crate) go_on: Notify,
    /// What somebody else removes while it is listed.
    pub(crate) vanishing: Mutex<Option<Location>>,
    /// Nothing can be removed.
    pub(crate) refuses: AtomicBool,
    /// What is removed is gone when it may go on.
    pub(crate) lingers: AtomicBool,
}

impl Unruly {
    /// One that publishes when it is told to, as a bucket may take minutes to join the parts of a large blob.
    pub(crate) fn slow() -> Unruly {
        Unruly { is_slow: true, ..Unruly::default() }
    }
}

#[async_trait]
impl BlobStore for Unruly {
    fn kind(&self) -> &'static str {
        self.memory.kind()
    }

    async fn append(&self, upload: &mut Upload, body: BodyStream) -> Result<(), Error> {
        self.memory.append(upload, body).await
    }

    async fn publish(&self, upload: &mut Upload, digest: &Digest) -> Result<Location, Error> {
        if self.is_slow {
            self.begun.notify_one();
            self.go_on.notified().await;
        }
        self.memory.publish(upload, digest).await
    }

    async fn discard(
        &self,
        id: UploadId,
        takeovers: u64,
        parts: &str,
        digest: Option<&Digest>,
    ) -> Result<(), Error> {
        self.memory.discard(id, takeovers, parts, digest).await
    }

    async fn open(&self, location: &Location, size: u64) -> Result<Blob, Error> {
        self.memory.open(location, size).await
    }

    async fn remove(&self, location: &Location) -> Result<(), Error> {
        if self.lingers.load(Ordering::Relaxed) {
            self.go_on.notified().await;
        }
        if self.refuses.load(Ordering::Relaxed) {
            return Err(Error::NotFound { place: "the disk is gone".to_owned() });
        }
        self.memory.remove(location).await
    }

    async fn list(&self, shelf: Shelf, after: &str, limit: usize) -> Result<Vec<Stored>, Error> {
        let listed = self.memory.list(shelf, after, limit).await?;
        let vanishing = self.vanishing.lock().unwrap().take();
        if let Some(location) = vanishing {
            self.memory.remove(&location).await?;
        }
        Ok(listed)
    }

    async fn abandon(&self, id: UploadId) -> Result<(), Error> {
        self.memory.abandon(id).await
    }

    async fn write_note(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        self.memory.write_note(name, bytes).await
    }

    async fn read_note(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.memory.read_note(name).await
    }

    async fn remove_note(&self, name: &str) -> Result<(), Error> {
        self.memory.remove_note(name).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        self.memory.probe().await
    }
}
