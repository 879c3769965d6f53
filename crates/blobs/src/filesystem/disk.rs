//! The file operations of the store, each with the error that an operator can act on.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use crate::error::Error;

/// Blobs are the registry's alone; a group may read them for backup.
const FILE_MODE: u32 = 0o640;
/// Tries at a file handle that a network file system calls stale.
const STALE_TRIES: usize = 3;

/// Names what failed, where, and what kind of trouble it is.
pub(super) fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Error + 'a {
    move |source| {
        let place = path.display().to_string();
        match errno(&source) {
            Some(Errno::NOSPC | Errno::DQUOT) => Error::Full { free_bytes: free_bytes(path), place },
            Some(Errno::ROFS | Errno::ACCESS | Errno::PERM) => {
                Error::ReadOnly { place, reason: source.to_string() }
            }
            Some(Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::HOSTUNREACH | Errno::NOTCONN | Errno::STALE) => {
                Error::Unavailable { place, reason: source.to_string() }
            }
            _ => Error::Io { action, place, source },
        }
    }
}

pub(super) fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

/// Device and inode of a folder.
pub(super) type Identity = (u64, u64);

/// Which folder bears this name now, if one can be seen.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Room for this process on the disk under a path or, if that is not there, under its nearest folder.
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let disk = path.ancestors().find_map(|path| rustix::fs::statvfs(path).ok())?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Room in all on the disk of a path.
pub(super) fn total_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_blocks.saturating_mul(disk.f_frsize))
}

/// Repeats what looks a path up anew while a network file system answers that the handle behind it is stale.
///
/// Only for whole operations. A write in the middle of an append is not repeated through a new descriptor: that one
/// would not be told if the pages written before were lost.
pub(super) fn retry_stale<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..STALE_TRIES {
        match operation() {
            Err(error) if errno(&error) == Some(Errno::STALE) => {}
            other => return other,
        }
    }
    operation()
}

/// Opens a file for reading and writing, `None` if it is not there.
pub(super) fn open(path: &Path) -> Result<Option<File>, Error> {
    let open = || OpenOptions::new().read(true).write(true).open(path);
    missing_as_none(retry_stale(open)).map_err(failed("open", path))
}

/// Opens a file for reading and writing and makes it, with its folder, if it is not there.
pub(super) fn open_or_create(path: &Path) -> Result<File, Error> {
    let create =
        || OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path);
    if let Some(file) = missing_as_none(retry_stale(create)).map_err(failed("create", path))? {
        return Ok(file);
    }
    create_folder(parent(path))?;
    retry_stale(create).map_err(failed("create", path))
}

/// Makes a folder and those above it, and makes each durable in the one that holds it.
pub(super) fn create_folder(path: &Path) -> Result<(), Error> {
    match fs::create_dir(path) {
        Ok(()) => {}
        // Somebody else made it a moment ago and may not have synced it yet.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.parent().is_some() => {
            create_folder(parent(path))?;
            return create_folder(path);
        }
        Err(error) => return Err(failed("create folder", path)(error)),
    }
    sync_folder(parent(path))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), Error> {
    retry_stale(|| File::open(path)?.sync_all()).map_err(failed("sync folder", path))
}

/// How a rename to a name that must be free went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Renamed {
    Done,
    /// Something bears the name already, and stays as it is.
    Taken,
    /// The source or the folder of the target is not there.
    Missing,
}

/// Renames a file without ever replacing another.
pub(super) fn rename_new(from: &Path, to: &Path) -> Result<Renamed, Error> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Renamed::Done),
        Err(Errno::EXIST) => Ok(Renamed::Taken),
        Err(Errno::NOENT) => Ok(Renamed::Missing),
        // NFS and some FUSE file systems know no such flag. The name is unique to the upload and the upload's lease lets
        // one process at a time get here, so that looking first is enough.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => rename_after_looking(from, to),
        Err(error) => Err(failed("rename", from)(error.into())),
    }
}

fn rename_after_looking(from: &Path, to: &Path) -> Result<Renamed, Error> {
    if to.try_exists().map_err(failed("look for", to))? {
        return Ok(Renamed::Taken);
    }
    let renamed = missing_as_none(fs::rename(from, to)).map_err(failed("rename", from))?;
    Ok(renamed.map_or(Renamed::Missing, |()| Renamed::Done))
}

/// Removes a file and makes that durable, because its row goes next; fine if it is not there.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match missing_as_none(retry_stale(|| fs::remove_file(path))).map_err(failed("remove", path))? {
        Some(()) => sync_folder(parent(path)),
        None => Ok(()),
    }
}

pub(super) fn missing_as_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The folder that holds a path; every path here has one, being made by joining onto the root.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
