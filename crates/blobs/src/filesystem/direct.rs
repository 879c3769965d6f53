//! Writing past the page cache, for what of a large upload comes after its beginning (ADR 0026).
//!
//! It saves the copy into the cache and the way from there to the disk, and leaves the cache to the blobs that are pulled.
//! The price is that the first pull reads this part from the disk, once; nearly every blob is smaller than the beginning.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;

use super::disk;

/// Bytes of a write, and of a buffer.
const BUFFER: usize = 1024 * 1024;
/// Buffers on their way to the disk while the next one fills: with none the disk waits for every copy.
const FLIGHT: usize = 2;
/// The kernel wants buffers, offsets and lengths that are multiples of the disk's block; no disk has larger ones.
const BLOCK: usize = 4096;
/// Writers at a time, 12 MiB in all; the others use the cache, which is no slower when there are many.
static WRITERS: Semaphore = Semaphore::const_new(4);
/// Where it was measured. Over a network it would wait for each answer.
const FILE_SYSTEMS: [i64; 2] = [EXT4, XFS];
const EXT4: i64 = 0xef53;
const XFS: i64 = 0x5846_5342;

/// A file that is written past the cache, and what waits for a whole buffer. Used on blocking threads only.
pub(super) struct Direct {
    file: Arc<File>,
    filling: Buffer,
    /// The oldest first. They may outlive this where the upload is another's by now, who has a file of their own.
    flight: VecDeque<JoinHandle<io::Result<Buffer>>>,
    _writer: SemaphorePermit<'static>,
}

/// Bytes at an address that the kernel takes.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    filled: usize,
}

impl Direct {
    /// Has a file written past the cache from now on, at whole blocks; nothing where that cannot be, or is not worth it.
    pub(super) fn begin(file: &Arc<File>) -> Option<Self> {
        let writer = WRITERS.try_acquire().ok()?;
        let on = rustix::fs::fstatfs(file).ok()?;
        FILE_SYSTEMS.contains(&on.f_type).then_some(())?;
        set(file, true).ok()?;
        let file = Arc::clone(file);
        Some(Self { file, filling: Buffer::new(), flight: VecDeque::new(), _writer: writer })
    }

    /// How many bytes from this offset on have to go through the cache, up to the next whole block.
    pub(super) fn until_block(offset: u64) -> usize {
        let beyond = offset % BLOCK as u64;
        if beyond == 0 { 0 } else { BLOCK - beyond as usize }
    }

    /// Takes the bytes that follow those before them, which end at `offset`.
    pub(super) fn take(&mut self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = self.filling.fill(bytes);
            offset += taken as u64;
            bytes = &bytes[taken..];
            if self.filling.filled == BUFFER {
                self.send(offset)?;
            }
        }
        Ok(())
    }

    /// Writes what waits, which ends at `offset`, and has the file written through the cache again.
    pub(super) fn end(mut self, offset: u64) -> io::Result<()> {
        while self.land()?.is_some() {}
        set(&self.file, false)?;
        self.filling.write(&self.file, offset)
    }

    /// Sends the full buffer, which ends at `offset`, on its way.
    fn send(&mut self, offset: u64) -> io::Result<()> {
        let next = if self.flight.len() == FLIGHT { self.land()? } else { None };
        let full = std::mem::replace(&mut self.filling, next.unwrap_or_else(Buffer::new));
        let file = Arc::clone(&self.file);
        self.flight.push_back(Handle::current().spawn_blocking(move || {
            full.write(&file, offset)?;
            Ok(Buffer { filled: 0, ..full })
        }));
        Ok(())
    }

    /// Waits for the oldest buffer on its way. After an error for all others too: whoever goes on with the upload finds
    /// the file at rest.
    fn land(&mut self) -> io::Result<Option<Buffer>> {
        let landed = self.flight.pop_front().map(wait).transpose();
        if landed.is_err() {
            self.flight.drain(..).for_each(|other| drop(wait(other)));
        }
        landed
    }
}

fn wait(write: JoinHandle<io::Result<Buffer>>) -> io::Result<Buffer> {
    Handle::current().block_on(write).map_err(io::Error::other)?
}

impl Buffer {
    fn new() -> Self {
        let bytes = vec![0; BUFFER + BLOCK];
        let address = bytes.as_ptr().addr();
        Self { start: address.next_multiple_of(BLOCK) - address, bytes, filled: 0 }
    }

    /// Copies as many bytes as there is room for, and says how many those were.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(BUFFER - self.filled);
        let at = self.start + self.filled;
        self.bytes[at..at + taken].copy_from_slice(&bytes[..taken]);
        self.filled += taken;
        taken
    }

    /// Writes it so that it ends at `end`. A file system may still refuse: it is asked for less then.
    fn write(&self, file: &File, end: u64) -> io::Result<()> {
        let waiting = &self.bytes[self.start..self.start + self.filled];
        let begin = end - waiting.len() as u64;
        match file.write_all_at(waiting, begin) {
            Err(error) if disk::errno(&error) == Some(Errno::INVAL) => {
                set(file, false)?;
                file.write_all_at(waiting, begin)
            }
            other => other,
        }
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
