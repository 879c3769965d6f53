//! What can go wrong with stored bytes, in the words an operator needs.

use std::io;

use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;

use crate::body::BodyError;
use crate::hash::StateError;
use crate::store::Location;

/// What a blob store may answer instead of doing what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or bucket that should hold everything is not there.
    #[error("{place} does not exist: create it or correct the storage url")]
    NotFound {
        /// The folder, or the bucket with its endpoint.
        place: String,
    },
    /// A row names bytes that are missing or have another size; they are never served.
    #[error("blob at {location} is damaged: its row says {expected} bytes, storage has {}", Found(*.found))]
    Damaged {
        /// Where the bytes should lie.
        location: Location,
        /// Size in bytes by the row.
        expected: u64,
        /// Size in bytes in storage, `None` if nothing is there.
        found: Option<u64>,
    },
    /// No room: disk, quota or bucket.
    #[error("{place} is full{}: free space or enlarge it, pulls go on meanwhile", Free(*.free_bytes))]
    Full {
        /// The folder, or the bucket with its endpoint.
        place: String,
        /// What is left for this process, in bytes, where storage tells.
        free_bytes: Option<u64>,
    },
    /// Storage may be read but not written.
    #[error("{place} cannot be written: {reason}")]
    ReadOnly {
        /// The file or folder, or the bucket with its endpoint.
        place: String,
        /// What storage said.
        reason: String,
    },
    /// The bytes that arrived are not the bytes that were announced; the upload stays as it was.
    #[error("digest mismatch: announced {expected}, received {actual}")]
    DigestMismatch {
        /// What the client announced.
        expected: Digest,
        /// What arrived.
        actual: Digest,
    },
    /// Storage holds fewer bytes of an upload than its row says are durable; the upload has to start again.
    #[error("upload {upload} has lost bytes: its row says {expected}, storage has {}: start the upload again", Found(*.found))]
    OffsetLost {
        /// The upload.
        upload: UploadId,
        /// Offset by the row.
        expected: u64,
        /// What storage holds, in bytes, `None` if nothing is there.
        found: Option<u64>,
    },
    /// The client broke off. What arrived before is durable and stated in the upload.
    #[error("the body ended early: {0}")]
    Body(#[from] BodyError),
    /// Storage does not answer, or answers that it cannot serve now; worth another try later.
    #[error("{place} is unavailable: {reason}")]
    Unavailable {
        /// The folder, or the bucket with its endpoint.
        place: String,
        /// What storage said.
        reason: String,
    },
    /// The row's hash state or parts are not what this version writes.
    #[error("upload {upload} has an unreadable row: {reason}")]
    Unreadable {
        /// The upload.
        upload: UploadId,
        /// What is wrong with it.
        reason: String,
    },
    /// The storage url or its options cannot be used.
    #[error("storage url {url:?} cannot be used: {reason}")]
    Url {
        /// The url as it was given, without credentials.
        url: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// Any other failure of the file system.
    #[error("cannot {action} {place}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        place: String,
        /// What the file system said.
        source: io::Error,
    },
}

impl Error {
    /// An upload whose hash state cannot be restored.
    pub fn hash_state(upload: UploadId, error: &StateError) -> Self {
        Self::Unreadable { upload, reason: error.to_string() }
    }
}

/// A size found in storage, in words.
struct Found(Option<u64>);

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "{bytes} bytes"),
            None => f.write_str("nothing"),
        }
    }
}

/// What is left on a full disk, in words, if known.
struct Free(Option<u64>);

impl std::fmt::Display for Free {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, " ({bytes} bytes left)"),
            None => Ok(()),
        }
    }
}
