//! The data folder: there, ours to write to, and with room.

use std::path::Path;

use hythe_blobs::mount::{Mount, Nature};
use hythe_registry::doctor::Finding;

use super::place::{is_writable, nearest_existing, size};

const CHECK: &str = "data folder";

/// Less room than this is soon none.
const LITTLE_ROOM: u64 = 1 << 30;
/// Each blob and each upload is a file.
const FEW_FILES: u64 = 10_000;

pub(super) fn check(data: &Path) -> Vec<Finding> {
    if data.exists() { vec![existing(data)] } else { vec![missing(CHECK, data, "data")] }
}

fn existing(data: &Path) -> Finding {
    let shown = data.display();
    if !data.is_dir() {
        return Finding::fail(
            CHECK,
            format!("{shown} is not a folder"),
            "move it away, or name a folder by --data",
        );
    }
    if !is_writable(data) {
        let remedy = format!("make {shown} writable for this user, or name another folder by --data");
        return Finding::fail(CHECK, format!("{shown} cannot be written by this user"), remedy);
    }
    match Mount::of(data) {
        Ok(place) => describe(CHECK, data, &place),
        Err(error) => Finding::fail(CHECK, format!("{shown} cannot be looked at, {error}"), "check the disk"),
    }
}

/// A folder that is not there yet: fine, if it can be made.
pub(super) fn missing(check: &'static str, folder: &Path, setting: &str) -> Finding {
    let shown = folder.display();
    match nearest_existing(folder) {
        Some(above) if above.is_dir() && is_writable(&above) => {
            Finding::ok(check, format!("{shown} is not there yet; `hythe serve` makes it"))
        }
        above => Finding::fail(
            check,
            format!("{shown} is not there and cannot be made in {}", above.unwrap_or_default().display()),
            format!("make it for this user, or name another folder as {setting}"),
        ),
    }
}

/// The finding for a folder that works, with what its file system is good for.
pub(super) fn describe(check: &'static str, folder: &Path, place: &Mount) -> Finding {
    let shown = folder.display();
    let room = format!("{} free", size(place.free_bytes));
    if place.read_only {
        return Finding::fail(
            check,
            format!("{shown} is on a read-only {}", place.kind),
            "mount it for writing",
        );
    }
    if place.nature == Nature::Fleeting {
        return Finding::warn(
            check,
            format!("{shown} is on {}: everything in it is lost with this machine or container", place.kind),
            "mount a disk or a volume there",
        );
    }
    if place.free_bytes < LITTLE_ROOM {
        return Finding::warn(
            check,
            format!("{shown} has only {room}"),
            "make room: pushes will soon be refused",
        );
    }
    match place.free_files {
        Some(files) if files < FEW_FILES => Finding::warn(
            check,
            format!("{shown} on {} can hold only {files} more files", place.kind),
            "make room for files (inodes): pushes will soon be refused",
        ),
        _ => Finding::ok(check, format!("{shown} on {}, {room}", place.kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hythe_registry::doctor::Status;

    fn place() -> Mount {
        Mount {
            kind: "ext4".to_owned(),
            nature: Nature::Disk,
            read_only: false,
            free_bytes: 40 << 30,
            free_files: Some(1_000_000),
            careless_mount: None,
        }
    }

    #[track_caller]
    fn assert_found(place: &Mount, status: Status, finding: &str) {
        let found = describe(CHECK, Path::new("/data"), place);
        assert_eq!((found.status, found.finding.as_str()), (status, finding));
    }

    #[test]
    fn a_file_system_is_judged_by_what_is_kept_on_it() {
        assert_found(&place(), Status::Ok, "/data on ext4, 40.0 GiB free");
        assert_found(&Mount { read_only: true, ..place() }, Status::Fail, "/data is on a read-only ext4");
        assert_found(&Mount { free_bytes: 1 << 20, ..place() }, Status::Warn, "/data has only 1.0 MiB free");
        assert_found(
            &Mount { free_files: Some(7), ..place() },
            Status::Warn,
            "/data on ext4 can hold only 7 more files",
        );
        assert_found(
            &Mount { nature: Nature::Fleeting, kind: "tmpfs".to_owned(), ..place() },
            Status::Warn,
            "/data is on tmpfs: everything in it is lost with this machine or container",
        );
    }

    #[test]
    fn a_file_in_the_folders_place_is_a_failure_and_a_missing_folder_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(check(&file)[0].status, Status::Fail);
        assert_eq!(check(&folder.path().join("new"))[0].status, Status::Ok);
        assert_eq!(check(&file.join("below"))[0].status, Status::Fail);
    }
}
