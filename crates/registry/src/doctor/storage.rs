//! The storage: whether it takes a blob, how fast, and whether it will keep it.

use hythe_blobs::{BlobStore, Note, Probe};

use super::{Finding, words};

/// A sync that takes longer than this slows every push down.
const SLOW_SYNC_MS: f64 = 200.0;
/// A small object is written and acknowledged in a part of this by any bucket in the same place.
const SLOW_WRITE_MS: f64 = 1000.0;
/// Less than this part of the room is soon none.
const NEARLY_FULL: u64 = 20;

pub(super) async fn check(store: &dyn BlobStore, name: &str) -> Vec<Finding> {
    match (store.probe().await, store.kind()) {
        (Ok(probe), _) => describe(name, &probe),
        (Err(error), "s3") => vec![words::bucket_failed(error)],
        (Err(error), "filesystem") => vec![words::folder_failed(error)],
        (Err(error), _) => vec![words::storage_failed(error)],
    }
}

/// What a small write showed of storage that bears this name.
pub fn describe(name: &str, probe: &Probe) -> Vec<Finding> {
    let mut findings = vec![speed(name, probe)];
    findings.extend(room(name, probe));
    findings.extend(probe.notes.iter().map(noted));
    findings
}

fn speed(name: &str, probe: &Probe) -> Finding {
    let (write, sync) = (format!("{:.1}", probe.write_ms), format!("{:.1}", probe.sync_ms));
    match (probe.write_ms, probe.sync_ms) {
        (write_ms, 0.0) if write_ms > SLOW_WRITE_MS => words::object_slow(name, write),
        (_, 0.0) => words::object_kept(name, write),
        (write_ms, sync_ms) if sync_ms > SLOW_SYNC_MS || write_ms > SLOW_WRITE_MS => {
            words::file_slow(name, write, sync)
        }
        _ => words::file_durable(name, write, sync),
    }
}

fn room(name: &str, probe: &Probe) -> Option<Finding> {
    let (free, total) = (probe.free_bytes?, probe.total_bytes?);
    (free < total / NEARLY_FULL).then(|| {
        let used = 100 - u128::from(free) * 100 / u128::from(total.max(1));
        words::storage_nearly_full(name, used, free >> 20, total >> 20)
    })
}

fn noted(note: &Note) -> Finding {
    match note {
        Note::InMemory => words::storage_in_memory(),
        Note::SyncDisarmed => words::sync_disarmed(),
        Note::LittleRoom { folder, free_bytes } => words::little_room(folder.display(), free_bytes >> 20),
        Note::FewFiles { folder, kind, files } => words::few_files(folder.display(), kind, files),
        Note::Fleeting { folder, kind } => words::storage_fleeting(folder.display(), kind),
        Note::CarelessMount { folder, option } => words::mount_careless(folder.display(), option),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    const GIB: u64 = 1 << 30;

    fn probe() -> Probe {
        Probe {
            write_ms: 0.21,
            sync_ms: 3.0,
            free_bytes: Some(100 * GIB),
            total_bytes: Some(200 * GIB),
            notes: Vec::new(),
        }
    }

    fn found(probe: &Probe) -> Vec<(Status, String)> {
        describe("/blobs", probe).into_iter().map(|found| (found.status, found.finding)).collect()
    }

    #[test]
    fn a_probe_is_told_in_one_line_and_its_notes_are_warnings() {
        let findings = describe("/blobs", &Probe { notes: vec![Note::SyncDisarmed], ..probe() });
        assert_eq!(
            findings[0].finding,
            "a test file was written to /blobs in 0.2 ms, was durable after 3.0 ms and read back right"
        );
        assert_eq!(findings[1], words::sync_disarmed());
    }

    #[test]
    fn slow_and_nearly_full_storage_is_told() {
        assert_eq!(found(&Probe { sync_ms: 900.0, ..probe() })[0].0, Status::Warn);
        assert_eq!(found(&Probe { write_ms: 1200.0, sync_ms: 0.0, ..probe() })[0].0, Status::Warn);
        let full = found(&Probe { free_bytes: Some(4 * GIB), ..probe() });
        assert_eq!(
            full[1],
            (Status::Warn, "/blobs is 98 % full: 4096 MiB are left of 204800 MiB".to_owned())
        );
        assert_eq!(found(&Probe { free_bytes: None, total_bytes: None, ..probe() }).len(), 1);
    }
}
