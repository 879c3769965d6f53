//! Writing past the page cache, for what of a large upload comes after its beginning (ADR 0026).
//!
//! It saves the copy into the cache and the way from there to the disk, and leaves the cache to the blobs that are pulled.
//! The price is that the first pull reads this part from the disk, once; nearly every blob is smaller than the beginning.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::disk;

/// Bytes of a write, and of the buffer that each writer holds.
const BUFFER: usize = 2 * 1024 * 1024;
/// The kernel wants buffers, offsets and lengths that are multiples of the disk's block; no disk has larger ones.
const BLOCK: usize = 4096;
/// Writers at a time, 8 MiB in all; the others use the cache, which is no slower when there are many.
static WRITERS: Semaphore = Semaphore::const_new(4);
/// Where it was measured. Over a network it would wait for each answer.
const FILE_SYSTEMS: [i64; 2] = [EXT4, XFS];
const EXT4: i64 = 0xef53;
const XFS: i64 = 0x5846_5342;

/// A file that is written past the cache, and what waits for a whole buffer.
pub(super) struct Direct {
    bytes: Vec<u8>,
    /// Where in `bytes` the buffer begins.
    start: usize,
    filled: usize,
    _writer: SemaphorePermit<'static>,
}

impl Direct {
    /// Has a file written past the cache from now on, at whole blocks; nothing where that cannot be, or is not worth it.
    pub(super) fn begin(file: &File) -> Option<Self> {
        let writer = WRITERS.try_acquire().ok()?;
        let on = rustix::fs::fstatfs(file).ok()?;
        FILE_SYSTEMS.contains(&on.f_type).then_some(())?;
        set(file, true).ok()?;
        let bytes = vec![0; BUFFER + BLOCK];
        let address = bytes.as_ptr().addr();
        Some(Self { start: address.next_multiple_of(BLOCK) - address, bytes, filled: 0, _writer: writer })
    }

    /// How many bytes from this offset on have to go through the cache, up to the next whole block.
    pub(super) fn until_block(offset: u64) -> usize {
        let beyond = offset % BLOCK as u64;
        if beyond == 0 { 0 } else { BLOCK - beyond as usize }
    }

    /// Takes the bytes that follow those before them, which end at `offset`.
    pub(super) fn take(&mut self, file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER - self.filled));
            let at = self.start + self.filled;
            self.bytes[at..at + now.len()].copy_from_slice(now);
            self.filled += now.len();
            offset += now.len() as u64;
            bytes = later;
            if self.filled == BUFFER {
                self.write(file, offset)?;
            }
        }
        Ok(())
    }

    /// Writes what waits, which ends at `offset`, and has the file written through the cache again.
    pub(super) fn end(mut self, file: &File, offset: u64) -> io::Result<()> {
        set(file, false)?;
        self.write(file, offset)
    }

    /// A file system may still refuse: it is asked for less then.
    fn write(&mut self, file: &File, end: u64) -> io::Result<()> {
        let waiting = &self.bytes[self.start..self.start + self.filled];
        let begin = end - waiting.len() as u64;
        match file.write_all_at(waiting, begin) {
            Err(error) if disk::errno(&error) == Some(Errno::INVAL) => {
                set(file, false)?;
                file.write_all_at(waiting, begin)?;
            }
            other => other?,
        }
        self.filled = 0;
        Ok(())
    }
}

fn set(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, direct);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_a_block() {
        assert_eq!(Direct::until_block(0), 0);
        assert_eq!(Direct::until_block(1), BLOCK - 1);
        assert_eq!(Direct::until_block(BLOCK as u64 - 1), 1);
        assert_eq!(Direct::until_block(3 * BLOCK as u64), 0);
    }
}
