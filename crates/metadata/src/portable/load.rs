//! From lines into an empty database, inside one transaction.

use super::head::{Contents, Head};
use super::reader::Lines;
use super::shape::{Shape, Table, quoted};
use super::{Moved, Open, Progress, Tell, damaged};
use crate::database::Engine;
use crate::database::connection::Connection;
use crate::database::migration;
use crate::database::statement::statements;
use crate::database::value::Value;
use crate::error::{Error, Result};
use crate::journal;

/// Cells in one statement at most: SQLite takes 32766, PostgreSQL 65535, and from a thousand on nothing gets faster.
const CELLS: usize = 1000;

pub(super) async fn load(c: &mut Connection, open: &Open, tell: &Tell) -> Result<Moved> {
    let mut lines = Lines::open(open)?;
    let head = lines.head()?;
    let found = migration::hold(c).await?;
    refuse_versions(head.schema, found)?;
    migration::migrate_to(c, head.schema).await?;
    let shape = Shape::of(head.schema)?;
    fits(&head, &shape)?;
    if found > 0 {
        refuse_rows(c, &shape).await?;
    }
    clear(c, &shape).await?;
    for (table, contents) in shape.tables.iter().zip(&head.tables) {
        lines.begin(&table.name)?;
        fill(c, table, contents, &mut lines, tell).await?;
    }
    let rows = lines.end()?;
    migration::migrate(c).await?;
    journal::forget(c).await?;
    if c.engine() == Engine::Postgres {
        // The planner knows nothing of rows that came this fast; SQLite's is told what to think.
        c.batch("analyze", "ANALYZE").await?;
    }
    Ok(Moved { schema: head.schema, tables: shape.tables.len(), rows, made_at: head.made_at })
}

/// The schema is made as it was when the rows were read, so it must not be beyond that yet.
fn refuse_versions(theirs: i64, found: i64) -> Result<()> {
    if theirs > migration::EXPECTED {
        let expected = migration::EXPECTED;
        let reason =
            format!("its schema is version {theirs} and this binary knows {expected}; use a newer hythe");
        return Err(damaged(reason));
    }
    if found > theirs {
        let reason = format!("its schema is version {theirs} and the database has {found} already");
        return Err(damaged(format!("{reason}; name a database that has no tables yet")));
    }
    Ok(())
}

fn fits(head: &Head, shape: &Shape) -> Result<()> {
    let same = head.tables.iter().zip(&shape.tables).all(|(contents, table)| contents.is_of(table));
    if same && head.tables.len() == shape.tables.len() {
        return Ok(());
    }
    Err(damaged(format!("its tables are not those of schema version {}", head.schema)))
}

/// Rows must not be mixed with others.
async fn refuse_rows(c: &mut Connection, shape: &Shape) -> Result<()> {
    for table in &shape.tables {
        let text = format!("SELECT 1 FROM {} LIMIT 1", quoted(&table.name));
        if !c.query_text(&table.name, &text, &[]).await?.is_empty() {
            return Err(Error::NotEmpty { table: table.name.clone() });
        }
    }
    Ok(())
}

/// Takes away what migrations put into the tables that they have just made: it is among the rows, as it was then.
async fn clear(c: &mut Connection, shape: &Shape) -> Result<()> {
    for table in shape.tables.iter().rev() {
        c.execute_text(&table.name, &format!("DELETE FROM {}", quoted(&table.name)), &[]).await?;
    }
    Ok(())
}

async fn fill(
    c: &mut Connection,
    table: &Table,
    contents: &Contents,
    lines: &mut Lines,
    tell: &Tell,
) -> Result<()> {
    let booleans: Vec<String> = c.query(&BOOLEANS, &[table.name.as_str().into()]).await?;
    let is_boolean: Vec<bool> = table.columns.iter().map(|column| booleans.contains(&column.name)).collect();
    let width = table.columns.len();
    let at_once = (CELLS / width).max(1) as u64;
    let whole = insert_text(table, at_once, c.engine());
    // Rows of other tables that were loaded before may have made some here, by triggers.
    c.execute_text(&table.name, &format!("DELETE FROM {}", quoted(&table.name)), &[]).await?;
    let mut done = 0;
    while done < contents.rows {
        let rows = at_once.min(contents.rows - done);
        let mut cells = Vec::with_capacity(width * rows as usize);
        for _ in 0..rows {
            let row = lines.row(width)?;
            cells.extend(row.into_iter().zip(&is_boolean).map(|(cell, boolean)| typed(cell, *boolean)));
        }
        let rest = (rows < at_once).then(|| insert_text(table, rows, c.engine()));
        c.execute_text(&table.name, rest.as_ref().unwrap_or(&whole), &cells).await?;
        done += rows;
        tell(Progress { table: &table.name, rows: done, of: contents.rows });
    }
    if let Some(last) = contents.last_id {
        number_from(c, &table.name, last).await?;
    }
    Ok(())
}

/// `INSERT … VALUES ($1, $2), ($3, $4)` for so many rows. PostgreSQL has to be told that the numbers are ours.
fn insert_text(table: &Table, rows: u64, engine: Engine) -> String {
    let ours = match engine {
        Engine::Postgres => " OVERRIDING SYSTEM VALUE",
        Engine::Sqlite => "",
    };
    let width = table.columns.len() as u64;
    let group = |row: u64| {
        let marks: Vec<String> = (1..=width).map(|cell| format!("${}", row * width + cell)).collect();
        format!("({})", marks.join(", "))
    };
    let groups: Vec<String> = (0..rows).map(group).collect();
    let (name, columns) = (quoted(&table.name), table.column_list());
    format!("INSERT INTO {name} ({columns}){ours} VALUES {}", groups.join(", "))
}

/// Booleans are numbers in the portable form and on SQLite.
fn typed(value: Value<'static>, boolean: bool) -> Value<'static> {
    match value {
        Value::Int(value) if boolean => Value::Bool(value != 0),
        other => other,
    }
}

/// The last number that the table gave to a row; 0 if none yet.
pub(super) async fn last_id(c: &mut Connection, table: &str) -> Result<i64> {
    c.query_one(&LAST_ID, &[table.into()]).await
}

/// Lets the table go on numbering after `last`, or after the highest number there is.
async fn number_from(c: &mut Connection, table: &str, last: i64) -> Result<()> {
    let last = last.max(last_id(c, table).await?);
    let arguments = [table.into(), last.into()];
    match c.engine() {
        Engine::Sqlite => {
            const FORGET: &str = "DELETE FROM sqlite_sequence WHERE name = $1";
            const NUMBER: &str = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)";
            c.execute_text(table, FORGET, &arguments[..1]).await?;
            c.execute_text(table, NUMBER, &arguments).await.map(|_| ())
        }
        Engine::Postgres if last > 0 => {
            const NUMBER: &str = "SELECT setval(pg_get_serial_sequence($1, 'id')::regclass, $2)";
            c.query_text(table, NUMBER, &arguments).await.map(|_| ())
        }
        Engine::Postgres => Ok(()),
    }
}

statements! { "portable";
    BOOLEANS = {
        sqlite: "SELECT name AS value FROM pragma_table_info($1) WHERE FALSE",
        postgres: "SELECT CAST(column_name AS TEXT) AS value FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = CAST($1 AS TEXT) AND data_type = 'boolean'",
    };
    LAST_ID = {
        sqlite: "SELECT COALESCE(MAX(seq), 0) AS value FROM sqlite_sequence WHERE name = $1",
        postgres: "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass), 0) AS value",
    };
}
