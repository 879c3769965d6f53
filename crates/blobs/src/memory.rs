//! Blobs in memory, for trying Hythe out and for tests: gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;

use crate::blob::{Blob, Source};
use crate::body::BodyStream;
use crate::error::Error;
use crate::hash::digest_of;
use crate::pour::{Body, Sink, pour};
use crate::store::{BlobStore, Location, Note, Probe, Upload};
use crate::stored::{Shelf, Stored, check_note_name, micros};

/// The maps behind `memory:`.
#[derive(Debug, Default)]
pub struct Memory {
    shelves: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    /// By id and number of takeovers.
    uploads: HashMap<(UploadId, u64), Vec<u8>>,
    blobs: HashMap<Location, Bytes>,
    /// When each was published.
    published: HashMap<Location, SystemTime>,
    notes: HashMap<String, Bytes>,
}

impl Sink for Vec<u8> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

impl Memory {
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    /// The upload's bytes up to its offset; what a broken-off append left behind it is cut off.
    fn durable(&mut self, upload: &Upload) -> Result<&mut Vec<u8>, Error> {
        let own = (upload.id, upload.takeovers);
        if !self.uploads.contains_key(&own)
            && let Some(older) = self.take_older(upload)
        {
            self.uploads.insert(own, older);
        }
        let found = self.uploads.get(&own).map(|bytes| bytes.len() as u64);
        if found.unwrap_or(0) < upload.offset {
            return Err(Error::OffsetLost { upload: upload.id, expected: upload.offset, found });
        }
        let bytes = self.uploads.entry(own).or_default();
        bytes.truncate(upload.offset as usize);
        Ok(bytes)
    }

    /// The bytes of the newest of those from whom the upload was taken over.
    fn take_older(&mut self, upload: &Upload) -> Option<Vec<u8>> {
        (0..upload.takeovers).rev().find_map(|takeovers| self.uploads.remove(&(upload.id, takeovers)))
    }
}

impl Shelves {
    fn list(&self, shelf: Shelf) -> Vec<Stored> {
        let stored = |name: String, size: usize| {
            let upload = name.split('.').next().and_then(|id| id.parse().ok());
            Stored { name, size: size as u64, modified_at: 0, upload, digest: None }
        };
        match shelf {
            Shelf::Blobs => {
                let blob = |(location, bytes): (&Location, &Bytes)| Stored {
                    modified_at: micros(self.published.get(location).copied()),
                    ..stored(location.to_string(), bytes.len())
                };
                self.blobs.iter().map(blob).collect()
            }
            Shelf::Uploads => {
                let upload = |((id, takeovers), bytes): (&(UploadId, u64), &Vec<u8>)| {
                    stored(format!("{id}.{takeovers}"), bytes.len())
                };
                self.uploads.iter().map(upload).collect()
            }
            Shelf::Notes => {
                self.notes.iter().map(|(name, bytes)| stored(format!("notes/{name}"), bytes.len())).collect()
            }
        }
    }
}

#[async_trait]
impl BlobStore for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    async fn append(&self, upload: &mut Upload, body: BodyStream) -> Result<(), Error> {
        self.shelves().durable(upload)?;
        let mut body = Body::new(body);
        let (hash, bytes) = pour(&mut body, u64::MAX, upload.hash.clone(), Vec::new()).await?;
        self.shelves().durable(upload)?.extend_from_slice(&bytes);
        upload.offset += bytes.len() as u64;
        upload.hash = hash;
        body.outcome()
    }

    async fn publish(&self, upload: &mut Upload, digest: &Digest) -> Result<Location, Error> {
        let location = location(upload.id, upload.takeovers);
        let mut shelves = self.shelves();
        let published =
            shelves.blobs.get(&location).filter(|blob| blob.len() as u64 == upload.offset).cloned();
        let actual = match (&published, upload.hash.algorithm() == digest.algorithm()) {
            (_, true) => upload.hash.finish(),
            (Some(blob), false) => digest_of(digest.algorithm(), blob),
            (None, false) => digest_of(digest.algorithm(), shelves.durable(upload)?),
        };
        if actual != *digest {
            return Err(Error::DigestMismatch { expected: *digest, actual });
        }
        if published.is_none() {
            let bytes = std::mem::take(shelves.durable(upload)?);
            shelves.blobs.insert(location.clone(), bytes.into());
            shelves.published.insert(location.clone(), SystemTime::now());
        }
        shelves.uploads.remove(&(upload.id, upload.takeovers));
        Ok(location)
    }

    async fn discard(&self, id: UploadId, takeovers: u64, _: &str, _: Option<&Digest>) -> Result<(), Error> {
        let mut shelves = self.shelves();
        for takeovers in 0..=takeovers {
            shelves.uploads.remove(&(id, takeovers));
            shelves.blobs.remove(&location(id, takeovers));
        }
        Ok(())
    }

    async fn open(&self, location: &Location, size: u64) -> Result<Blob, Error> {
        let blob = self.shelves().blobs.get(location).cloned();
        match blob {
            Some(bytes) if bytes.len() as u64 == size => Ok(Blob::new(size, Source::Memory(bytes))),
            other => Err(Error::Damaged {
                location: location.clone(),
                expected: size,
                found: other.map(|bytes| bytes.len() as u64),
            }),
        }
    }

    async fn remove(&self, location: &Location) -> Result<(), Error> {
        self.shelves().blobs.remove(location);
        Ok(())
    }

    async fn list(&self, shelf: Shelf, after: &str, limit: usize) -> Result<Vec<Stored>, Error> {
        let mut stored = self.shelves().list(shelf);
        stored.retain(|stored| stored.name.as_str() > after);
        stored.sort_by(|one, other| one.name.cmp(&other.name));
        stored.truncate(limit);
        Ok(stored)
    }

    async fn abandon(&self, id: UploadId) -> Result<(), Error> {
        self.shelves().uploads.retain(|(upload, _), _| *upload != id);
        Ok(())
    }

    async fn write_note(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        check_note_name(name)?;
        self.shelves().notes.insert(name.to_owned(), bytes);
        Ok(())
    }

    async fn read_note(&self, name: &str) -> Result<Option<Bytes>, Error> {
        Ok(self.shelves().notes.get(name).cloned())
    }

    async fn remove_note(&self, name: &str) -> Result<(), Error> {
        self.shelves().notes.remove(name);
        Ok(())
    }

    async fn probe(&self) -> Result<Probe, Error> {
        let notes = vec![Note::InMemory];
        Ok(Probe { write_ms: 0.0, sync_ms: 0.0, free_bytes: None, total_bytes: None, notes })
    }
}

fn location(id: UploadId, takeovers: u64) -> Location {
    Location::new(format!("{id}.{takeovers}"))
}
