//! The contract that every back end keeps; `suite` holds them to it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::upload_id::UploadId;

use crate::blob::Blob;
use crate::body::BodyStream;
use crate::error::Error;
use crate::hash::Hasher;
use crate::stored::{Shelf, Stored};

/// Where a blob's bytes lie within its store: made by [`BlobStore::publish`], kept in the blob's row, opaque elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location(String);

impl Location {
    /// A location as a row holds it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text for the row.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An upload under way, as its row holds it: any process can go on from these fields.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Names the upload and, later, the blob's location.
    pub id: UploadId,
    /// How often somebody went on with it while its last writer may not have ended. Such a writer and its successors
    /// share no file and no object that either could still change.
    pub takeovers: u64,
    /// Bytes that are durable.
    pub offset: u64,
    /// The hash of exactly those bytes.
    pub hash: Hasher,
    /// The back end's own notes as JSON; empty at the start.
    pub parts: String,
}

impl Upload {
    /// An upload that has got nothing yet.
    pub fn new(id: UploadId, algorithm: Algorithm) -> Self {
        Self { id, takeovers: 0, offset: 0, hash: Hasher::new(algorithm), parts: String::new() }
    }
}

/// What a small write, sync and read-back of storage showed.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Time to create and write the object, in milliseconds.
    pub write_ms: f64,
    /// Time until it was durable, in milliseconds; zero where a write is durable by itself.
    pub sync_ms: f64,
    /// Room that is left, in bytes, where storage tells.
    pub free_bytes: Option<u64>,
    /// Room in all, in bytes, where storage tells.
    pub total_bytes: Option<u64>,
    /// What an operator should know about this storage.
    pub notes: Vec<Note>,
}

/// Something about storage that works and will surprise somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Everything is gone with the process.
    InMemory,
    /// Syncing does nothing (libeatmydata).
    SyncDisarmed,
    /// Hardly anything more can be written.
    LittleRoom {
        /// Where.
        folder: PathBuf,
        /// Bytes that can still be written.
        free_bytes: u64,
    },
    /// Hardly any more files can be made.
    FewFiles {
        /// Where.
        folder: PathBuf,
        /// The file system's name.
        kind: String,
        /// Files that can still be made.
        files: u64,
    },
    /// Everything is gone with the machine or the container.
    Fleeting {
        /// Where.
        folder: PathBuf,
        /// The file system's name.
        kind: String,
    },
    /// A power cut may lose what was acknowledged.
    CarelessMount {
        /// Where.
        folder: PathBuf,
        /// The option that it is mounted with.
        option: &'static str,
    },
}

/// Holds bytes. One writer at a time per upload is the caller's duty (a lease in the upload's row, and a takeover counted
/// where it ran out); different uploads, and any number of readers, are independent.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// `"memory"`, `"filesystem"` or `"s3"`.
    fn kind(&self) -> &'static str;

    /// Hashes and writes a body behind `upload.offset` as it arrives.
    ///
    /// After `Ok`, and after [`Error::Body`] (the client broke off), `upload` states exactly what is durable. After any
    /// other error `upload` is unchanged and still usable.
    async fn append(&self, upload: &mut Upload, body: BodyStream) -> Result<(), Error>;

    /// Checks the digest and moves the bytes, durably, to a place that is the upload's own. Repeating it is fine.
    ///
    /// [`Error::DigestMismatch`] leaves the upload usable. A digest of another algorithm than the upload's hash costs
    /// one reading of all bytes.
    async fn publish(&self, upload: &mut Upload, digest: &Digest) -> Result<Location, Error>;

    /// Drops whatever the upload left, published (under `digest`) or not, by its last writer or by those from whom it
    /// was taken over; fine if nothing is there.
    async fn discard(
        &self,
        id: UploadId,
        takeovers: u64,
        parts: &str,
        digest: Option<&Digest>,
    ) -> Result<(), Error>;

    /// Opens a blob for reading. `size` is the row's, in bytes: [`Error::Damaged`] if storage holds anything else.
    async fn open(&self, location: &Location, size: u64) -> Result<Blob, Error>;

    /// Removes a blob's bytes; fine if they are gone already.
    async fn remove(&self, location: &Location) -> Result<(), Error>;

    /// A URL from which anybody can read the blob until it expires, where the store can sign one.
    async fn sign(&self, _location: &Location, _expires: Duration) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// [`BlobStore::sign`] for a note, whether it is there or not.
    async fn sign_note(&self, _name: &str, _expires: Duration) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// What lies on a shelf, by name, behind `after` (empty: from the beginning); fewer than `limit` are the last. What
    /// comes and goes meanwhile may or may not be among it. Not for a request path: storage is slow to list.
    async fn list(&self, shelf: Shelf, after: &str, limit: usize) -> Result<Vec<Stored>, Error>;

    /// Drops what an upload without a row has left on [`Shelf::Uploads`], whatever its takeovers; what was published
    /// stays.
    async fn abandon(&self, id: UploadId) -> Result<(), Error>;

    /// Keeps a few bytes durably beside the blobs, whole or not at all, in place of what the name had before. Names are
    /// parts of small letters, digits, dots and dashes between slashes.
    async fn write_note(&self, name: &str, bytes: Bytes) -> Result<(), Error>;

    /// The whole of a note, if there is one.
    async fn read_note(&self, name: &str) -> Result<Option<Bytes>, Error>;

    /// Removes a note; fine if it is gone already.
    async fn remove_note(&self, name: &str) -> Result<(), Error>;

    /// Writes, syncs, reads back and removes a small object of its own.
    async fn probe(&self) -> Result<Probe, Error>;
}
