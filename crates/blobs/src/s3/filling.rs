//! The part that fills: in memory while there is room for it, else in a file without a name.
//!
//! S3 wants parts of at least 5 MiB, and a part cannot be sent before it is full. Memory for the parts of all uploads has
//! an end; were uploads to wait for it, a few slow clients would keep all others waiting.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

use super::parts::FIRST_PART;
use crate::error::Error;
use crate::pour::{Sink, stopped};

/// Parts of the first size in memory, filling or on their way, in all uploads together: 16 MiB, what one fast
/// upload needs.
static ROOM: Semaphore = Semaphore::const_new(2);
/// The same for parts that were filled in a file and are on their way: 16 MiB. Room of their own, which nobody holds who
/// waits for a client.
static FROM_FILES: Semaphore = Semaphore::const_new(FROM_FILES_IN_ALL);
const FROM_FILES_IN_ALL: usize = 2;
/// Bytes that need no room: most uploads end below.
const SMALL: usize = 256 * 1024;

/// Room for a part; dropping it gives it back.
pub(super) type Room = SemaphorePermit<'static>;

/// Bytes behind the last part, in the order in which they came.
pub(super) struct Filling {
    kept: Kept,
    /// How many there can be: the size in bytes of the part.
    whole: u64,
}

enum Kept {
    Memory(Vec<u8>, Option<Room>),
    File(File, u64),
}

/// A full part in memory, with the room for it.
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) room: Option<Room>,
}

impl Filling {
    /// A part of `whole` bytes that begins with these.
    pub(super) fn new(bytes: Vec<u8>, whole: u64) -> Self {
        Self { kept: Kept::Memory(bytes, None), whole }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> u64 {
        match &self.kept {
            Kept::Memory(bytes, _) => bytes.len() as u64,
            Kept::File(_, length) => *length,
        }
    }

    /// Brings the part into memory, once there is room for it.
    pub(super) async fn into_part(self) -> Result<Part, Error> {
        match self.kept {
            Kept::Memory(bytes, Some(room)) => Ok(Part { bytes, room: Some(room) }),
            Kept::Memory(bytes, None) if bytes.len() <= SMALL => Ok(Part { bytes, room: None }),
            Kept::Memory(bytes, None) => {
                Ok(Part { room: Some(room_from_files(bytes.len() as u64).await?), bytes })
            }
            Kept::File(file, length) => {
                let room = Some(room_from_files(length).await?);
                let bytes = spawn_blocking(move || read(&file, length)).await.map_err(stopped).flatten()?;
                Ok(Part { bytes, room })
            }
        }
    }

    /// Takes room for the whole part, or goes on in a file.
    fn make_room(&mut self) -> io::Result<()> {
        let Kept::Memory(bytes, room @ None) = &mut self.kept else { return Ok(()) };
        if let Ok(found) = ROOM.try_acquire_many(cost(self.whole)) {
            *room = Some(found);
            return Ok(());
        }
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        self.kept = Kept::File(file, bytes.len() as u64);
        Ok(())
    }
}

impl Sink for Filling {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.len() + bytes.len() as u64 > SMALL as u64 {
            self.make_room().map_err(failed("make"))?;
        }
        match &mut self.kept {
            Kept::Memory(kept, _) => kept.extend_from_slice(bytes),
            Kept::File(file, length) => {
                file.write_all(bytes).map_err(failed("write"))?;
                *length += bytes.len() as u64;
            }
        }
        Ok(())
    }
}

/// Waits for parts on their way to arrive. A part larger than all the room takes all of it.
async fn room_from_files(size: u64) -> Result<Room, Error> {
    let cost = cost(size).min(u32::try_from(FROM_FILES_IN_ALL).unwrap_or(u32::MAX));
    FROM_FILES.acquire_many(cost).await.map_err(stopped)
}

fn cost(size: u64) -> u32 {
    u32::try_from(size.div_ceil(FIRST_PART)).unwrap_or(u32::MAX)
}

fn read(file: &File, length: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, 0).map_err(failed("read"))?;
    Ok(bytes)
}

fn failed(action: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| {
        let place = format!("a temporary file in {}", std::env::temp_dir().display());
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Error::Full { place, free_bytes: None }
            }
            _ => Error::Io { action, place, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(pieces: usize) -> Filling {
        let mut filling = Filling::new(vec![9; 5], FIRST_PART);
        for number in 0..pieces {
            filling.take(&[u8::try_from(number % 250).unwrap(); 100_000]).unwrap();
        }
        filling
    }

    #[tokio::test]
    async fn parts_beyond_the_room_are_whole_as_well_and_are_kept_in_files() {
        let fillings: Vec<Filling> = (0..8).map(|_| fill(20)).collect();
        let in_files = fillings.iter().filter(|filling| matches!(filling.kept, Kept::File(..))).count();
        assert!(in_files >= 2, "{in_files} in files");
        let expected = [vec![9; 5], (0..20).flat_map(|number| vec![number; 100_000]).collect()].concat();
        for filling in fillings {
            assert_eq!(filling.len(), 2_000_005);
            assert!(filling.into_part().await.unwrap().bytes == expected);
        }
    }

    #[tokio::test]
    async fn a_small_part_needs_no_room() {
        let _all: Vec<Filling> = (0..8).map(|_| fill(20)).collect();
        let small = fill(2);
        assert!(matches!(small.kept, Kept::Memory(_, None)));
        assert_eq!(small.into_part().await.unwrap().bytes.len(), 200_005);
    }
}
