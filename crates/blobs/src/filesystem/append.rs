//! Writing an upload's next bytes.

use std::cmp::Ordering;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{self, failed};
use super::upload_file::UploadFile;
use super::writeback::Writeback;
use crate::error::Error;
use crate::pour::Sink;

/// An upload's file, being written at its end.
pub(super) struct Appending {
    path: PathBuf,
    file: Arc<File>,
    start: u64,
    offset: u64,
    writeback: Writeback,
}

impl Appending {
    /// Opens the file so that it ends exactly at `offset`.
    pub(super) fn open(upload: &UploadFile, offset: u64) -> Result<Self, Error> {
        let path = upload.path();
        let file = match offset {
            0 => disk::open_or_create(&path)?,
            _ => upload.open(offset)?.ok_or_else(|| upload.lost(offset, None))?,
        };
        end_at(&file, upload, offset)?;
        let file = Arc::new(file);
        let writeback = Writeback::new(Arc::clone(&file), offset);
        Ok(Self { path, file, start: offset, offset, writeback })
    }

    /// Makes everything taken durable, and the file's name as well if this append may have made the file. Returns the
    /// offset that is durable now.
    pub(super) fn sync(&mut self) -> Result<u64, Error> {
        self.writeback.finish().map_err(failed("write", &self.path))?;
        self.file.sync_data().map_err(failed("sync", &self.path))?;
        if self.start == 0 {
            disk::sync_folder(disk::parent(&self.path))?;
        }
        Ok(self.offset)
    }
}

impl Sink for Appending {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all_at(bytes, self.offset).map_err(failed("write", &self.path))?;
        self.offset += bytes.len() as u64;
        self.writeback.advance(self.offset).map_err(failed("write", &self.path))
    }
}

/// Cuts off what a writer that died left behind `offset`; fewer bytes than that cannot be helped.
pub(super) fn end_at(file: &File, upload: &UploadFile, offset: u64) -> Result<(), Error> {
    let path = &upload.path();
    let found = file.metadata().map_err(failed("inspect", path))?.len();
    match found.cmp(&offset) {
        Ordering::Less => Err(upload.lost(offset, Some(found))),
        Ordering::Equal => Ok(()),
        Ordering::Greater => file.set_len(offset).map_err(failed("truncate", path)),
    }
}
