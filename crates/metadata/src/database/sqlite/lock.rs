//! The lock that keeps a second process off a SQLite file, and says who has it.
//!
//! `hythe.db.lock` beside the database is locked by the operating system (`flock`), so the lock dies with its
//! process and is never left behind; its contents (`host pid start`) are for people. The file itself is kept:
//! to remove it would let a third process lock a new file while a second still waits on the old one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};

/// Held as long as the database is open.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: Option<File>,
}

impl FileLock {
    /// For the server: the only one on this file.
    pub(super) fn take(database: &Path) -> Result<FileLock> {
        let mut file = open(database)?;
        match file.try_lock() {
            Ok(()) => {
                sign(&mut file).map_err(|error| failed(database, &error))?;
                Ok(FileLock { _file: Some(file) })
            }
            Err(TryLockError::WouldBlock) => Err(Holder::read(&mut file).refusal(database)),
            Err(TryLockError::Error(error)) => Err(failed(database, &error)),
        }
    }

    /// For commands beside a running server. On the server's own host SQLite keeps the two apart; from another
    /// host it cannot (the write-ahead log's index is shared memory), so that is refused.
    pub(super) fn look(database: &Path) -> Result<FileLock> {
        let mut file = open(database)?;
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            let holder = Holder::read(&mut file);
            if holder.host != host_name() {
                return Err(holder.refusal(database));
            }
        }
        Ok(FileLock { _file: None })
    }
}

fn open(database: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path(database))
        .map_err(|error| failed(database, &error))
}

fn path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn sign(file: &mut File) -> std::io::Result<()> {
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{} {} {start}", host_name(), std::process::id())
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn failed(database: &Path, error: &std::io::Error) -> Error {
    let (database, reason) = (database.display().to_string(), format!("its lock file: {error}"));
    match error.kind() {
        std::io::ErrorKind::StorageFull => Error::Full { database, reason },
        std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
            Error::ReadOnly { database, reason }
        }
        _ => Error::Unavailable { database, reason },
    }
}

/// What the lock file says about the process that has it.
struct Holder {
    host: String,
    pid: String,
}

impl Holder {
    fn read(file: &mut File) -> Holder {
        let mut text = String::new();
        let _ = file.read_to_string(&mut text);
        let mut words = text.split_whitespace().map(str::to_owned);
        let mut next = || words.next().unwrap_or_else(|| "unknown".to_owned());
        Holder { host: next(), pid: next() }
    }

    fn refusal(self, database: &Path) -> Error {
        Error::Locked { path: database.display().to_string(), host: self.host, pid: self.pid }
    }
}
