//! Buffers for reading, used again instead of being allocated for every piece of a body.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Size of a buffer in bytes: 64 KiB to 1 MiB serve equally fast over TLS and HTTP/2, 4 MiB loses.
pub(crate) const BUFFER: usize = 256 * 1024;
/// Idle buffers that are kept, 8 MiB in all; more are freed after a burst of readers.
const IDLE: usize = 32;

/// A store's idle buffers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    idle: Arc<Mutex<Vec<Box<[u8]>>>>,
}

/// A buffer on loan; dropping it gives it back.
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    filled: usize,
    pool: Pool,
}

impl Pool {
    /// An idle buffer, or a new one.
    pub(crate) fn take(&self) -> Buffer {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: idle.unwrap_or_else(|| vec![0; BUFFER].into()), filled: 0, pool: self.clone() }
    }

    fn give_back(&self, bytes: Box<[u8]>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(bytes);
        }
    }
}

impl Buffer {
    /// Its first `length` bytes (at most [`BUFFER`]), to be written over.
    pub(crate) fn room(&mut self, length: usize) -> &mut [u8] {
        let length = length.min(self.bytes.len());
        &mut self.bytes[..length]
    }

    /// The first `filled` bytes as a shared piece; the buffer returns to its pool when the last handle is dropped.
    pub(crate) fn freeze(mut self, filled: usize) -> Bytes {
        self.filled = filled.min(self.bytes.len());
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_returns_when_its_last_piece_is_dropped() {
        let pool = Pool::default();
        let mut buffer = pool.take();
        buffer.room(3).copy_from_slice(b"abc");
        let address = buffer.bytes.as_ptr();
        let piece = buffer.freeze(3);
        let tail = piece.slice(1..);
        drop(piece);
        assert_eq!(&tail[..], b"bc");
        assert!(pool.idle.lock().unwrap().is_empty());
        drop(tail);
        assert_eq!(pool.take().bytes.as_ptr(), address);
    }

    #[test]
    fn keeps_only_so_many() {
        let pool = Pool::default();
        let burst: Vec<Buffer> = (0..IDLE + 5).map(|_| pool.take()).collect();
        drop(burst);
        assert_eq!(pool.idle.lock().unwrap().len(), IDLE);
    }
}
