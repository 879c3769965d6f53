//! One connection, whichever engine it leads to, and the few ways to run a statement on it.

use std::collections::BTreeMap;
use std::time::Instant;

use super::statement::Statement;
use super::value::{FromRow, Row, Value};
use super::{Engine, NOW, postgres, sqlite};
use crate::error::{Error, Result};
use crate::ids::{Micros, ProjectId};

/// A connection for reads ([`Database::connect`](super::Database::connect)) or the one of a transaction
/// ([`Database::transaction`](super::Database::transaction)). Every noun's functions take it first.
pub struct Connection {
    session: Session,
    /// In a transaction: the first statement that failed. It is kept because PostgreSQL answers a `COMMIT`
    /// after a failed statement with a silent rollback, and work that swallowed the error must not pass.
    failure: Option<Error>,
    in_transaction: bool,
    /// In a transaction: bytes that it adds to what projects are charged for.
    charges: BTreeMap<ProjectId, i64>,
}

enum Session {
    Sqlite(sqlite::Session),
    Postgres(postgres::Session),
}

impl Connection {
    pub(super) fn sqlite_reader(session: sqlite::Session) -> Connection {
        Connection::new(Session::Sqlite(session), false)
    }

    pub(super) fn sqlite_writer(session: sqlite::Session) -> Connection {
        Connection::new(Session::Sqlite(session), true)
    }

    pub(super) fn into_sqlite(self) -> Option<rusqlite::Connection> {
        match self.session {
            Session::Sqlite(session) => session.into_connection(),
            Session::Postgres(_) => None,
        }
    }

    pub(super) fn postgres(session: postgres::Session, in_transaction: bool) -> Connection {
        Connection::new(Session::Postgres(session), in_transaction)
    }

    fn new(session: Session, in_transaction: bool) -> Connection {
        Connection { session, failure: None, in_transaction, charges: BTreeMap::new() }
    }

    /// Lets every statement from here on see the rows as they are now; it ends with the connection.
    pub(super) async fn begin_snapshot(mut self) -> Result<Connection> {
        match &mut self.session {
            Session::Sqlite(session) => session.batch("begin", "BEGIN")?,
            Session::Postgres(session) => session.begin_snapshot().await?,
        }
        Ok(self)
    }

    pub(super) fn into_postgres(self) -> Option<postgres::Session> {
        match self.session {
            Session::Postgres(session) => Some(session),
            Session::Sqlite(_) => None,
        }
    }

    /// Notes that this transaction adds bytes to what a project is charged for, or takes them away.
    pub(crate) fn charge(&mut self, project: ProjectId, bytes: i64) {
        *self.charges.entry(project).or_default() += bytes;
    }

    /// What was noted, in the order of the projects.
    pub(crate) fn take_charges(&mut self) -> BTreeMap<ProjectId, i64> {
        std::mem::take(&mut self.charges)
    }

    /// The last step of a transaction's work, and whether all of it may be committed.
    pub(super) async fn conclude(&mut self) -> Result<()> {
        self.verdict()?;
        crate::usage::settle(self).await?;
        self.verdict()
    }

    /// The first statement that failed.
    fn verdict(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Which engine this leads to.
    pub fn engine(&self) -> Engine {
        match self.session {
            Session::Sqlite(_) => Engine::Sqlite,
            Session::Postgres(_) => Engine::Postgres,
        }
    }

    /// The time by the clock of the machine that holds the rows, which all nodes share: what leases go by.
    pub async fn now(&mut self) -> Result<Micros> {
        self.query_one(&NOW, &[]).await
    }

    /// All rows of a statement; a statement that can have many has a `LIMIT`.
    pub(crate) async fn query<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
    ) -> Result<Vec<T>> {
        let rows = self.rows(statement, arguments, usize::MAX).await?;
        let read = rows.into_iter().map(|mut row| T::from_row(&mut row)).collect();
        self.note(read)
    }

    /// The first row, if there is one.
    pub(crate) async fn query_optional<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
    ) -> Result<Option<T>> {
        let rows = self.rows(statement, arguments, 1).await?;
        let read = rows.into_iter().next().map(|mut row| T::from_row(&mut row)).transpose();
        self.note(read)
    }

    /// The only row of a statement that always has one.
    pub(crate) async fn query_one<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
    ) -> Result<T> {
        let found = self.query_optional(statement, arguments).await?;
        let found = found.ok_or_else(|| Error::Engine {
            statement: statement.to_string(),
            reason: "it gave no row".to_owned(),
        });
        self.note(found)
    }

    /// The number of rows changed. A statement with `RETURNING` goes through the query functions.
    pub(crate) async fn execute(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
    ) -> Result<u64> {
        let begun = Instant::now();
        let changed = match &mut self.session {
            Session::Sqlite(session) => session.execute(statement, arguments),
            Session::Postgres(session) => session.execute(statement, arguments).await,
        };
        statement.observe(begun.elapsed());
        self.note(changed)
    }

    /// Whether the statement changed a row.
    pub(crate) async fn changes(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
    ) -> Result<bool> {
        Ok(self.execute(statement, arguments).await? > 0)
    }

    /// Makes every other transaction that locks `name` wait until this one has ended. On SQLite the one writer
    /// keeps them apart already. PostgreSQL gets an advisory lock and not `FOR UPDATE`, because the row that two
    /// transactions are about to make (a new tag) cannot be locked before it is there; two names with one hash
    /// only wait needlessly.
    pub(crate) async fn lock(&mut self, name: &str) -> Result<()> {
        let locked = match &mut self.session {
            Session::Sqlite(_) => Ok(()),
            Session::Postgres(session) => session.lock(name).await,
        };
        self.note(locked)
    }

    /// All rows of a text that is made at run time, for the portable form alone: it knows its tables from a catalogue.
    /// `name` is what errors call it.
    pub(crate) async fn query_text(
        &mut self,
        name: &str,
        text: &str,
        arguments: &[Value<'_>],
    ) -> Result<Vec<Vec<Value<'static>>>> {
        let rows = match &mut self.session {
            Session::Sqlite(session) => session.query_text(name, text, arguments),
            Session::Postgres(session) => session.query_text(name, text, arguments).await,
        };
        self.note(rows)
    }

    /// [`Connection::query_text`] for a text that changes rows; their number.
    pub(crate) async fn execute_text(
        &mut self,
        name: &str,
        text: &str,
        arguments: &[Value<'_>],
    ) -> Result<u64> {
        let changed = match &mut self.session {
            Session::Sqlite(session) => session.execute_text(name, text, arguments),
            Session::Postgres(session) => session.execute_text(name, text, arguments).await,
        };
        self.note(changed)
    }

    /// Several statements without arguments and without a name: a migration.
    pub(crate) async fn batch(&mut self, name: &str, sql: &str) -> Result<()> {
        let done = match &mut self.session {
            Session::Sqlite(session) => session.batch(name, sql),
            Session::Postgres(session) => session.batch(name, sql).await,
        };
        self.note(done)
    }

    /// The number of a statement's parameters and the names of its columns.
    #[cfg(test)]
    pub(crate) async fn prepare(&mut self, statement: &'static Statement) -> Result<(usize, Vec<String>)> {
        match &mut self.session {
            Session::Sqlite(session) => session.prepare(statement),
            Session::Postgres(session) => session.prepare(statement).await,
        }
    }

    async fn rows(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
        limit: usize,
    ) -> Result<Vec<Row>> {
        let begun = Instant::now();
        let rows = match &mut self.session {
            Session::Sqlite(session) => session.query(statement, arguments, limit),
            Session::Postgres(session) => session.query(statement, arguments).await,
        };
        statement.observe(begun.elapsed());
        self.note(rows)
    }

    fn note<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result
            && self.in_transaction
            && self.failure.is_none()
        {
            self.failure = Some(error.clone());
        }
        result
    }
}
