//! Sends written bytes to the disk while more arrive, so that the last sync is short.
//!
//! Measured with 1 GiB on ext4 (hashing 0.49 s, write and sync in seconds, three rounds alike): without early writeback
//! 0.67 + 0.22; `fdatasync` beside the writer every 32 MiB 0.69 + 0.01. `posix_fadvise(DONTNEED)` is as fast, but drops 3
//! to 26 percent of what was just pushed from the page cache, where the first pull looks for it. `sync_file_range` is as
//! fast and drops nothing, but needs `unsafe` and promises nothing on network file systems.

use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Bytes between two syncs; one runs at a time, so a slow disk gets larger steps.
const STEP: u64 = 32 * 1024 * 1024;

/// One file's early syncs. Used on blocking threads only.
pub(super) struct Writeback {
    file: Arc<File>,
    begun: u64,
    running: Option<JoinHandle<io::Result<()>>>,
}

impl Writeback {
    pub(super) fn new(file: Arc<File>, offset: u64) -> Self {
        Self { file, begun: offset, running: None }
    }

    /// Says that the file is written up to `offset`. Fails if an earlier sync did: the kernel reports a lost page only
    /// once, so that the last sync would not.
    pub(super) fn advance(&mut self, offset: u64) -> io::Result<()> {
        if offset - self.begun < STEP || self.running.as_ref().is_some_and(|sync| !sync.is_finished()) {
            return Ok(());
        }
        self.finish()?;
        let file = Arc::clone(&self.file);
        self.running = Some(Handle::current().spawn_blocking(move || file.sync_data()));
        self.begun = offset;
        Ok(())
    }

    /// Waits for the sync under way, if there is one.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self.running.take() {
            Some(sync) => Handle::current().block_on(sync).map_err(io::Error::other)?,
            None => Ok(()),
        }
    }
}
