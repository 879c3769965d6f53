//! Whether the folder can be written, how fast, and how much room it has.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use hythe_oci::upload_id::UploadId;

use super::disk::{self, failed};
use super::layout::{self, Place};
use crate::error::Error;
use crate::mount::{Mount, Nature, fsync_is_disarmed};
use crate::store::{Note, Probe};

/// Size of the probe in bytes: one page, as a small configuration blob would be.
const SIZE: usize = 4096;
/// Below this the notes warn.
const LITTLE_ROOM: u64 = 1024 * 1024 * 1024;
/// Each blob and each upload is a file.
const FEW_FILES: u64 = 10_000;

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

fn notes(root: &Path, free_bytes: Option<u64>) -> Vec<Note> {
    let forgetting = fsync_is_disarmed().then(|| Note {
        finding: "libeatmydata is loaded, and syncing does nothing: a power cut loses what was pushed"
            .to_owned(),
        remedy: "start without LD_PRELOAD",
    });
    let little = free_bytes.filter(|&free| free < LITTLE_ROOM).map(|free| Note {
        finding: format!("{} has only {} MiB left: pushes will soon be refused", root.display(), free >> 20),
        remedy: "make room, or use a larger disk",
    });
    let mount = Mount::of(root).ok();
    let of_mount = mount.iter().flat_map(|mount| notes_of_mount(root, mount));
    forgetting.into_iter().chain(little).chain(of_mount).collect()
}

fn notes_of_mount(root: &Path, mount: &Mount) -> Vec<Note> {
    let shown = root.display();
    let mut notes = Vec::new();
    if mount.nature == Nature::Fleeting {
        notes.push(Note {
            finding: format!(
                "{shown} is on {}: everything in it is lost with this machine or container",
                mount.kind
            ),
            remedy: "mount a disk or a volume there",
        });
    }
    if let Some(option) = mount.careless_mount {
        notes.push(Note {
            finding: format!("{shown} is mounted with {option}: a power cut may lose what was pushed"),
            remedy: "mount it without this option",
        });
    }
    if let Some(files) = mount.free_files.filter(|&files| files < FEW_FILES) {
        notes.push(Note {
            finding: format!("{shown} on {} can hold only {files} more files", mount.kind),
            remedy: "make room for files (inodes): pushes will soon be refused",
        });
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_is_noted_for_what_it_does_not_keep() {
        let good = Mount {
            kind: "ext4".to_owned(),
            nature: Nature::Disk,
            read_only: false,
            free_bytes: 40 << 30,
            free_files: Some(1_000_000),
            careless_mount: None,
        };
        let noted = |mount: &Mount| {
            let notes = notes_of_mount(Path::new("/blobs"), mount);
            notes.into_iter().map(|note| note.finding).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(noted(&good), "");
        assert_eq!(
            noted(&Mount { careless_mount: Some("nobarrier"), ..good.clone() }),
            "/blobs is mounted with nobarrier: a power cut may lose what was pushed"
        );
        assert_eq!(
            noted(&Mount { nature: Nature::Fleeting, kind: "tmpfs".to_owned(), ..good.clone() }),
            "/blobs is on tmpfs: everything in it is lost with this machine or container"
        );
        assert_eq!(
            noted(&Mount { free_files: Some(7), ..good }),
            "/blobs on ext4 can hold only 7 more files"
        );
    }
}
