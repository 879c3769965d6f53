//! Blobs in a bucket: S3 and what speaks like it.
//!
//! ```text
//! <prefix>/blobs/<2 hex>/<upload id>      a blob; its key is final from the first part, for S3 cannot rename
//! <prefix>/uploads/<upload id>/tail-<n>   what an append left below the size of a part
//! <prefix>/probe/<id>                     a probe under way
//! ```
//!
//! An append holds at most one part in memory: 8 MiB, and more only for blobs beyond 8 GiB. A blob smaller than a part
//! is one object and no multipart upload, for S3 knows none of no parts. A multipart upload that a dying
//! process did not get into its row is found by its key; on a server that cannot list those, the bucket's own rule for
//! ending them by age has to.

mod bucket;
mod options;
mod parts;
mod unfinished;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;

use self::bucket::Bucket;
pub use self::options::S3Options;
use self::parts::{Parts, Tail, part_size};
use crate::blob::{Blob, Source};
use crate::body::{BodyError, BodyStream};
use crate::error::Error;
use crate::hash::Hasher;
use crate::pour::{Body, pour};
use crate::store::{BlobStore, Location, Probe, Upload};

/// The store behind `s3://bucket/prefix`.
pub struct S3 {
    bucket: Arc<Bucket>,
}

impl S3 {
    /// A bucket, below a prefix. Nothing is asked of it yet.
    pub fn open(bucket: &str, prefix: &str, options: &S3Options) -> Result<S3, Error> {
        Ok(S3 { bucket: Arc::new(Bucket::open(bucket, prefix, options)?) })
    }

    /// What the last append left below a part.
    async fn read_tail(&self, upload: &Upload, tail: Option<Tail>) -> Result<Vec<u8>, Error> {
        let Some(tail) = tail else { return Ok(Vec::new()) };
        let found = self.bucket.find(&tail_key(upload.id, tail.number)).await?;
        match found {
            Some(bytes) if bytes.len() as u64 == tail.size => Ok(bytes.to_vec()),
            other => Err(Error::OffsetLost {
                upload: upload.id,
                expected: upload.offset,
                found: other.map(|bytes| upload.offset - tail.size + bytes.len() as u64),
            }),
        }
    }

    /// Sends a part, beginning the multipart upload with the first.
    async fn send_part(&self, key: &str, parts: &mut Parts, bytes: Vec<u8>) -> Result<(), Error> {
        if parts.multipart.is_none() {
            parts.multipart = Some(self.bucket.begin(key).await?);
        }
        if let Some(id) = &parts.multipart {
            let sent = self.bucket.put_part(key, id, parts.parts.len(), Bytes::from(bytes)).await?;
            parts.parts.push(sent);
        }
        Ok(())
    }

    /// Puts what is below a part aside. The tail before it stays until the row no longer names it.
    async fn put_tail(
        &self,
        id: UploadId,
        last: Option<Tail>,
        bytes: Vec<u8>,
    ) -> Result<Option<Tail>, Error> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let tail = Tail { number: last.map_or(0, |last| last.number + 1), size: bytes.len() as u64 };
        self.bucket.put(&tail_key(id, tail.number), Bytes::from(bytes)).await?;
        if let Some(older) = last.and_then(|last| last.number.checked_sub(1)) {
            self.bucket.delete(&tail_key(id, older)).await?;
        }
        Ok(Some(tail))
    }

    /// Makes the object whole under its final key.
    async fn complete(&self, upload: &Upload, key: &str) -> Result<(), Error> {
        let mut parts = Parts::read(upload.id, &upload.parts)?;
        let rest = self.read_tail(upload, parts.tail).await?;
        if parts.multipart.is_none() {
            return self.bucket.put(key, Bytes::from(rest)).await;
        }
        if !rest.is_empty() {
            self.send_part(key, &mut parts, rest).await?;
        }
        let id = parts.multipart.as_deref().unwrap_or_default();
        self.bucket.complete(key, id, &parts.parts).await
    }

    /// [`S3::complete`], where having been completed before is fine.
    async fn complete_once(&self, upload: &Upload, key: &str) -> Result<(), Error> {
        match self.complete(upload, key).await {
            Ok(()) => Ok(()),
            Err(error) if self.bucket.find_size(key).await? == Some(upload.offset) => {
                tracing::debug!(upload = %upload.id, %error, "a blob was completed before");
                Ok(())
            }
            // S3 no longer knows the multipart upload.
            Err(Error::NotFound { .. }) => {
                Err(Error::OffsetLost { upload: upload.id, expected: upload.offset, found: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Reads everything once, for a digest of another algorithm than the upload was hashed with.
    async fn hash_again(&self, key: &str, upload: &Upload, digest: &Digest) -> Result<Digest, Error> {
        if upload.offset == 0 {
            return Ok(Hasher::new(digest.algorithm()).finish());
        }
        let mut body = Body::new(stream_of(self.bucket.clone(), key.to_owned(), 0..upload.offset));
        let (hash, _) = pour(&mut body, u64::MAX, Hasher::new(digest.algorithm()), Nowhere).await?;
        let unavailable = |error: Error| Error::Unavailable {
            place: self.bucket.place().to_owned(),
            reason: error.to_string(),
        };
        body.outcome().map_err(unavailable)?;
        Ok(hash.finish())
    }
}

/// Takes bytes that only the hash needs.
struct Nowhere;

impl crate::pour::Sink for Nowhere {
    fn take(&mut self, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

#[async_trait]
impl BlobStore for S3 {
    fn kind(&self) -> &'static str {
        "s3"
    }

    fn locate(&self, id: UploadId, _: &Digest) -> Location {
        Location::new(blob_key(id))
    }

    async fn append(&self, upload: &mut Upload, body: BodyStream) -> Result<(), Error> {
        let key = blob_key(upload.id);
        let mut parts = Parts::read(upload.id, &upload.parts)?;
        let last_tail = parts.tail;
        let mut filling = self.read_tail(upload, last_tail).await?;
        let (mut hash, mut offset, mut body) = (upload.hash.clone(), upload.offset, Body::new(body));
        loop {
            let size = part_size(parts.parts.len());
            let (held, room) = (filling.len() as u64, size.saturating_sub(filling.len() as u64));
            (hash, filling) = pour(&mut body, room, hash, filling).await?;
            offset += filling.len() as u64 - held;
            if (filling.len() as u64) < size {
                break;
            }
            self.send_part(&key, &mut parts, std::mem::take(&mut filling)).await?;
        }
        parts.tail = self.put_tail(upload.id, last_tail, filling).await?;
        (upload.hash, upload.offset, upload.parts) = (hash, offset, parts.write());
        body.outcome()
    }

    async fn publish(&self, upload: &mut Upload, digest: &Digest) -> Result<Location, Error> {
        let key = blob_key(upload.id);
        let same_algorithm = upload.hash.algorithm() == digest.algorithm();
        if same_algorithm {
            expect(digest, upload.hash.finish())?;
        }
        self.complete_once(upload, &key).await?;
        if !same_algorithm {
            expect(digest, self.hash_again(&key, upload, digest).await?)?;
        }
        self.bucket.delete_all(&tail_folder(upload.id)).await?;
        Ok(Location::new(key))
    }

    async fn discard(&self, id: UploadId, parts: &str, _: Option<&Digest>) -> Result<(), Error> {
        let key = blob_key(id);
        // The row may be older than the bucket, or be unreadable: what the bucket itself lists counts as well.
        let mut unfinished = self.bucket.unfinished(&key).await?;
        unfinished.extend(Parts::read(id, parts).ok().and_then(|parts| parts.multipart));
        for multipart in unfinished {
            self.bucket.abort(&key, &multipart).await?;
        }
        self.bucket.delete_all(&tail_folder(id)).await?;
        self.bucket.delete(&key).await
    }

    async fn open(&self, location: &Location, size: u64) -> Result<Blob, Error> {
        let found = self.bucket.find_size(location.as_str()).await?;
        if found != Some(size) {
            return Err(Error::Damaged { location: location.clone(), expected: size, found });
        }
        let object = Object { bucket: self.bucket.clone(), key: location.as_str().to_owned() };
        Ok(Blob::new(size, Source::Object(object)))
    }

    async fn remove(&self, location: &Location) -> Result<(), Error> {
        self.bucket.delete(location.as_str()).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        let key = format!("probe/{}", uuid::Uuid::now_v7().simple());
        let sent = Bytes::from(key.clone());
        let begun = Instant::now();
        self.bucket.put(&key, sent.clone()).await?;
        let write_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let back = self.bucket.find(&key).await?;
        self.bucket.delete(&key).await?;
        if back.as_ref() != Some(&sent) {
            let reason = "an object that was just written did not read back the same".to_owned();
            return Err(Error::Unavailable { place: self.bucket.place().to_owned(), reason });
        }
        Ok(Probe { write_ms, sync_ms: 0.0, free_bytes: None, notes: Vec::new() })
    }

    async fn sign(&self, location: &Location, expires: Duration) -> Result<Option<String>, Error> {
        self.bucket.sign(location.as_str(), expires).await.map(Some)
    }
}

/// A blob in a bucket, ready to be read.
pub(crate) struct Object {
    bucket: Arc<Bucket>,
    key: String,
}

impl Object {
    pub(crate) fn stream(&self, range: Range<u64>) -> BodyStream {
        stream_of(self.bucket.clone(), self.key.clone(), range)
    }
}

/// The bytes of a range; an error, not an end, if the bucket sends fewer.
fn stream_of(bucket: Arc<Bucket>, key: String, range: Range<u64>) -> BodyStream {
    let length = range.end - range.start;
    let broken = |error: Error| BodyError::new(error.to_string());
    let pieces = stream::once(async move { bucket.get(&key, range).await }).try_flatten().map_err(broken);
    let mut left = length;
    let counted = pieces.map(Some).chain(stream::iter([None])).filter_map(move |piece| {
        let checked = match piece {
            Some(Ok(bytes)) => {
                left = left.saturating_sub(bytes.len() as u64);
                Some(Ok(bytes))
            }
            None if left > 0 => Some(Err(BodyError::new(format!("the bucket ended {left} bytes early")))),
            other => other,
        };
        std::future::ready(checked)
    });
    counted.boxed()
}

fn expect(expected: &Digest, actual: Digest) -> Result<(), Error> {
    if actual == *expected { Ok(()) } else { Err(Error::DigestMismatch { expected: *expected, actual }) }
}

/// The last two digits spread the keys: the first ones of an id are the time.
fn blob_key(id: UploadId) -> String {
    let id = id.to_string();
    format!("blobs/{}/{id}", &id[id.len() - 2..])
}

fn tail_folder(id: UploadId) -> String {
    format!("uploads/{id}")
}

fn tail_key(id: UploadId, number: u64) -> String {
    format!("{}/tail-{number}", tail_folder(id))
}
