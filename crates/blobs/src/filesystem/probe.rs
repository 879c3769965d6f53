//! Whether the folder can be written, how fast, and how much room it has.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use hythe_oci::upload_id::UploadId;

use super::disk::{self, failed};
use super::layout::{self, Place};
use crate::error::Error;
use crate::store::Probe;

/// Size of the probe in bytes: one page, as a small configuration blob would be.
const SIZE: usize = 4096;
/// Below this the notes warn.
const LITTLE_ROOM: u64 = 1024 * 1024 * 1024;

/// Writes, syncs, reads back and removes a file of its own.
pub(super) fn run(root: &Path) -> Result<Probe, Error> {
    if !root.is_dir() {
        return Err(Error::NotFound { place: root.display().to_string() });
    }
    let id = uuid::Uuid::new_v4();
    let path = root.join(layout::relative(Place::Probe(UploadId::from_u128(id.as_u128()))));
    let timed = write_and_read(&path, id.as_bytes());
    let removed = disk::remove(&path);
    let (write_ms, sync_ms) = timed?;
    removed?;
    let free_bytes = disk::free_bytes(root);
    Ok(Probe {
        write_ms,
        sync_ms,
        free_bytes,
        total_bytes: disk::total_bytes(root),
        notes: notes(root, free_bytes),
    })
}

fn write_and_read(path: &Path, seed: &[u8; 16]) -> Result<(f64, f64), Error> {
    let written = seed.repeat(SIZE / seed.len());
    let start = Instant::now();
    let file = disk::open_or_create(path)?;
    file.write_all_at(&written, 0).map_err(failed("write", path))?;
    let write_ms = milliseconds(start);
    let start = Instant::now();
    file.sync_all().map_err(failed("sync", path))?;
    let sync_ms = milliseconds(start);
    let mut read = vec![0; SIZE];
    file.read_exact_at(&mut read, 0).map_err(failed("read", path))?;
    if read != written {
        let place = path.display().to_string();
        return Err(Error::Unavailable {
            place,
            reason: "it reads back other bytes than were written".to_owned(),
        });
    }
    Ok((write_ms, sync_ms))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn notes(root: &Path, free_bytes: Option<u64>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(free) = free_bytes.filter(|&free| free < LITTLE_ROOM) {
        notes.push(format!(
            "{} has only {} MiB left: pushes will soon be refused",
            root.display(),
            free >> 20
        ));
    }
    notes
}
