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
    let forgetting = fsync_is_disarmed().then_some(Note::SyncDisarmed);
    let little = free_bytes.filter(|&free| free < LITTLE_ROOM);
    let little = little.map(|free_bytes| Note::LittleRoom { folder: root.to_owned(), free_bytes });
    let mount = Mount::of(root).ok();
    let of_mount = mount.into_iter().flat_map(|mount| notes_of_mount(root, mount));
    forgetting.into_iter().chain(little).chain(of_mount).collect()
}

fn notes_of_mount(root: &Path, mount: Mount) -> Vec<Note> {
    let folder = || root.to_owned();
    let mut notes = Vec::new();
    if mount.nature == Nature::Fleeting {
        notes.push(Note::Fleeting { folder: folder(), kind: mount.kind.clone() });
    }
    if let Some(option) = mount.careless_mount {
        notes.push(Note::CarelessMount { folder: folder(), option });
    }
    if let Some(files) = mount.free_files.filter(|&files| files < FEW_FILES) {
        notes.push(Note::FewFiles { folder: folder(), kind: mount.kind, files });
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
        let folder = Path::new("/blobs").to_owned();
        let noted = |mount| notes_of_mount(&folder, mount);
        let careless = Mount { careless_mount: Some("nobarrier"), ..good.clone() };
        let fleeting = Mount { nature: Nature::Fleeting, kind: "tmpfs".to_owned(), ..good.clone() };
        let crowded = Mount { free_files: Some(7), ..good.clone() };
        assert_eq!(noted(good), []);
        assert_eq!(noted(careless), [Note::CarelessMount { folder: folder.clone(), option: "nobarrier" }]);
        assert_eq!(noted(fleeting), [Note::Fleeting { folder: folder.clone(), kind: "tmpfs".to_owned() }]);
        assert_eq!(
            noted(crowded),
            [Note::FewFiles { folder: folder.clone(), kind: "ext4".to_owned(), files: 7 }]
        );
    }
}
