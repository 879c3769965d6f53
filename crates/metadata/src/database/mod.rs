//! The database: one type for both engines, connections for reads, transactions for writes.
//!
//! **Isolation.** Reads outside a transaction see what was committed when each statement began, on both engines.
//! Transactions on SQLite run one after the other. On PostgreSQL they run in READ COMMITTED and lock by name or
//! by row where they read before they write ([`Connection::lock`], `FOR UPDATE`), and are run again when the
//! engine gives one up (40001, 40P01). SERIALIZABLE was rejected: nearly every write here is one upsert, and
//! under load it aborts transactions that touch nothing in common but an index page.

pub(crate) mod connection;
pub(crate) mod migration;
#[cfg(debug_assertions)]
pub mod mutant;
pub(crate) mod postgres;
mod sqlite;
pub(crate) mod statement;
pub(crate) mod value;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::ids::Micros;
use connection::Connection;

/// What a transaction's closure returns: `Box::pin(async move { … })`.
pub type Work<'c, T, E = Error> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

/// Which engine holds the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file of this process.
    Sqlite,
    /// A server, shared by several nodes.
    Postgres,
}

impl Engine {
    /// `sqlite` or `postgres`.
    pub fn as_str(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the rows are and how long to wait for them.
#[derive(Clone)]
pub struct Options {
    /// `sqlite:///path/to/file`, or `postgres://user:password@host:port/database?sslmode=…`. `sslmode` is
    /// `disable`, `prefer`, `require`, `verify-ca` or `verify-full` as libpq means them, `sslrootcert` a PEM file.
    pub url: String,
    /// PostgreSQL: connections at most. SQLite: reader connections kept open.
    pub pool_size: usize,
    /// How long to wait for a free connection; on SQLite, for another process's write to end.
    pub acquire_timeout: Duration,
    /// How long a new connection to PostgreSQL may take.
    pub connect_timeout: Duration,
    /// How long PostgreSQL may work on one statement.
    pub statement_timeout: Duration,
    /// SQLite: refuse to open a file that another server has. Commands that work beside a server say false.
    pub exclusive: bool,
}

impl Options {
    /// What suits one node; the server's.
    pub fn new(url: impl Into<String>) -> Options {
        Options {
            url: url.into(),
            pool_size: 16,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            exclusive: true,
        }
    }
}

/// Leaves the address out: it may hold a password.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("pool_size", &self.pool_size)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("exclusive", &self.exclusive)
            .finish_non_exhaustive()
    }
}

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Database {
    store: Arc<Store>,
}

enum Store {
    Sqlite(sqlite::Store),
    Postgres(postgres::Store),
}

impl Database {
    /// Opens a SQLite file (and makes it, empty), or prepares the pool for PostgreSQL without connecting yet:
    /// [`Database::ping`] says whether it answers. The schema is not looked at; see [`Database::schema`].
    pub fn open(options: &Options) -> Result<Database> {
        let store = match Address::parse(&options.url)? {
            Address::Sqlite(path) => Store::Sqlite(sqlite::Store::open(&path, options)?),
            Address::Postgres(url) => Store::Postgres(postgres::Store::open(url, options)?),
        };
        Ok(Database { store: Arc::new(store) })
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        match &*self.store {
            Store::Sqlite(_) => Engine::Sqlite,
            Store::Postgres(_) => Engine::Postgres,
        }
    }

    /// A connection for reads. On SQLite a statement runs on the calling task (microseconds) and one that writes
    /// is refused; keep it for one request at most.
    pub async fn connect(&self) -> Result<Connection> {
        match &*self.store {
            Store::Sqlite(store) => store.connect().map(Connection::sqlite_reader),
            Store::Postgres(store) => {
                store.connect().await.map(|session| Connection::postgres(session, false))
            }
        }
    }

    /// A connection whose statements all see the rows of one moment, while others go on writing. On SQLite the
    /// write-ahead log grows as long as it is kept.
    pub(crate) async fn snapshot(&self) -> Result<Connection> {
        self.connect().await?.begin_snapshot().await
    }

    /// Runs `work` in a transaction; it is committed durably if this is `Ok`, and undone if it is an error.
    /// The work may run more than once, and may wait for nothing but its own statements. It goes on to its end
    /// on SQLite even if the caller is cancelled.
    pub async fn transaction<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, T> + Send + Sync + 'static,
    {
        self.try_transaction(work).await
    }

    /// [`Database::transaction`] for work with an error type of its own: its errors undo the transaction too.
    pub async fn try_transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, T, E> + Send + Sync + 'static,
    {
        match &*self.store {
            Store::Sqlite(store) => store.transaction(work).await,
            Store::Postgres(store) => store.transaction(work).await,
        }
    }

    /// Whether the database answers a query now.
    pub async fn ping(&self) -> Result<()> {
        self.connect().await?.query_one::<i64>(&PING, &[]).await.map(|_| ())
    }

    /// Has plans made anew where tables have doubled since they were made. To be called every few seconds; on SQLite, whose
    /// plans do not depend on sizes, it does nothing.
    pub async fn renew_plans(&self) -> Result<()> {
        match self.engine() {
            Engine::Sqlite => Ok(()),
            Engine::Postgres => {
                self.connect().await?.batch("database.renew_plans", postgres::plans::RENEW).await
            }
        }
    }

    /// The time by the clock of the machine that holds the rows, microseconds since the epoch.
    pub async fn now(&self) -> Result<Micros> {
        self.connect().await?.now().await
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("engine", &self.engine()).finish_non_exhaustive()
    }
}

statement::statements! { "database";
    PING = "SELECT CAST(1 AS BIGINT) AS value";
    NOW = {
        sqlite: ("SELECT ", statement::now!(sqlite), " AS value"),
        postgres: ("SELECT ", statement::now!(postgres), " AS value"),
    };
}

/// `database.url`, read.
enum Address<'a> {
    Sqlite(PathBuf),
    Postgres(&'a str),
}

impl Address<'_> {
    fn parse(url: &str) -> Result<Address<'_>> {
        match url.split_once("://") {
            Some(("sqlite", "")) => Err(Error::Url { reason: "sqlite:// names no file".to_owned() }),
            Some(("sqlite", path)) => Ok(Address::Sqlite(path.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Address::Postgres(url)),
            Some((other, _)) => {
                Err(Error::Url { reason: format!("its scheme is {other}, not sqlite or postgres") })
            }
            None => Err(Error::Url {
                reason: "it has no scheme; write sqlite:///path or postgres://…".to_owned(),
            }),
        }
    }
}
