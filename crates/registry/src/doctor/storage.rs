//! The storage: whether it takes a blob, how fast, and whether it will keep it.

use hythe_blobs::{BlobStore, Probe};

use super::Finding;

pub(super) const CHECK: &str = "storage";

/// A sync that takes longer than this slows every push down.
const SLOW_SYNC_MS: f64 = 200.0;
/// A small object is written and acknowledged in a part of this by any bucket in the same place.
const SLOW_WRITE_MS: f64 = 1000.0;
/// Less than this part of the room is soon none.
const NEARLY_FULL: u64 = 20;

pub(super) async fn check(store: &dyn BlobStore) -> Vec<Finding> {
    let (name, remedy) = match store.kind() {
        "s3" => {
            ("the bucket", "see what the object store's own log says, and whether its key may still write")
        }
        "filesystem" => {
            ("the storage folder", "check the disk or the mount, and the rights of the node's user")
        }
        _ => ("the storage", "see the log of the node"),
    };
    match store.probe().await {
        Ok(probe) => describe(name, &probe),
        Err(error) => {
            vec![Finding::fail(CHECK, format!("{name} of this node cannot be used: {error}"), remedy)]
        }
    }
}

/// What a small write showed of storage that bears this name.
pub fn describe(name: &str, probe: &Probe) -> Vec<Finding> {
    let mut findings = vec![speed(name, probe)];
    findings.extend(room(name, probe));
    findings.extend(probe.notes.iter().map(|note| Finding::warn(CHECK, &note.finding, note.remedy)));
    findings
}

fn speed(name: &str, probe: &Probe) -> Finding {
    let Probe { write_ms, sync_ms, .. } = probe;
    let finding = match *sync_ms > 0.0 {
        true => format!(
            "a test file was written to {name} in {write_ms:.1} ms, was durable after {sync_ms:.1} ms and read back right"
        ),
        false => format!("{name} took, kept and gave back a test object in {write_ms:.1} ms"),
    };
    if *sync_ms > SLOW_SYNC_MS {
        return Finding::warn(CHECK, finding, "use a faster disk: every push waits for several such syncs");
    }
    if *write_ms > SLOW_WRITE_MS {
        return Finding::warn(
            CHECK,
            finding,
            "use storage that is nearer or less busy: every push waits for it",
        );
    }
    Finding::ok(CHECK, finding)
}

fn room(name: &str, probe: &Probe) -> Option<Finding> {
    let (free, total) = (probe.free_bytes?, probe.total_bytes?);
    (free < total / NEARLY_FULL).then(|| {
        let used = 100 - u128::from(free) * 100 / u128::from(total.max(1));
        Finding::warn(
            CHECK,
            format!("{name} is {used} % full: {} MiB are left of {} MiB", free >> 20, total >> 20),
            "make room, by `hythe gc run` and a retention policy, or use a larger disk: pushes will soon be refused",
        )
    })
}

#[cfg(test)]
mod tests {
    use hythe_blobs::Note;

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
        let note = Note { finding: "it forgets".to_owned(), remedy: "do not let it" };
        let findings = describe("/blobs", &Probe { notes: vec![note], ..probe() });
        assert_eq!(
            findings[0].finding,
            "a test file was written to /blobs in 0.2 ms, was durable after 3.0 ms and read back right"
        );
        assert_eq!(findings[1], Finding::warn(CHECK, "it forgets", "do not let it"));
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
