//! The storage: whether it takes a blob, keeps it through a power cut, and gives it back.

use std::path::Path;

use hythe_blobs::Probe;

use super::finding::{Finding, Status};
use super::folder;
use super::place::{Place, fsync_is_disarmed};
use crate::config::{Config, StorageUrl};
use crate::stores;

const CHECK: &str = "storage";

/// A sync that takes longer than this slows every push down.
const SLOW_SYNC_MS: f64 = 200.0;

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    match &config.storage.url {
        StorageUrl::Memory => vec![Finding::warn(
            CHECK,
            "blobs are kept in memory and are gone when the server ends",
            "name a folder or a bucket as storage.url",
        )],
        StorageUrl::Folder(path) if !path.exists() => vec![folder::missing(CHECK, path, "storage.url")],
        StorageUrl::Folder(path) => {
            let mut findings = vec![judge_folder(path)];
            findings.extend(durability(path));
            findings.extend(probe(config).await);
            findings
        }
        StorageUrl::Bucket(_) => probe(config).await,
    }
}

fn judge_folder(path: &Path) -> Finding {
    match Place::of(path) {
        Ok(place) => folder::describe(CHECK, path, &place),
        Err(error) => {
            Finding::fail(CHECK, format!("{} cannot be looked at, {error}", path.display()), "check the disk")
        }
    }
}

/// What makes a write forgettable although it was synced.
fn durability(path: &Path) -> Option<Finding> {
    if fsync_is_disarmed() {
        let finding = "libeatmydata is loaded, and syncing does nothing: a power cut loses what was pushed";
        return Some(Finding::warn(CHECK, finding, "start without LD_PRELOAD"));
    }
    let option = Place::of(path).ok()?.careless_mount?;
    let finding =
        format!("{} is mounted with {option}: a power cut may lose what was pushed", path.display());
    Some(Finding::warn(CHECK, finding, format!("mount it without {option}")))
}

async fn probe(config: &Config) -> Vec<Finding> {
    let url = &config.storage.url;
    let store = match stores::open_blobs(config) {
        Ok(store) => store,
        Err(failure) => return vec![Finding::fail(CHECK, failure.to_string(), remedy(url))],
    };
    match store.probe().await {
        Ok(probe) => describe(url, &probe),
        Err(error) => vec![Finding::fail(CHECK, error.to_string(), remedy(url))],
    }
}

fn describe(url: &StorageUrl, probe: &Probe) -> Vec<Finding> {
    let Probe { write_ms, sync_ms, notes, .. } = probe;
    let spoken = match url {
        StorageUrl::Bucket(_) => {
            format!("{url} took, kept and gave back a test object in {:.1} ms", write_ms + sync_ms)
        }
        _ => format!(
            "a test file was written in {write_ms:.1} ms, was durable after {sync_ms:.1} ms and read back right"
        ),
    };
    let finding = if *sync_ms > SLOW_SYNC_MS {
        Finding::warn(CHECK, spoken, "use a faster disk: every push waits for several such syncs")
    } else {
        Finding::ok(CHECK, spoken)
    };
    let notes = notes.iter().map(|note| Finding { status: Status::Warn, ..Finding::ok(CHECK, note) });
    std::iter::once(finding).chain(notes).collect()
}

fn remedy(url: &StorageUrl) -> &'static str {
    match url {
        StorageUrl::Bucket(_) => {
            "check storage.url and storage.s3, and that the bucket exists and the key may write to it"
        }
        _ => "check the disk and its rights, or name another folder as storage.url",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_told_in_one_line_and_its_notes_are_warnings() {
        let probe = Probe {
            write_ms: 0.21,
            sync_ms: 3.0,
            free_bytes: None,
            total_bytes: None,
            notes: vec!["nearly full".to_owned()],
        };
        let findings = describe(&StorageUrl::Folder("/blobs".into()), &probe);
        assert_eq!(
            findings[0].finding,
            "a test file was written in 0.2 ms, was durable after 3.0 ms and read back right"
        );
        assert_eq!((findings[1].status, findings[1].finding.as_str()), (Status::Warn, "nearly full"));
        let slow = describe(&StorageUrl::Folder("/blobs".into()), &Probe { sync_ms: 900.0, ..probe });
        assert_eq!(slow[0].status, Status::Warn);
    }
}
