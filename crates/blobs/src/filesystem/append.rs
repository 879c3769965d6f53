//! Writing an upload's next bytes.

use std::cmp::Ordering;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::direct::Direct;
use super::disk::{self, failed};
use super::upload_file::UploadFile;
use super::writeback::Writeback;
use crate::error::Error;
use crate::pour::Sink;

/// Bytes that go through the page cache before a writer leaves it: whoever pulls next finds most blobs there whole.
const CACHED: u64 = 32 * 1024 * 1024;

/// An upload's file, being written at its end.
pub(super) struct Appending {
    path: PathBuf,
    file: Arc<File>,
    start: u64,
    offset: u64,
    writeback: Writeback,
    way: Way,
}

/// How bytes get to the disk.
enum Way {
    /// Through the page cache, and it is open whether that stays so.
    Begun,
    Cached,
    Direct(Direct),
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
        Ok(Self { path, file, start: offset, offset, writeback, way: Way::Begun })
    }

    /// Makes everything taken durable, and the file's name as well if this append may have made the file. Returns the
    /// offset that is durable now.
    pub(super) fn sync(&mut self) -> Result<u64, Error> {
        if let Way::Direct(direct) = std::mem::replace(&mut self.way, Way::Cached) {
            direct.end(self.offset).map_err(failed("write", &self.path))?;
        }
        self.writeback.finish().map_err(failed("write", &self.path))?;
        self.file.sync_data().map_err(failed("sync", &self.path))?;
        if self.start == 0 {
            disk::sync_folder(disk::parent(&self.path))?;
        }
        Ok(self.offset)
    }

    fn write_cached(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        self.writeback.advance(self.offset)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if matches!(self.way, Way::Begun) && self.offset - self.start >= CACHED {
            let (head, bytes) = bytes.split_at(bytes.len().min(Direct::until_block(self.offset)));
            self.write_cached(head)?;
            if bytes.is_empty() {
                return Ok(());
            }
            self.way = Direct::begin(&self.file).map_or(Way::Cached, Way::Direct);
            return self.write(bytes);
        }
        let Way::Direct(direct) = &mut self.way else { return self.write_cached(bytes) };
        direct.take(bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

impl Sink for Appending {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write(bytes).map_err(failed("write", &self.path))
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

#[cfg(test)]
mod tests {
    use hythe_oci::upload_id::UploadId;
    use tempfile::TempDir;

    use super::*;

    /// No number here fits a block or a buffer.
    const LENGTH: usize = CACHED as usize + 7_000_001;
    const PIECE: usize = 300_007;

    fn content() -> Vec<u8> {
        (0..2 * LENGTH as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    /// What one request brings; whether it was written past the cache in the end.
    fn append(upload: &UploadFile, from: usize, content: &[u8]) -> bool {
        let mut appending = Appending::open(upload, from as u64).unwrap();
        for piece in content[from..from + LENGTH].chunks(PIECE) {
            appending.take(piece).unwrap();
        }
        let direct = matches!(appending.way, Way::Direct(_));
        assert_eq!(appending.sync().unwrap(), (from + LENGTH) as u64);
        direct
    }

    #[tokio::test]
    async fn large_requests_are_whole_and_pass_by_the_cache_where_that_pays() {
        let folder = TempDir::new().unwrap();
        let upload = UploadFile::new(folder.path(), UploadId::from_u128(1), 0);
        let (file, content) = (upload.path(), content());
        tokio::task::spawn_blocking(move || {
            let direct = append(&upload, 0, &content);
            assert_eq!(
                direct,
                Direct::begin(&Arc::new(disk::open(&upload.path()).unwrap().unwrap())).is_some()
            );
            assert_eq!(append(&upload, LENGTH, &content), direct);
            assert!(std::fs::read(file).unwrap() == content);
        })
        .await
        .unwrap();
    }

    /// As it is when the upload has become another's meanwhile.
    #[tokio::test]
    async fn one_that_is_given_up_needs_no_thread_to_end_on() {
        let folder = TempDir::new().unwrap();
        let upload = UploadFile::new(folder.path(), UploadId::from_u128(1), 0);
        let begun = tokio::task::spawn_blocking(move || {
            let mut appending = Appending::open(&upload, 0).unwrap();
            content().chunks(PIECE).for_each(|piece| appending.take(piece).unwrap());
            appending
        });
        drop(begun.await.unwrap());
    }
}
