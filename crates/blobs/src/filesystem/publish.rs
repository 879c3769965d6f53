//! From an upload's file to a published one.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hythe_oci::digest::{Algorithm, Digest};

use super::append::end_at;
use super::disk::{self, Renamed, failed};
use super::upload_file::UploadFile;
use crate::error::Error;
use crate::hash::Hasher;
use crate::pool::BUFFER;

/// Everything a blocking thread needs to publish an upload.
pub(super) struct Publishing {
    pub(super) upload: UploadFile,
    pub(super) offset: u64,
    pub(super) hash: Hasher,
    pub(super) digest: Digest,
    pub(super) to: PathBuf,
    pub(super) folders: Arc<Folders>,
}

/// The upload's bytes, which an earlier try may have published already.
enum Bytes {
    Uploaded(File),
    Published(File),
}

impl Publishing {
    pub(super) fn run(self) -> Result<(), Error> {
        let bytes = self.find()?;
        self.verify(&bytes)?;
        match bytes {
            Bytes::Uploaded(file) => self.settle(&file)?,
            Bytes::Published(_) => {}
        }
        self.upload.remove_older()?;
        disk::sync_folder(disk::parent(&self.to))?;
        disk::sync_folder(disk::parent(&self.upload.path()))
    }

    fn find(&self) -> Result<Bytes, Error> {
        if let Some(file) = self.upload.open(self.offset)? {
            end_at(&file, &self.upload, self.offset)?;
            return Ok(Bytes::Uploaded(file));
        }
        if let Some(file) = disk::open(&self.to)? {
            self.check_published(&file)?;
            return Ok(Bytes::Published(file));
        }
        match self.offset {
            // Nobody ever appended to it: the empty blob.
            0 => disk::open_or_create(&self.upload.path()).map(Bytes::Uploaded),
            _ => Err(self.upload.lost(self.offset, None)),
        }
    }

    fn check_published(&self, file: &File) -> Result<(), Error> {
        let found = file.metadata().map_err(failed("inspect", &self.to))?.len();
        if found == self.offset { Ok(()) } else { Err(self.upload.lost(self.offset, Some(found))) }
    }

    fn verify(&self, bytes: &Bytes) -> Result<(), Error> {
        let actual = match (self.hash.algorithm() == self.digest.algorithm(), bytes) {
            (true, _) => self.hash.finish(),
            // The one case of reading back: the client opened the upload for one algorithm and closed it with another.
            (false, Bytes::Uploaded(file)) => self.rehash(file, &self.upload.path())?,
            (false, Bytes::Published(file)) => self.rehash(file, &self.to)?,
        };
        if actual == self.digest {
            Ok(())
        } else {
            Err(Error::DigestMismatch { expected: self.digest, actual })
        }
    }

    fn rehash(&self, file: &File, path: &Path) -> Result<Digest, Error> {
        digest_of_file(file, self.offset, self.digest.algorithm(), path)
    }

    /// Makes the bytes durable, then moves them to their new name.
    fn settle(&self, file: &File) -> Result<(), Error> {
        let from = self.upload.path();
        file.sync_all().map_err(failed("sync", &from))?;
        if !self.folders.is_durable(&self.digest) {
            disk::create_folder(disk::parent(&self.to))?;
        }
        let mut renamed = disk::rename_new(&from, &self.to)?;
        if renamed == Renamed::Missing {
            // Somebody tidied empty folders away.
            disk::create_folder(disk::parent(&self.to))?;
            renamed = disk::rename_new(&from, &self.to)?;
        }
        match renamed {
            Renamed::Done => {
                self.folders.remember(&self.digest);
                Ok(())
            }
            Renamed::Taken => self.keep_published(),
            Renamed::Missing => Err(self.upload.lost(self.offset, None)),
        }
    }

    /// The name is this upload's own: what bears it was published by an earlier try, from these same bytes.
    fn keep_published(&self) -> Result<(), Error> {
        if let Some(published) = disk::open(&self.to)? {
            self.check_published(&published)?;
        }
        disk::remove(&self.upload.path())
    }
}

/// Fan-out folders whose names this process knows to be durable: making sure costs a sync of the folder above, and a
/// folder that exists may have been made by another node a moment ago.
#[derive(Debug, Default)]
pub(super) struct Folders(Mutex<HashSet<(Algorithm, u8, u8)>>);

impl Folders {
    fn is_durable(&self, digest: &Digest) -> bool {
        self.known().contains(&fan_out(digest))
    }

    fn remember(&self, digest: &Digest) {
        self.known().insert(fan_out(digest));
    }

    fn known(&self) -> MutexGuard<'_, HashSet<(Algorithm, u8, u8)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fan_out(digest: &Digest) -> (Algorithm, u8, u8) {
    (digest.algorithm(), digest.bytes()[0], digest.bytes()[1])
}

fn digest_of_file(file: &File, size: u64, algorithm: Algorithm, path: &Path) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; BUFFER];
    while hasher.length() < size {
        let length = usize::try_from(size - hasher.length()).unwrap_or(BUFFER).min(BUFFER);
        file.read_exact_at(&mut buffer[..length], hasher.length()).map_err(failed("read", path))?;
        hasher.update(&buffer[..length]);
    }
    Ok(hasher.finish())
}
