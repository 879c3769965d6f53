//! One SQLite connection while somebody uses it, and the way of a statement through it.

use std::borrow::Cow;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ToSql};

use super::{File, Readers};
use crate::database::Engine;
use crate::database::statement::Statement;
use crate::database::value::{Row, Value};
use crate::error::Result;

/// A connection lent out by the reader pool, or the writer's own for the time of one transaction.
pub(crate) struct Session {
    /// Empty only while it is being given back.
    connection: Option<rusqlite::Connection>,
    file: Arc<File>,
    home: Option<Arc<Readers>>,
}

impl Session {
    pub(super) fn reader(connection: rusqlite::Connection, file: Arc<File>, home: Arc<Readers>) -> Session {
        Session { connection: Some(connection), file, home: Some(home) }
    }

    pub(super) fn writer(connection: rusqlite::Connection, file: Arc<File>) -> Session {
        Session { connection: Some(connection), file, home: None }
    }

    /// Ends the loan of the writer's connection.
    pub(crate) fn into_connection(mut self) -> Option<rusqlite::Connection> {
        self.connection.take()
    }

    /// At most `limit` rows.
    pub(crate) fn query(
        &mut self,
        statement: &'static Statement,
        arguments: &[Value<'_>],
        limit: usize,
    ) -> Result<Vec<Row>> {
        self.with(statement, |prepared| {
            let width = prepared.column_count();
            let names = if cfg!(debug_assertions) { names(prepared) } else { Vec::new() };
            bind(prepared, arguments)?;
            let mut cursor = prepared.raw_query();
            let mut rows = Vec::new();
            while rows.len() < limit
                && let Some(row) = cursor.next()?
            {
                let cells = (0..width).map(|column| row.get_ref(column).map(owned));
                rows.push(Row::new(statement, cells.collect::<Result<_, _>>()?, || names.clone()));
            }
            Ok(rows)
        })
    }

    /// The number of rows changed.
    pub(crate) fn execute(&mut self, statement: &'static Statement, arguments: &[Value<'_>]) -> Result<u64> {
        self.with(statement, |prepared| {
            bind(prepared, arguments)?;
            prepared.raw_execute().map(|changed| changed as u64)
        })
    }

    /// Several statements without arguments: a migration.
    pub(crate) fn batch(&mut self, name: &str, sql: &str) -> Result<()> {
        let Some(connection) = &self.connection else { return Ok(()) };
        connection.execute_batch(sql).map_err(|error| self.file.failed(name, &error))
    }

    /// The shape of a statement, for the test that prepares all of them: its parameters and columns.
    #[cfg(test)]
    pub(crate) fn prepare(&mut self, statement: &'static Statement) -> Result<(usize, Vec<String>)> {
        self.with(statement, |prepared| Ok((prepared.parameter_count(), names(prepared))))
    }

    /// All rows of a text that is made at run time.
    pub(crate) fn query_text(
        &mut self,
        name: &str,
        text: &str,
        arguments: &[Value<'_>],
    ) -> Result<Vec<Vec<Value<'static>>>> {
        self.with_text(name, text, |prepared| {
            let width = prepared.column_count();
            bind(prepared, arguments)?;
            let mut cursor = prepared.raw_query();
            let mut rows = Vec::new();
            while let Some(row) = cursor.next()? {
                let cells = (0..width).map(|column| row.get_ref(column).map(owned));
                rows.push(cells.collect::<Result<_, _>>()?);
            }
            Ok(rows)
        })
    }

    /// The number of rows that a text made at run time changed.
    pub(crate) fn execute_text(&mut self, name: &str, text: &str, arguments: &[Value<'_>]) -> Result<u64> {
        self.with_text(name, text, |prepared| {
            bind(prepared, arguments)?;
            prepared.raw_execute().map(|changed| changed as u64)
        })
    }

    fn with<T>(
        &mut self,
        statement: &'static Statement,
        work: impl FnOnce(&mut CachedStatement<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.with_text(statement, statement.text(Engine::Sqlite), work)
    }

    fn with_text<T>(
        &mut self,
        name: impl ToString,
        text: &str,
        work: impl FnOnce(&mut CachedStatement<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let Some(connection) = &self.connection else {
            return Err(self.file.failed(name, &rusqlite::Error::InvalidQuery));
        };
        connection
            .prepare_cached(text)
            .and_then(|mut prepared| work(&mut prepared))
            .map_err(|error| self.file.failed(name, &error))
    }
}

impl Drop for Session {
    /// A snapshot ends here; a connection that cannot end it does not go back.
    fn drop(&mut self) {
        if let (Some(connection), Some(home)) = (self.connection.take(), self.home.take())
            && (connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok())
        {
            home.park(connection);
        }
    }
}

/// Binds each argument to the parameter of its number. To SQLite `$2` is a name: it counts parameters in the order
/// in which they first appear, where PostgreSQL goes by the number.
fn bind(prepared: &mut CachedStatement<'_>, arguments: &[Value<'_>]) -> rusqlite::Result<()> {
    let expected = prepared.parameter_count();
    if expected != arguments.len() {
        return Err(rusqlite::Error::InvalidParameterCount(arguments.len(), expected));
    }
    for index in 1..=expected {
        let number =
            prepared.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let argument = number.and_then(|number| arguments.get(number.checked_sub(1)?));
        let argument = argument.ok_or(rusqlite::Error::InvalidParameterCount(arguments.len(), expected))?;
        prepared.raw_bind_parameter(index, argument)?;
    }
    Ok(())
}

fn names(prepared: &CachedStatement<'_>) -> Vec<String> {
    prepared.column_names().map(str::to_owned).collect()
}

/// This program writes no floating-point numbers; one that is there is read as null and found by the getter.
fn owned(value: ValueRef<'_>) -> Value<'static> {
    match value {
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(text) => Value::Text(Cow::Owned(String::from_utf8_lossy(text).into_owned())),
        ValueRef::Blob(bytes) => Value::Bytes(Cow::Owned(bytes.to_vec())),
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Bool(value) => ValueRef::Integer((*value).into()),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
