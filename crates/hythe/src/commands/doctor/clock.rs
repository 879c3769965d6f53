//! The clock: tokens, certificates and cloud signatures all fail by it, and never say so.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hythe_metadata::Database;

use crate::config::{Config, StorageUrl};
use crate::stores::{self, Beside};
use hythe_registry::doctor::Finding;

const CHECK: &str = "clock";

/// 2025-01-01: no build of this program is older.
const EARLIEST: Duration = Duration::from_secs(1_735_689_600);

/// File times are coarse, and a network adds to that.
const TOLERANCE: Duration = Duration::from_secs(2);

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let now = SystemTime::now();
    if now.duration_since(UNIX_EPOCH).unwrap_or_default() < EARLIEST {
        let finding = format!("this machine believes it is {}", shown(now));
        return vec![Finding::fail(CHECK, finding, "set the clock: run chrony or systemd-timesyncd")];
    }
    let mut findings = vec![compare_with_storage(config, now)];
    findings.extend(compare_with_database(config).await);
    findings
}

/// A SQLite file has no clock of its own, and whether the database answers is another check's matter.
async fn compare_with_database(config: &Config) -> Option<Finding> {
    if config.database.url.sqlite_path().is_some() {
        return None;
    }
    let database = Database::open(&stores::database_options(config, Beside::AServer)).ok()?;
    // What it takes to connect must not count as a difference.
    database.ping().await.ok()?;
    let (before, theirs, after) = (SystemTime::now(), database.now().await.ok()?, SystemTime::now());
    let theirs = UNIX_EPOCH + Duration::from_micros(u64::try_from(theirs).ok()?);
    // It was read somewhere between the two.
    let ours = theirs.clamp(before, after.max(before));
    Some(judge("database", ours, theirs))
}

fn compare_with_storage(config: &Config, now: SystemTime) -> Finding {
    let StorageUrl::Folder(folder) = &config.storage.url else {
        return Finding::ok(CHECK, format!("this machine's time is {}", shown(now)));
    };
    let folder = if folder.is_dir() { folder } else { &config.root.data };
    match time_of_new_file(folder) {
        Ok(written) => judge("storage", now, written),
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

fn judge(other: &str, now: SystemTime, theirs: SystemTime) -> Finding {
    let apart = now.duration_since(theirs).unwrap_or_else(|error| error.duration());
    if apart <= TOLERANCE {
        return Finding::ok(CHECK, format!("this machine's time is {}, and its {other} agrees", shown(now)));
    }
    let which = if theirs > now { "ahead of" } else { "behind" };
    let finding = format!("the clock of the {other} is {} s {which} this machine's", apart.as_secs());
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
    use hythe_registry::doctor::Status;

    #[test]
    fn clocks_that_are_apart_are_told_by_how_much() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        assert_eq!(
            judge("storage", now, now - Duration::from_secs(1)),
            Finding::ok(CHECK, "this machine's time is 2027-01-15T08:00:00Z, and its storage agrees")
        );
        for (theirs, finding) in [
            (now + Duration::from_secs(90), "the clock of the database is 90 s ahead of this machine's"),
            (now - Duration::from_secs(3), "the clock of the database is 3 s behind this machine's"),
        ] {
            let apart = judge("database", now, theirs);
            assert_eq!((apart.status, apart.finding.as_str()), (Status::Warn, finding));
        }
    }

    #[test]
    fn the_file_it_dates_is_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        time_of_new_file(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
