//! The SQLite engine: one file, one writer thread, reader connections that run on the calling task.

mod group;
mod lock;
mod session;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::OpenFlags;

use super::{Options, Work};
use crate::database::connection::Connection;
use crate::error::{Error, Result};
use lock::FileLock;
pub(crate) use session::Session;

/// One open SQLite database.
pub(crate) struct Store {
    writer: group::Writer,
    readers: Arc<Readers>,
    /// Declared last, so that it is dropped last: the writer has closed the file by then.
    _lock: FileLock,
}

impl Store {
    /// Opens the file, and makes it and its folder where they are missing.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Store> {
        create_folder(path)?;
        let lock = if options.exclusive { FileLock::take(path)? } else { FileLock::look(path)? };
        let file = Arc::new(File { path: path.to_owned(), busy_timeout: options.acquire_timeout });
        let writer = group::Writer::start(file.open_writer()?, file.clone())?;
        let parked = Mutex::new(Vec::new());
        Ok(Store {
            writer,
            readers: Arc::new(Readers { file, parked, keep: options.pool_size }),
            _lock: lock,
        })
    }

    /// A connection for reads.
    pub(crate) fn connect(&self) -> Result<Session> {
        self.readers.clone().take()
    }

    /// Queues a transaction for the writer thread and waits for the commit that holds it.
    pub(crate) async fn transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, T, E> + Send + Sync + 'static,
    {
        self.writer.run(work).await
    }
}

fn create_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|error| Error::Unavailable {
        database: path.display().to_string(),
        reason: format!("its folder cannot be made: {error}"),
    })
}

/// The database file and how connections to it are set up.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    busy_timeout: std::time::Duration,
}

impl File {
    /// Pages that one connection keeps: 2 MiB for a reader, 8 MiB for the writer. `mmap` was rejected: it makes
    /// reads of a large database a few per cent faster, and turns a failing disk into a SIGBUS that ends the server.
    fn open_reader(&self) -> Result<rusqlite::Connection> {
        let connection = self.open("PRAGMA cache_size = -2048")?;
        connection.execute_batch("PRAGMA query_only = ON").map_err(|error| self.failed("open", &error))?;
        Ok(connection)
    }

    fn open_writer(&self) -> Result<rusqlite::Connection> {
        self.open("PRAGMA cache_size = -8192")
    }

    fn open(&self, cache: &str) -> Result<rusqlite::Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        self.create_private()?;
        let set_up = || -> rusqlite::Result<rusqlite::Connection> {
            let connection = rusqlite::Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(self.busy_timeout)?;
            connection.set_prepared_statement_cache_capacity(256);
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF;",
            )?;
            connection.execute_batch(cache)?;
            Ok(connection)
        };
        set_up().map_err(|error| self.failed("open", &error))
    }

    /// Makes the file, readable by its owner alone, before SQLite would make it for everybody: it holds keys. The files
    /// beside it (`-wal`, `-shm`) get its mode.
    fn create_private(&self) -> Result<()> {
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.path);
        match made {
            // A folder that cannot be written may still hold a database that can be read.
            Err(error) if error.kind() != std::io::ErrorKind::PermissionDenied && !self.path.exists() => {
                let (database, reason) = (self.path.display().to_string(), error.to_string());
                Err(Error::Unavailable { database, reason })
            }
            _ => Ok(()),
        }
    }

    /// Sorts the engine's errors by what a caller can do about them.
    pub(crate) fn failed(&self, statement: impl ToString, error: &rusqlite::Error) -> Error {
        use rusqlite::ErrorCode as Code;
        let database = self.path.display().to_string();
        let reason = error.to_string();
        let statement = statement.to_string();
        match error.sqlite_error_code() {
            Some(Code::DiskFull) => Error::Full { database, reason },
            Some(Code::ReadOnly | Code::PermissionDenied) => Error::ReadOnly { database, reason },
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
                Error::Unavailable { database, reason: format!("another process is writing to it: {reason}") }
            }
            Some(Code::CannotOpen | Code::SystemIoFailure | Code::NotADatabase | Code::DatabaseCorrupt) => {
                Error::Unavailable { database, reason }
            }
            Some(Code::ConstraintViolation) => constraint(error, format!("{statement}: {reason}")),
            _ => Error::Engine { statement, reason },
        }
    }
}

fn constraint(error: &rusqlite::Error, what: String) -> Error {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    if extended == Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) {
        Error::Missing { what }
    } else {
        Error::Conflict { what }
    }
}

/// Reader connections that are not in use. A read takes microseconds and runs on the calling task, so few are
/// ever open at once; one more is opened when none is parked, and at most `keep` are kept.
pub(crate) struct Readers {
    file: Arc<File>,
    parked: Mutex<Vec<rusqlite::Connection>>,
    keep: usize,
}

impl Readers {
    fn take(self: Arc<Self>) -> Result<Session> {
        let parked = self.lock().pop();
        let connection = match parked {
            Some(connection) => connection,
            None => self.file.open_reader()?,
        };
        let file = self.file.clone();
        Ok(Session::reader(connection, file, self))
    }

    pub(crate) fn park(&self, connection: rusqlite::Connection) {
        let mut parked = self.lock();
        if parked.len() < self.keep {
            parked.push(connection);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<rusqlite::Connection>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
