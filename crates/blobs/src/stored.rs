//! What a store says of everything that lies in it.

use std::io;
use std::time::SystemTime;

use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;

use crate::error::Error;

/// A part of a store that can be listed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Published bytes; the names are their locations.
    Blobs,
    /// What uploads under way have left so far.
    Uploads,
    /// Notes, by `notes/` and their names.
    Notes,
}

impl Shelf {
    /// The first part of the names on it, in stores that have such names.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Shelf::Blobs => "blobs",
            Shelf::Uploads => "uploads",
            Shelf::Notes => "notes",
        }
    }
}

/// Something that lies in storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name; on [`Shelf::Blobs`] the text of its location.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was written, microseconds since the epoch by the storage's clock; 0 where that is unknown.
    pub modified_at: i64,
    /// The upload that brought it, where the name tells.
    pub upload: Option<UploadId>,
    /// The digest under which it was published, where the name tells.
    pub digest: Option<Digest>,
}

/// A time of the storage in microseconds since the epoch.
pub(crate) fn micros(time: Option<SystemTime>) -> i64 {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Whether a note may have this name. Ours all may: this keeps a name from ever leading out of the notes.
pub(crate) fn check_note_name(name: &str) -> Result<(), Error> {
    let letter =
        |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"-.".contains(&letter);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(letter);
    if name.split('/').all(part) {
        return Ok(());
    }
    let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not the name of a note");
    Err(Error::Io { action: "use", place: format!("{name:?}"), source })
}
