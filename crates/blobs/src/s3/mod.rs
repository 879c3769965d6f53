//! Blobs in a bucket: S3 and what speaks like it.
//!
//! ```text
//! <prefix>/blobs/<2 hex>/<upload id>      a blob; its key is final from the first part, for S3 cannot rename
//! <prefix>/blobs/<2 hex>/<upload id>.1    the same, begun after the upload's first takeover
//! <prefix>/uploads/<upload id>/tail-<n>   what an append left below the size of a part, if it is too much for the row
//! <prefix>/probe/<id>                     a probe under way
//! ```
//!
//! An append keeps the part that fills, 8 MiB and more only for blobs beyond 8 GiB, and the one on its way in memory as
//! far as there is room for all uploads, and beyond that in temporary files. A blob smaller than a part is one object and no multipart upload, for S3 knows
//! none of no parts. A multipart upload that a dying process did not get into its row is found by its key; on a server
//! that cannot list those, the bucket's own rule for ending them by age has to.

mod bucket;
mod filling;
mod options;
mod parts;
mod sending;
mod unfinished;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;

use self::bucket::{Bucket, Listed};
use self::filling::Filling;
pub use self::options::S3Options;
use self::parts::{Parts, Tail, decode};
use self::sending::Sending;
use crate::blob::{Blob, Source};
use crate::body::{BodyError, BodyStream};
use crate::error::Error;
use crate::hash::Hasher;
use crate::pour::{Body, pour};
use crate::store::{BlobStore, Location, Probe, Upload};
use crate::stored::{Shelf, Stored, check_note_name};

/// Largest tail in bytes that the row carries itself.
const INLINE: usize = 16 * 1024;

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
    async fn read_tail(&self, upload: &Upload, tail: Option<&Tail>) -> Result<Vec<u8>, Error> {
        let (number, size) = match tail {
            None => return Ok(Vec::new()),
            Some(Tail::Inline(text)) => return decode(text).map_err(|error| unreadable(upload, &error)),
            Some(Tail::Object { number, size, .. }) => (*number, *size),
        };
        let found = self.bucket.find(&tail_key(upload.id, number)).await?;
        match found {
            Some(bytes) if bytes.len() as u64 == size => Ok(bytes.to_vec()),
            other => Err(Error::OffsetLost {
                upload: upload.id,
                expected: upload.offset,
                found: other.map(|bytes| upload.offset - size + bytes.len() as u64),
            }),
        }
    }

    /// Puts what is below a part aside.
    async fn put_tail(
        &self,
        id: UploadId,
        last: Option<&Tail>,
        bytes: Vec<u8>,
    ) -> Result<Option<Tail>, Error> {
        if let Some(Tail::Object { older: Some(older), .. }) = last {
            self.bucket.delete(&tail_key(id, *older)).await?;
        }
        match bytes.len() {
            0 => Ok(None),
            1..=INLINE => Ok(Some(Tail::inline(&bytes))),
            size => {
                let number = uuid::Uuid::new_v4().as_u64_pair().0;
                self.bucket.put(&tail_key(id, number), Bytes::from(bytes)).await?;
                Ok(Some(Tail::Object { number, size: size as u64, older: last.and_then(Tail::number) }))
            }
        }
    }

    /// Pours the body into parts and returns the hash and the notes that belong to all that arrived.
    async fn fill(&self, upload: &Upload, body: &mut Body) -> Result<(Hasher, u64, Parts), Error> {
        let mut parts = Parts::of(upload)?;
        let last = parts.tail.clone();
        parts.takeovers = parts.takeovers_of_key(upload);
        let key = blob_key(upload.id, parts.takeovers);
        let begun = self.read_tail(upload, last.as_ref()).await?;
        let mut sending = Sending::new(Arc::clone(&self.bucket), upload, key, parts);
        let (mut hash, mut filling) = (upload.hash.clone(), Filling::new(begun, sending.next_size()));
        loop {
            let size = sending.next_size();
            let room = size.saturating_sub(filling.len());
            (hash, filling) = pour(body, room, hash, filling).await?;
            if filling.len() < size {
                break;
            }
            sending.send(filling).await?;
            filling = Filling::new(Vec::new(), sending.next_size());
        }
        let mut parts = sending.finish().await?;
        // An empty body leaves the tail as it is.
        if hash.length() > upload.offset {
            let rest = filling.into_part().await?;
            parts.tail = self.put_tail(upload.id, last.as_ref(), rest.bytes).await?;
            drop(rest.room);
        }
        let offset = hash.length();
        Ok((hash, offset, parts))
    }

    /// Tails, and multipart uploads that have none, of which the bucket tells neither size nor time. There are few: they
    /// are sorted here.
    async fn list_uploads(&self, after: &str, limit: usize) -> Result<Vec<Stored>, Error> {
        let tails = self.bucket.list(Shelf::Uploads.folder(), after, limit).await?;
        let mut listed: Vec<Stored> =
            tails.into_iter().map(|object| stored(Shelf::Uploads, object)).collect();
        let unfinished = self.bucket.unfinished_keys(Shelf::Blobs.folder()).await?;
        let ids = unfinished.iter().filter_map(|key| upload_of(key.rsplit('/').next()?)?.parse().ok());
        let begun = ids.map(|id| Stored {
            name: format!("{}/multipart", tail_folder(id)),
            size: 0,
            modified_at: 0,
            upload: Some(id),
            digest: None,
        });
        listed.extend(begun.filter(|stored| stored.name.as_str() > after));
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        listed.dedup_by(|one, other| one.name == other.name);
        listed.truncate(limit);
        Ok(listed)
    }

    /// Makes the object whole under its final key.
    async fn complete(&self, upload: &Upload, key: &str) -> Result<(), Error> {
        let parts = Parts::of(upload)?;
        let rest = self.read_tail(upload, parts.tail.as_ref()).await?;
        if parts.multipart.is_none() {
            return self.bucket.put(key, Bytes::from(rest)).await;
        }
        let mut sending = Sending::new(Arc::clone(&self.bucket), upload, key.to_owned(), parts);
        if !rest.is_empty() {
            let size = rest.len() as u64;
            sending.send(Filling::new(rest, size)).await?;
        }
        sending.complete().await
    }

    /// [`S3::complete`], where having been completed before is fine.
    async fn complete_once(&self, upload: &Upload, key: &str) -> Result<(), Error> {
        let Err(error) = self.complete(upload, key).await else { return Ok(()) };
        if self.bucket.find_size(key).await? != Some(upload.offset) {
            return Err(error);
        }
        // By somebody who was taken over: of bytes that may be as many and others.
        let digest = upload.hash.finish();
        if upload.takeovers > 0 && self.hash_again(key, upload, &digest).await? != digest {
            return Err(error);
        }
        tracing::debug!(upload = %upload.id, %error, "a blob was completed before");
        Ok(())
    }

    /// Drops what those from whom the upload was taken over may have published under other keys.
    async fn delete_older(&self, upload: &Upload, kept: &str) -> Result<(), Error> {
        for takeovers in 0..upload.takeovers {
            let key = blob_key(upload.id, takeovers);
            if key != kept {
                self.bucket.delete(&key).await?;
            }
        }
        Ok(())
    }

    /// Ends whatever was begun or published under one key.
    async fn discard_key(&self, key: &str, multipart: Option<&str>) -> Result<(), Error> {
        // The row may be older than the bucket, or be unreadable: what the bucket itself lists counts as well.
        let mut unfinished = self.bucket.unfinished(key).await?;
        unfinished.extend(multipart.map(ToOwned::to_owned));
        for multipart in unfinished {
            self.bucket.abort(key, &multipart).await?;
        }
        self.bucket.delete(key).await
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

    async fn append(&self, upload: &mut Upload, body: BodyStream) -> Result<(), Error> {
        let mut body = Body::new(body);
        let (hash, offset, parts) = self.fill(upload, &mut body).await?;
        (upload.hash, upload.offset, upload.parts) = (hash, offset, parts.write());
        body.outcome()
    }

    async fn publish(&self, upload: &mut Upload, digest: &Digest) -> Result<Location, Error> {
        let parts = Parts::read(upload.id, &upload.parts)?;
        let key = blob_key(upload.id, parts.takeovers_of_key(upload));
        let same_algorithm = upload.hash.algorithm() == digest.algorithm();
        if same_algorithm {
            expect(digest, upload.hash.finish())?;
        }
        self.complete_once(upload, &key).await?;
        if !same_algorithm {
            expect(digest, self.hash_again(&key, upload, digest).await?)?;
        }
        if parts.has_tail_objects() {
            self.bucket.delete_all(&tail_folder(upload.id)).await?;
        }
        self.delete_older(upload, &key).await?;
        Ok(Location::new(key))
    }

    async fn discard(
        &self,
        id: UploadId,
        takeovers: u64,
        parts: &str,
        _: Option<&Digest>,
    ) -> Result<(), Error> {
        let multipart = Parts::read(id, parts).ok().and_then(|parts| parts.multipart);
        for takeovers in 0..=takeovers {
            self.discard_key(&blob_key(id, takeovers), multipart.as_deref()).await?;
        }
        self.bucket.delete_all(&tail_folder(id)).await
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

    async fn list(&self, shelf: Shelf, after: &str, limit: usize) -> Result<Vec<Stored>, Error> {
        if shelf == Shelf::Uploads {
            return self.list_uploads(after, limit).await;
        }
        let listed = self.bucket.list(shelf.folder(), after, limit).await?;
        Ok(listed.into_iter().map(|object| stored(shelf, object)).collect())
    }

    async fn abandon(&self, id: UploadId) -> Result<(), Error> {
        // The keys of all takeovers begin with the first one's.
        for unfinished in self.bucket.unfinished_below(&blob_key(id, 0)).await? {
            self.bucket.abort(&unfinished.key, &unfinished.id).await?;
        }
        self.bucket.delete_all(&tail_folder(id)).await
    }

    async fn write_note(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        self.bucket.put(&note_key(name)?, bytes).await
    }

    async fn read_note(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.bucket.find(&note_key(name)?).await
    }

    async fn remove_note(&self, name: &str) -> Result<(), Error> {
        self.bucket.delete(&note_key(name)?).await
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
        Ok(Probe { write_ms, sync_ms: 0.0, free_bytes: None, total_bytes: None, notes: Vec::new() })
    }

    async fn sign(&self, location: &Location, expires: Duration) -> Result<Option<String>, Error> {
        self.bucket.sign(location.as_str(), expires).await.map(Some)
    }

    async fn sign_note(&self, name: &str, expires: Duration) -> Result<Option<String>, Error> {
        self.bucket.sign(&note_key(name)?, expires).await.map(Some)
    }
}

/// What the name of an object tells: the upload is the last part of a blob's key, and the folder of a tail.
fn stored(shelf: Shelf, object: Listed) -> Stored {
    let part = match shelf {
        Shelf::Blobs => object.key.rsplit('/').next().and_then(upload_of),
        Shelf::Uploads => object.key.split('/').nth(1),
        Shelf::Notes => None,
    };
    let upload = part.and_then(|part| part.parse().ok());
    Stored { name: object.key, size: object.size, modified_at: object.modified_at, upload, digest: None }
}

/// The id in the last part of a blob's key, which may end with the number of takeovers.
fn upload_of(last: &str) -> Option<&str> {
    last.split('.').next()
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

fn unreadable(upload: &Upload, error: &base64::DecodeError) -> Error {
    Error::Unreadable { upload: upload.id, reason: format!("tail: {error}") }
}

fn expect(expected: &Digest, actual: Digest) -> Result<(), Error> {
    if actual == *expected { Ok(()) } else { Err(Error::DigestMismatch { expected: *expected, actual }) }
}

/// The last two digits spread the keys: the first ones of an id are the time.
fn blob_key(id: UploadId, takeovers: u64) -> String {
    let (id, after) = (id.to_string(), (takeovers > 0).then(|| format!(".{takeovers}")));
    format!("blobs/{}/{id}{}", &id[id.len() - 2..], after.unwrap_or_default())
}

fn note_key(name: &str) -> Result<String, Error> {
    check_note_name(name).map(|()| format!("{}/{name}", Shelf::Notes.folder()))
}

fn tail_folder(id: UploadId) -> String {
    format!("uploads/{id}")
}

fn tail_key(id: UploadId, number: u64) -> String {
    format!("{}/tail-{number}", tail_folder(id))
}
