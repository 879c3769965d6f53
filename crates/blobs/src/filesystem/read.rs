//! Reading a published file: from the page cache at once, from the disk on a blocking thread.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use tokio::task::spawn_blocking;

use super::disk::{errno, retry_stale};
use crate::body::{BodyError, BodyStream};
use crate::pool::{BUFFER, Buffer, Pool};

/// A published file that was opened, with its path for the case that a network file system forgets the handle.
#[derive(Clone)]
pub(crate) struct OpenFile {
    file: Arc<File>,
    path: Arc<Path>,
    pool: Pool,
}

/// What a read without waiting gave.
enum Attempt {
    Read(usize),
    /// Not in the page cache, or the file system cannot say.
    Cold,
}

impl OpenFile {
    pub(super) fn new(file: File, path: PathBuf, pool: Pool) -> Self {
        Self { file: Arc::new(file), path: path.into(), pool }
    }

    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub(crate) fn stream(&self, range: Range<u64>) -> BodyStream {
        stream::unfold((self.clone(), range), |(mut open, range)| async move {
            if range.is_empty() {
                return None;
            }
            Some(match open.read(&range).await {
                Ok(piece) => {
                    let rest = range.start + piece.len() as u64..range.end;
                    (Ok(piece), (open, rest))
                }
                Err(error) => {
                    let error = BodyError::new(format!("cannot read {}: {error}", open.path.display()));
                    (Err(error), (open, 0..0))
                }
            })
        })
        .boxed()
    }

    /// The next piece of the range, never empty.
    async fn read(&mut self, range: &Range<u64>) -> io::Result<Bytes> {
        let length = usize::try_from(range.end - range.start).unwrap_or(BUFFER).min(BUFFER);
        let mut buffer = self.pool.take();
        match read_now(&self.file, buffer.room(length), range.start)? {
            Attempt::Read(0) => Err(ended_early(range)),
            Attempt::Read(count) => Ok(buffer.freeze(count)),
            Attempt::Cold => self.read_cold(buffer, length, range).await,
        }
    }

    async fn read_cold(
        &mut self,
        mut buffer: Buffer,
        length: usize,
        range: &Range<u64>,
    ) -> io::Result<Bytes> {
        let (file, path, offset) = (Arc::clone(&self.file), Arc::clone(&self.path), range.start);
        let read = spawn_blocking(move || {
            let (file, count) = read_or_reopen(file, &path, buffer.room(length), offset)?;
            io::Result::Ok((file, buffer.freeze(count)))
        });
        let (file, piece) = read.await.map_err(io::Error::other)??;
        self.file = file;
        if piece.is_empty() { Err(ended_early(range)) } else { Ok(piece) }
    }
}

fn ended_early(range: &Range<u64>) -> io::Error {
    let text = format!("the file ends at byte {}, {} bytes early", range.start, range.end - range.start);
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

/// Opens a file for reading without waiting, `None` if its path is not in the kernel's cache.
#[cfg(target_os = "linux")]
pub(super) fn open_now(path: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok().map(File::from)
}

/// Other systems cannot open without waiting.
#[cfg(not(target_os = "linux"))]
pub(super) fn open_now(_: &Path) -> Option<File> {
    None
}

/// Reads what is in the page cache, without waiting for the disk.
#[cfg(target_os = "linux")]
fn read_now(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<Attempt> {
    let mut buffers = [io::IoSliceMut::new(buffer)];
    match rustix::io::preadv2(file, &mut buffers, offset, rustix::io::ReadWriteFlags::NOWAIT) {
        Ok(count) => Ok(Attempt::Read(count)),
        // Not cached; or interrupted; or a file system that cannot tell; or a handle to be opened again.
        Err(Errno::AGAIN | Errno::INTR | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS | Errno::STALE) => {
            Ok(Attempt::Cold)
        }
        Err(error) => Err(error.into()),
    }
}

/// Other systems cannot read without waiting.
#[cfg(not(target_os = "linux"))]
fn read_now(_: &File, _: &mut [u8], _: u64) -> io::Result<Attempt> {
    Ok(Attempt::Cold)
}

/// Fills the buffer as far as the file goes; a stale handle is opened again once, the file being unchangeable.
fn read_or_reopen(
    file: Arc<File>,
    path: &Path,
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<(Arc<File>, usize)> {
    match read_full(&file, buffer, offset) {
        Err(error) if errno(&error) == Some(Errno::STALE) => {
            let file = Arc::new(retry_stale(|| File::open(path))?);
            let count = read_full(&file, buffer, offset)?;
            Ok((file, count))
        }
        other => Ok((file, other?)),
    }
}

fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
