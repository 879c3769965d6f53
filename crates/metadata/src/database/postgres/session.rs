//! One PostgreSQL connection while somebody uses it, and the way of a statement through it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use deadpool_postgres::Object;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::{Failed, Server, is_conflict, is_lost};
use crate::database::Engine;
use crate::database::statement::Statement;
use crate::database::value::{Row, Value};
use crate::error::{Error, Result};

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Each statement stands alone, so one that met a dead connection can be sent again on another.
    Reading,
    /// Between `BEGIN` and `COMMIT`.
    InTransaction,
    /// In a transaction that the server gave up or that lost its connection: it may be run again.
    GivenUp,
}

/// A connection lent out by the pool.
pub(crate) struct Session {
    /// Empty only while it is being given back or replaced.
    client: Option<Object>,
    server: Arc<Server>,
    state: State,
    /// How long an answer may take.
    patience: Duration,
}

/// How long an answer to a backup may take, which reads tables from end to end.
const PATIENCE_OF_SNAPSHOTS: Duration = Duration::from_hours(6);

impl Session {
    pub(super) fn new(client: Object, server: Arc<Server>) -> Session {
        let patience = server.patience;
        Session { client: Some(client), server, state: State::Reading, patience }
    }

    /// All rows of a statement.
    pub(crate) async fn query(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
    ) -> Result<Vec<Row>> {
        let rows = self.send(statement, arguments).await?;
        rows.iter().map(|row| self.row(statement, row)).collect()
    }

    /// The number of rows changed.
    pub(crate) async fn execute(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
    ) -> Result<u64> {
        self.execute_text(statement, statement.text(Engine::Postgres), arguments).await
    }

    /// All rows of a text that is made at run time.
    pub(crate) async fn query_text(
        &mut self,
        name: &str,
        text: &str,
        arguments: &[Value<'_>],
    ) -> Result<Vec<Vec<Value<'static>>>> {
        let answer = self.ask(text, arguments).await;
        let rows = self.settle(name, answer)?;
        let read = rows.iter().map(cells).collect::<Result<_, _>>();
        read.map_err(|error| self.server.failed(name, &error))
    }

    /// The number of rows that a text made at run time changed.
    pub(crate) async fn execute_text(
        &mut self,
        name: impl ToString,
        text: &str,
        arguments: &[Value<'_>],
    ) -> Result<u64> {
        let patience = self.patience;
        let client = self.client()?;
        let work = async {
            let prepared = client.prepare_cached(text).await?;
            client.execute_raw(&prepared, arguments).await
        };
        let done = within(patience, work).await;
        self.settle(name, done)
    }

    /// Waits for every other transaction that holds the lock of this name; it ends with the transaction.
    pub(crate) async fn lock(&mut self, name: &str) -> Result<()> {
        self.send(&LOCK, &[name.into()]).await.map(|_| ())
    }

    /// A migration: no limit on its time, which depends on the size of the tables.
    pub(crate) async fn batch(&mut self, name: &str, sql: &str) -> Result<()> {
        let sql = format!("SET LOCAL statement_timeout = 0;\n{sql}");
        let done = self.client()?.batch_execute(&sql).await.map_err(Fault::Engine);
        self.settle(name, done)
    }

    /// Begins a transaction. A connection that died in the pool is replaced once; nothing was sent on it.
    pub(super) async fn begin(&mut self) -> Result<()> {
        self.begin_as("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await
    }

    /// Begins a transaction in which every statement sees the rows of one moment. Its connection does not go back to
    /// the pool. It reads tables of any size, and may wait for whoever takes the rows.
    pub(crate) async fn begin_snapshot(&mut self) -> Result<()> {
        self.begin_as(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .await?;
        self.patience = PATIENCE_OF_SNAPSHOTS;
        Ok(())
    }

    async fn begin_as(&mut self, begin: &str) -> Result<()> {
        let mut begun = within(self.patience, self.client()?.batch_execute(begin)).await;
        if begun.as_ref().is_err_and(Fault::lost) {
            self.replace().await?;
            begun = within(self.patience, self.client()?.batch_execute(begin)).await;
        }
        self.settle("begin", begun)?;
        self.state = State::InTransaction;
        Ok(())
    }

    /// Commits. A connection lost here leaves open whether it was; the work is not run again then.
    pub(super) async fn commit<E: From<Error>>(&mut self) -> Result<(), Failed<E>> {
        let done = within(self.patience, self.client()?.batch_execute("COMMIT")).await;
        let again = matches!(&done, Err(Fault::Engine(error)) if is_conflict(error));
        let lost = done.as_ref().is_err_and(Fault::lost);
        match self.settle("commit", done) {
            Ok(()) => {
                self.state = State::Reading;
                Ok(())
            }
            Err(Error::Unavailable { database, reason }) if lost => {
                let reason =
                    format!("the connection was lost at the commit, which may have happened: {reason}");
                Err(Failed { error: Error::Unavailable { database, reason }.into(), again: false })
            }
            Err(error) => Err(Failed { error: error.into(), again }),
        }
    }

    /// Undoes the transaction; true if running it again may help.
    pub(super) async fn roll_back(&mut self) -> bool {
        let again = self.state == State::GivenUp;
        if let Ok(client) = self.client()
            && within(self.patience, client.batch_execute("ROLLBACK")).await.is_ok()
        {
            self.state = State::Reading;
        }
        again
    }

    /// Sends a statement, and once more on a fresh connection if this one turns out to be dead and the
    /// statement stands alone.
    async fn send(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
    ) -> Result<Vec<tokio_postgres::Row>> {
        let text = statement.text(Engine::Postgres);
        let mut answer = self.ask(text, arguments).await;
        if self.state == State::Reading && answer.as_ref().is_err_and(Fault::lost) {
            self.replace().await?;
            answer = self.ask(text, arguments).await;
        }
        self.settle(statement, answer)
    }

    async fn ask(&self, text: &str, arguments: &[Value<'_>]) -> Result<Vec<tokio_postgres::Row>, Fault> {
        let client = self.client().map_err(Fault::Known)?;
        let work = async {
            let prepared = client.prepare_cached(text).await?;
            let parameters: Vec<_> = arguments.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            client.query(&prepared, &parameters).await
        };
        within(self.patience, work).await
    }

    fn client(&self) -> Result<&Object> {
        self.client.as_ref().ok_or_else(|| self.server.unavailable("its connection was lost"))
    }

    async fn replace(&mut self) -> Result<()> {
        self.discard();
        self.client = Some(self.server.fresh_client().await?);
        Ok(())
    }

    /// Takes the connection out of the pool and closes it; an open transaction ends with it.
    fn discard(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }

    /// Turns a fault into an error and remembers what it means for the transaction.
    fn settle<T>(&mut self, statement: impl ToString, result: Result<T, Fault>) -> Result<T> {
        let fault = match result {
            Ok(value) => return Ok(value),
            Err(fault) => fault,
        };
        if self.state == State::InTransaction && fault.worth_another_run() {
            self.state = State::GivenUp;
        }
        if fault.lost() {
            self.discard();
        }
        Err(match fault {
            Fault::Engine(error) => self.server.failed(statement, &error),
            Fault::Silent => {
                self.server.unavailable(format!("{} was not answered in time", statement.to_string()))
            }
            Fault::Known(error) => error,
        })
    }

    fn row(&self, statement: &'static Statement, row: &tokio_postgres::Row) -> Result<Row> {
        let cells = cells(row).map_err(|error| self.server.failed(statement, &error))?;
        let columns = || row.columns().iter().map(|column| column.name().to_owned()).collect();
        Ok(Row::new(statement, cells, columns))
    }

    /// The shape of a statement, for the test that prepares all of them: its parameters and columns.
    #[cfg(test)]
    pub(crate) async fn prepare(&mut self, statement: &'static Statement) -> Result<(usize, Vec<String>)> {
        let prepared = self.client()?.prepare(statement.text(Engine::Postgres)).await;
        let prepared = prepared.map_err(|error| self.server.failed(statement, &error))?;
        let columns = prepared.columns().iter().map(|column| column.name().to_owned()).collect();
        Ok((prepared.params().len(), columns))
    }
}

impl Drop for Session {
    /// A transaction whose caller went away is still open on the server: its connection does not go back.
    fn drop(&mut self) {
        if self.state != State::Reading {
            self.discard();
        }
    }
}

fn cells(row: &tokio_postgres::Row) -> Result<Vec<Value<'static>>, tokio_postgres::Error> {
    (0..row.len()).map(|column| row.try_get::<_, Cell>(column).map(|cell| cell.0)).collect()
}

/// Why a statement gave no answer.
enum Fault {
    Engine(tokio_postgres::Error),
    /// The server said nothing for longer than it may work on a statement.
    Silent,
    Known(Error),
}

impl Fault {
    /// The connection cannot be used any more.
    fn lost(&self) -> bool {
        match self {
            Fault::Engine(error) => is_lost(error),
            Fault::Silent => true,
            Fault::Known(_) => false,
        }
    }

    fn worth_another_run(&self) -> bool {
        matches!(self, Fault::Engine(error) if is_conflict(error) || is_lost(error))
    }
}

async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(patience, work).await {
        Ok(result) => result.map_err(Fault::Engine),
        Err(_) => Err(Fault::Silent),
    }
}

crate::database::statement::statements! { "postgres";
    LOCK = {
        sqlite: "SELECT length($1) AS value",
        postgres: "SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) IS NULL AS value",
    };
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) => value.to_sql(kind, out),
            Value::Bool(value) => value.to_sql(kind, out),
            Value::Text(text) => text.as_ref().to_sql(kind, out),
            Value::Bytes(bytes) => bytes.as_ref().to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::BOOL | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}

/// A [`Value`] on its way out of a row.
struct Cell(Value<'static>);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Cell, Box<dyn StdError + Sync + Send>> {
        Ok(Cell(match *kind {
            Type::BOOL => Value::Bool(bool::from_sql(kind, raw)?),
            Type::INT8 => Value::Int(i64::from_sql(kind, raw)?),
            Type::BYTEA => Value::Bytes(Cow::Owned(raw.to_vec())),
            _ => Value::Text(Cow::Owned(String::from_sql(kind, raw)?)),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Cell, Box<dyn StdError + Sync + Send>> {
        Ok(Cell(Value::Null))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::BOOL | Type::TEXT | Type::BYTEA)
    }
}
