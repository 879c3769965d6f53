//! Files on their way through hyper: which addresses of memory stand for which bytes of which file.
//!
//! hyper hands the connection's writer slices of the body's own memory. [`SendfileTable::map`] makes a body out
//! of a mapping of the file, and remembers the mapping's addresses; the writer asks [`SendfileTable::find`]
//! whether a slice lies in one, and if so lets the kernel copy from the file instead. The mapped memory is never
//! read on the way, so it costs no page faults, and a file that shrinks underneath is a short `sendfile`, not a
//! SIGBUS. A mapping of the file was preferred to reserved empty addresses, which would need no `unsafe`: should
//! any layer in between copy the body after all, it copies the right bytes.
#![allow(unsafe_code)]

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};

/// Bytes that one poll of a connection may send before it lets others run: some 3 ms at loopback speed. Without
/// it, a client that reads as fast as we write would hold a worker for as long as its file lasts.
const TURN: usize = 16 * 1024 * 1024;

/// The files in flight on one plain HTTP/1.1 connection.
pub struct SendfileTable {
    mapped: Mutex<Vec<Mapped>>,
    turn: AtomicUsize,
}

struct Mapped {
    addresses: Range<usize>,
    file: Arc<File>,
    offset: u64,
}

/// A piece of a file that a slice of memory stands for.
pub(super) struct FilePiece {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
    pub(super) len: usize,
}

impl SendfileTable {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { mapped: Mutex::default(), turn: AtomicUsize::new(TURN) })
    }

    /// Memory that stands for `range` of `file`; known to this table until the last slice of it is dropped.
    pub(super) fn map(self: &Arc<Self>, file: &Arc<File>, range: Range<u64>) -> io::Result<Bytes> {
        let len = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
        // SAFETY: the mapping is private to this process and read-only. What `Mmap` asks its caller to rule out
        // is that the file changes while a `&[u8]` of it is looked at: blobs are written once, under a name of
        // their own, then only ever unlinked, and the bytes are not looked at here at all, only their addresses.
        let map = unsafe { MmapOptions::new().offset(range.start).len(len).map(&**file)? };
        let start = map.as_ptr().addr();
        self.lock().push(Mapped {
            addresses: start..start + len,
            file: Arc::clone(file),
            offset: range.start,
        });
        Ok(Bytes::from_owner(Registered { map, table: Arc::clone(self) }))
    }

    /// The piece of a file that `slice` stands for.
    ///
    /// A hit is never stale: whoever holds a slice of a mapping holds the [`Registered`] that keeps it mapped, so
    /// no other memory can have its addresses, and the entry goes before the mapping does.
    pub(super) fn find(&self, slice: &[u8]) -> Option<FilePiece> {
        let addresses = slice.as_ptr().addr()..slice.as_ptr().addr() + slice.len();
        let mapped = self.lock();
        let home = mapped.iter().find(|mapped| {
            mapped.addresses.start <= addresses.start && addresses.end <= mapped.addresses.end
        })?;
        let offset = home.offset + (addresses.start - home.addresses.start) as u64;
        Some(FilePiece { file: Arc::clone(&home.file), offset, len: slice.len() })
    }

    /// A new poll of the connection begins: it may send a whole turn again.
    pub(super) fn begin_turn(&self) {
        self.turn.store(TURN, Ordering::Relaxed);
    }

    /// Bytes that this poll may still send.
    pub(super) fn turn_left(&self) -> usize {
        self.turn.load(Ordering::Relaxed)
    }

    pub(super) fn spend_turn(&self, sent: usize) {
        self.turn.store(self.turn_left().saturating_sub(sent), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Mapped>> {
        self.mapped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SendfileTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendfileTable").field("files", &self.lock().len()).finish()
    }
}

/// A mapping and its entry in the table, which end together.
struct Registered {
    map: Mmap,
    table: Arc<SendfileTable>,
}

impl AsRef<[u8]> for Registered {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

impl Drop for Registered {
    /// Runs before the fields are dropped, so that the entry is gone when the addresses become free again.
    fn drop(&mut self) {
        let start = self.map.as_ptr().addr();
        self.table.lock().retain(|mapped| mapped.addresses.start != start);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> Arc<File> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Arc::new(file)
    }

    #[test]
    fn slices_of_a_mapping_are_found_at_their_offset() {
        let table = SendfileTable::new();
        let body = table.map(&file_of(&[7; 20_000]), 5_000..15_000).unwrap();
        let piece = table.find(&body[1_000..1_500]).unwrap();
        assert_eq!((piece.offset, piece.len), (6_000, 500));
        assert!(table.find(&body[9_999..]).is_some());
        assert!(table.find(b"elsewhere").is_none());
    }

    #[test]
    fn the_entry_lives_as_long_as_the_last_slice() {
        let table = SendfileTable::new();
        let mut body = table.map(&file_of(&[7; 20_000]), 0..20_000).unwrap();
        let first = body.split_to(10_000);
        drop(body);
        assert!(table.find(&first).is_some());
        drop(first);
        assert!(table.lock().is_empty());
    }

    #[test]
    fn two_files_are_told_apart() {
        let table = SendfileTable::new();
        let (one, two) = (file_of(&[1; 8_192]), file_of(&[2; 8_192]));
        let bodies = [table.map(&one, 0..8_192).unwrap(), table.map(&two, 4_096..8_192).unwrap()];
        assert!(Arc::ptr_eq(&table.find(&bodies[0]).unwrap().file, &one));
        assert!(Arc::ptr_eq(&table.find(&bodies[1]).unwrap().file, &two));
    }
}
