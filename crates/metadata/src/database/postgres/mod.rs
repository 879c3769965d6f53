//! The PostgreSQL engine: a pool of connections, statements prepared once on each, transactions run again when
//! the server gives one up.

mod address;
pub(in crate::database) mod plans;
mod session;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tokio_postgres::error::SqlState;

use super::connection::Connection;
use super::{Options, Work};
use crate::error::{Error, Result};
#[cfg(test)]
pub(crate) use session::STATEMENTS;
pub(crate) use session::Session;

/// How often a transaction is run before its serialization failure or deadlock is told to the caller.
const ATTEMPTS: u32 = 6;

/// One open PostgreSQL database.
pub(crate) struct Store {
    server: Arc<Server>,
}

impl Store {
    /// Reads the address and prepares the pool; nothing is connected yet.
    pub(crate) fn open(url: &str, options: &Options) -> Result<Store> {
        let address = address::Address::parse(url, options)?;
        let tls = tls::connector(&address.tls)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(address.config, tls, recycling))
            .max_size(options.pool_size)
            .wait_timeout(Some(options.acquire_timeout))
            .create_timeout(Some(options.connect_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Url { reason: error.to_string() })?;
        let patience = options.statement_timeout + options.acquire_timeout;
        Ok(Store { server: Arc::new(Server { pool, name: address.name, patience }) })
    }

    /// A connection for reads.
    pub(crate) async fn connect(&self) -> Result<Session> {
        let client = self.server.client().await?;
        Ok(Session::new(client, self.server.clone()))
    }

    /// Runs the work between `BEGIN` and `COMMIT`, and again where the server gave it up or went away before
    /// the `COMMIT` was sent: nothing of it was kept then.
    pub(crate) async fn transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<Error>,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, T, E>,
    {
        let mut attempt = 1;
        loop {
            match self.attempt(&work).await {
                Ok(value) => return Ok(value),
                Err(Failed { again: true, .. }) if attempt < ATTEMPTS => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                Err(failed) => return Err(failed.error),
            }
        }
    }

    async fn attempt<T, E, F>(&self, work: &F) -> Result<T, Failed<E>>
    where
        E: From<Error>,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, T, E>,
    {
        let mut connection = Connection::postgres(self.begin().await?, true);
        let outcome = work(&mut connection).await;
        let outcome = match outcome {
            Ok(value) => connection.conclude().await.map(|()| value).map_err(E::from),
            refused => refused,
        };
        let Some(mut session) = connection.into_postgres() else { return outcome.map_err(Failed::for_good) };
        match outcome {
            Ok(value) => session.commit().await.map(|()| value),
            Err(error) => {
                let again = session.roll_back().await;
                Err(Failed { error, again })
            }
        }
    }

    /// Begins on a connection that answers: one that died in the pool is replaced once.
    async fn begin(&self) -> Result<Session> {
        let mut session = self.connect().await?;
        session.begin().await?;
        Ok(session)
    }
}

/// A transaction that was not committed, and whether running it again may help.
struct Failed<E> {
    error: E,
    again: bool,
}

impl<E> Failed<E> {
    fn for_good(error: E) -> Failed<E> {
        Failed { error, again: false }
    }
}

impl<E: From<Error>> From<Error> for Failed<E> {
    fn from(error: Error) -> Failed<E> {
        Failed::for_good(error.into())
    }
}

/// 5, 10, 20 … ms and up to as much again, so that two transactions that met once do not meet again.
fn pause(attempt: u32) -> Duration {
    let base = 5_000u64 << attempt.min(8);
    let spread = uuid::Uuid::new_v4().as_u64_pair().1 % base;
    Duration::from_micros(base / 2 + spread)
}

/// The pool, and what the server is called in errors.
pub(crate) struct Server {
    pool: Pool,
    name: String,
    /// How long to wait for any answer: longer than the server's own limit for a statement, so that only a
    /// server that went silent (a cut cable) runs into it.
    patience: Duration,
}

impl Server {
    async fn client(&self) -> Result<Object> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => self.failed("connect", &error),
            PoolError::Timeout(TimeoutType::Wait) => {
                self.unavailable("every connection of the pool is in use and none came free in time")
            }
            PoolError::Timeout(_) => self.unavailable("it did not answer in time"),
            other => self.unavailable(other),
        })
    }

    /// One dead connection means that the server was gone, and with it the others: the idle ones are dropped.
    async fn fresh_client(&self) -> Result<Object> {
        self.pool.retain(|_, _| false);
        self.client().await
    }

    fn unavailable(&self, reason: impl ToString) -> Error {
        Error::Unavailable { database: self.name.clone(), reason: reason.to_string() }
    }

    /// Sorts the server's errors by what a caller can do about them.
    fn failed(&self, statement: impl ToString, error: &tokio_postgres::Error) -> Error {
        let reason = words(error);
        let Some(state) = error.code() else { return self.transport(statement, error, reason) };
        let (database, statement) = (self.name.clone(), statement.to_string());
        match state.code() {
            "23503" => Error::Missing { what: format!("{statement}: {reason}") },
            "23505" => Error::Conflict { what: format!("{statement}: {reason}") },
            "22021" | "22P05" => Error::Text { statement, reason },
            "53100" => Error::Full { database, reason },
            "25006" => Error::ReadOnly { database, reason },
            "57014" => {
                Error::Unavailable { database, reason: format!("{statement} took too long: {reason}") }
            }
            code if ["08", "28", "3D", "53", "57"].contains(&&code[..2.min(code.len())]) => {
                Error::Unavailable { database, reason }
            }
            "40001" | "40P01" => Error::Unavailable { database, reason },
            _ => Error::Engine { statement, reason },
        }
    }

    /// An error that the server did not send: its absence, or ours in what was sent to it.
    fn transport(&self, statement: impl ToString, error: &tokio_postgres::Error, reason: String) -> Error {
        let ours = std::error::Error::source(error).is_some_and(|source| !source.is::<std::io::Error>());
        if ours && !error.is_closed() && !reason.starts_with("error connecting") {
            return Error::Engine { statement: statement.to_string(), reason };
        }
        self.unavailable(reason)
    }
}

/// The server's words, or the chain of causes under a lost connection.
fn words(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return match db.detail() {
            Some(detail) => format!("{} ({detail})", db.message()),
            None => db.message().to_owned(),
        };
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(under) = cause {
        let under_text = under.to_string();
        if !text.contains(&under_text) {
            text = format!("{text}: {under_text}");
        }
        cause = under.source();
    }
    text
}

/// The server gave the transaction up and asks to run it again.
fn is_conflict(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// The connection is lost, whatever was asked of it.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || matches!(error.code(), Some(&SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN))
        || std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}
