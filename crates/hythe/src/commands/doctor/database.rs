//! The database: reachable, at the right schema, and not another server's.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hythe_blobs::mount::{Mount, Nature};
use hythe_metadata::Database;
use hythe_registry::doctor::{Finding, failed_database, judge_schema};

use super::folder;
use crate::config::Config;
use crate::stores::{self, Beside};

const CHECK: &str = "database";

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let url = &config.database.url;
    let Some(path) = url.sqlite_path() else { return vec![open_and_look(config).await] };
    if !path.exists() {
        // To look would be to make it, and a doctor changes nothing.
        return vec![folder::missing(CHECK, path, "database.url")];
    }
    let mut findings = vec![open_and_look(config).await];
    findings.extend(served_by(path));
    findings.extend(on_network(path));
    findings.extend(readable_by_all(path));
    findings
}

async fn open_and_look(config: &Config) -> Finding {
    let url = config.database.url.to_string();
    let looked = match Database::open(&stores::database_options(config, Beside::AServer)) {
        Ok(database) => database.schema().await,
        Err(error) => Err(error),
    };
    match looked {
        Ok(schema) => judge_schema(&url, schema),
        Err(error) => failed_database(&url, &error),
    }
}

/// Who has the file: whoever holds the lock beside it, which says so in its text ("HOST PID START").
fn served_by(path: &Path) -> Option<Finding> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut file = File::open(name).ok()?;
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let mut words = text.split_whitespace();
    let (host, pid) = (words.next().unwrap_or("unknown"), words.next().unwrap_or("unknown"));
    Some(Finding::ok(
        CHECK,
        format!("it is served by process {pid} on {host}; a second server would be refused"),
    ))
}

/// The database holds the keys that sign tokens, and what passwords hash to.
fn readable_by_all(path: &Path) -> Option<Finding> {
    let open_to_others = |path: &Path| path.metadata().is_ok_and(|about| about.mode() & 0o005 != 0);
    let open = open_to_others(path) && path.ancestors().skip(1).all(open_to_others);
    open.then(|| {
        let folder = path.parent().unwrap_or(path).display();
        Finding::warn(
            CHECK,
            format!(
                "{} can be read by every user of this machine, with the keys that sign tokens",
                path.display()
            ),
            format!("chmod 700 {folder}"),
        )
    })
}

/// SQLite keeps its writers apart by memory that two machines do not share.
fn on_network(path: &Path) -> Option<Finding> {
    let place = Mount::of(path.parent()?).ok()?;
    (place.nature == Nature::Network).then(|| {
        Finding::warn(
            CHECK,
            format!("{} is a SQLite file on {}, where its locks may not hold", path.display(), place.kind),
            "put it on a disk of this machine, or use PostgreSQL (database.url = \"postgres://…\")",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use hythe_registry::doctor::Status;

    #[test]
    fn the_server_that_has_the_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hythe.db");
        let options = hythe_metadata::Options::new(format!("sqlite://{}", path.display()));
        let server = Database::open(&options).unwrap();
        let finding = served_by(&path).unwrap().finding;
        assert!(finding.contains(&format!("process {}", std::process::id())), "{finding}");
        drop(server);
        assert_eq!(served_by(&path), None);
    }

    #[test]
    fn a_database_that_everybody_can_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hythe.db");
        std::fs::write(&path, "").unwrap();
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap()
        };
        set(folder.path(), 0o700);
        assert_eq!(readable_by_all(&path), None);
        set(folder.path(), 0o755);
        assert_eq!(readable_by_all(&path).unwrap().status, Status::Warn);
    }
}
