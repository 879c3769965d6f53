//! Any store, with the time that each of its operations takes in the metric `hythe_storage_seconds`.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;

use crate::blob::Blob;
use crate::body::BodyStream;
use crate::error::Error;
use crate::store::{BlobStore, Location, Probe, Upload};
use crate::stored::{Shelf, Stored};

/// A store whose operations are timed. An append is timed with its client: it lasts as long as the bytes come.
pub(crate) struct Timed(pub(crate) Arc<dyn BlobStore>);

impl Timed {
    async fn time<T>(&self, operation: &'static str, work: impl Future<Output = T> + Send) -> T {
        let begun = Instant::now();
        let done = work.await;
        let seconds = begun.elapsed().as_secs_f64();
        metrics::histogram!("hythe_storage_seconds", "backend" => self.0.kind(), "operation" => operation)
            .record(seconds);
        done
    }
}

#[async_trait]
impl BlobStore for Timed {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    async fn append(&self, upload: &mut Upload, body: BodyStream) -> Result<(), Error> {
        self.time("append", self.0.append(upload, body)).await
    }

    async fn publish(&self, upload: &mut Upload, digest: &Digest) -> Result<Location, Error> {
        self.time("publish", self.0.publish(upload, digest)).await
    }

    async fn discard(
        &self,
        id: UploadId,
        takeovers: u64,
        parts: &str,
        digest: Option<&Digest>,
    ) -> Result<(), Error> {
        self.time("discard", self.0.discard(id, takeovers, parts, digest)).await
    }

    async fn open(&self, location: &Location, size: u64) -> Result<Blob, Error> {
        self.time("open", self.0.open(location, size)).await
    }

    async fn remove(&self, location: &Location) -> Result<(), Error> {
        self.time("remove", self.0.remove(location)).await
    }

    async fn sign(&self, location: &Location, expires: Duration) -> Result<Option<String>, Error> {
        self.0.sign(location, expires).await
    }

    async fn sign_note(&self, name: &str, expires: Duration) -> Result<Option<String>, Error> {
        self.0.sign_note(name, expires).await
    }

    async fn list(&self, shelf: Shelf, after: &str, limit: usize) -> Result<Vec<Stored>, Error> {
        self.time("list", self.0.list(shelf, after, limit)).await
    }

    async fn abandon(&self, id: UploadId) -> Result<(), Error> {
        self.time("abandon", self.0.abandon(id)).await
    }

    async fn write_note(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        self.time("write_note", self.0.write_note(name, bytes)).await
    }

    async fn read_note(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.time("read_note", self.0.read_note(name)).await
    }

    async fn remove_note(&self, name: &str) -> Result<(), Error> {
        self.time("remove_note", self.0.remove_note(name)).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        self.time("probe", self.0.probe()).await
    }
}
