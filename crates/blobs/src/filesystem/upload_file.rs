//! The file that an upload is written to: another one after each takeover.
//!
//! A writer whose lease ran out may only have been paused, or its machine may still hold pages that it will send to a
//! network file system later. Whoever takes over therefore goes on in a copy of what the row says is safe.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hythe_oci::upload_id::UploadId;

use super::disk::{self, Renamed, failed};
use super::layout::{self, Place};
use crate::error::Error;

/// Where an upload's bytes are before they are published.
#[derive(Clone, Debug)]
pub(super) struct UploadFile {
    root: PathBuf,
    id: UploadId,
    takeovers: u64,
}

impl UploadFile {
    pub(super) fn new(root: &Path, id: UploadId, takeovers: u64) -> Self {
        Self { root: root.to_owned(), id, takeovers }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.path_after(self.takeovers)
    }

    /// The file, with at least the `offset` bytes that are safe; one that is taken over is copied first. `None` if there
    /// is none, which is no loss only where nothing was safe yet.
    pub(super) fn open(&self, offset: u64) -> Result<Option<File>, Error> {
        match disk::open(&self.path())? {
            None if offset > 0 => self.take_over(offset),
            own => Ok(own),
        }
    }

    /// Drops the files of those from whom the upload was taken over.
    pub(super) fn remove_older(&self) -> Result<(), Error> {
        for takeovers in 0..self.takeovers {
            disk::remove(&self.path_after(takeovers))?;
            disk::remove(&self.copy_after(takeovers))?;
        }
        Ok(())
    }

    /// Drops all files.
    pub(super) fn remove(&self) -> Result<(), Error> {
        disk::remove(&self.path())?;
        if self.takeovers > 0 {
            disk::remove(&self.copy_after(self.takeovers))?;
        }
        self.remove_older()
    }

    /// The newest of the older files has all that is safe: those between it and the one that was saved last begin with
    /// a copy of the same bytes.
    fn take_over(&self, offset: u64) -> Result<Option<File>, Error> {
        for takeovers in (0..self.takeovers).rev() {
            let older = self.path_after(takeovers);
            if let Some(file) = disk::open(&older)? {
                self.copy(&file, &older, offset)?;
                self.remove_older()?;
                return disk::open(&self.path());
            }
        }
        Ok(None)
    }

    /// Under a name of its own until it is whole and durable. The kernel shares the blocks where the file system can.
    fn copy(&self, from: &File, older: &Path, offset: u64) -> Result<(), Error> {
        let (path, own) = (self.copy_after(self.takeovers), self.path());
        let to = disk::open_or_create(&path)?;
        to.set_len(0).map_err(failed("truncate", &path))?;
        let copied = io::copy(&mut from.take(offset), &mut &to).map_err(failed("copy", older))?;
        if copied < offset {
            return Err(self.lost(offset, Some(copied)));
        }
        to.sync_all().map_err(failed("sync", &path))?;
        match disk::rename_new(&path, &own)? {
            Renamed::Done => disk::sync_folder(disk::parent(&own)),
            Renamed::Taken | Renamed::Missing => Err(self.lost(offset, None)),
        }
    }

    pub(super) fn lost(&self, expected: u64, found: Option<u64>) -> Error {
        Error::OffsetLost { upload: self.id, expected, found }
    }

    fn path_after(&self, takeovers: u64) -> PathBuf {
        self.root.join(layout::relative(Place::Upload(self.id, takeovers)))
    }

    fn copy_after(&self, takeovers: u64) -> PathBuf {
        self.root.join(layout::relative(Place::Copy(self.id, takeovers)))
    }
}
