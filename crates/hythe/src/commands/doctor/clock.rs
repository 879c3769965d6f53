//! The clock: tokens, certificates and cloud signatures all fail by it, and never say so.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::finding::Finding;
use crate::config::{Config, StorageUrl};

const CHECK: &str = "clock";

/// 2025-01-01: no build of this program is older.
const EARLIEST: Duration = Duration::from_secs(1_735_689_600);

/// File times are coarse, and a network adds to that.
const TOLERANCE: Duration = Duration::from_secs(2);

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let now = SystemTime::now();
    if now.duration_since(UNIX_EPOCH).unwrap_or_default() < EARLIEST {
        let finding = format!("this machine believes it is {}", shown(now));
        return vec![Finding::fail(CHECK, finding, "set the clock: run chrony or systemd-timesyncd")];
    }
    vec![compare_with_storage(config, now)]
}

fn compare_with_storage(config: &Config, now: SystemTime) -> Finding {
    let StorageUrl::Folder(folder) = &config.storage.url else {
        return Finding::ok(CHECK, format!("this machine's time is {}", shown(now)));
    };
    let folder = if folder.is_dir() { folder } else { &config.root.data };
    match time_of_new_file(folder) {
        Ok(written) => judge(now, written),
        Err(_) => Finding::ok(CHECK, format!("this machine's time is {}", shown(now))),
    }
}

/// On a shared folder it is the file server's clock that dates a file.
fn time_of_new_file(folder: &Path) -> io::Result<SystemTime> {
    let path = folder.join(format!(".hythe-doctor-{}", std::process::id()));
    let written = File::create_new(&path).and_then(|file| file.metadata()?.modified());
    let removed = fs::remove_file(&path);
    written.and_then(|time| removed.map(|()| time))
}

fn judge(now: SystemTime, written: SystemTime) -> Finding {
    let apart = now.duration_since(written).unwrap_or_else(|error| error.duration());
    if apart <= TOLERANCE {
        return Finding::ok(CHECK, format!("this machine's time is {}, and its storage agrees", shown(now)));
    }
    let finding = format!("this machine and its storage are {} s apart", apart.as_secs());
    Finding::warn(CHECK, finding, "set both clocks by one source: run chrony or systemd-timesyncd on both")
}

/// Seconds will do.
fn shown(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let stamp = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    stamp.map_or_else(|| "beyond all calendars".to_owned(), |stamp| stamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::Status;

    #[test]
    fn clocks_that_are_apart_are_told_by_how_much() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        assert_eq!(
            judge(now, now - Duration::from_secs(1)),
            Finding::ok(CHECK, "this machine's time is 2027-01-15T08:00:00Z, and its storage agrees")
        );
        let apart = judge(now, now + Duration::from_secs(90));
        assert_eq!(
            (apart.status, apart.finding.as_str()),
            (Status::Warn, "this machine and its storage are 90 s apart")
        );
    }

    #[test]
    fn the_file_it_dates_is_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        time_of_new_file(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
