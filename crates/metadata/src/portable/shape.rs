//! What tables there are, read from the migrations themselves: they are run in an empty SQLite database in memory, and its
//! catalogue says the rest. A list in the code was rejected, because somebody will forget to add to it; a test holds the
//! answer against the catalogue of both engines.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::database::Engine;
use crate::database::migration;
use crate::error::{Error, Result};

/// The tables of one version of the schema.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Each after those that it points to.
    pub(super) tables: Vec<Table>,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Columns of the primary key in its order.
    pub(super) key: Vec<String>,
    /// The database numbers its rows.
    pub(super) numbered: bool,
    /// Tables that it points to.
    points_to: BTreeSet<String>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) is_bytes: bool,
}

impl Shape {
    /// The tables that the migrations up to `version` make.
    pub(super) fn of(version: i64) -> Result<Shape> {
        let scratch = || -> rusqlite::Result<Vec<Table>> {
            let scratch = Connection::open_in_memory()?;
            for sql in migration::texts(Engine::Sqlite, version) {
                scratch.execute_batch(sql)?;
            }
            tables(&scratch)
        };
        let tables = scratch().map_err(|error| failed(error.to_string()))?;
        Ok(Shape { tables: in_order(tables)? })
    }
}

impl Table {
    /// The columns as a list for a statement.
    pub(super) fn column_list(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        names.join(", ")
    }

    /// The columns of the key as a list for a statement.
    pub(super) fn key_list(&self) -> String {
        self.key.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    }

    /// Where the columns of the key are in a row.
    pub(super) fn key_places(&self) -> Vec<usize> {
        let place = |name: &String| self.columns.iter().position(|column| column.name == *name);
        self.key.iter().filter_map(place).collect()
    }
}

/// A name as both engines take it, even if it is a word of theirs.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn tables(scratch: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut list = scratch.prepare(
        "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master
         WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let named = list.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let named: Vec<(String, bool)> = named.collect::<Result<_, _>>()?;
    named.into_iter().map(|(name, numbered)| table(scratch, name, numbered)).collect()
}

fn table(scratch: &Connection, name: String, numbered: bool) -> rusqlite::Result<Table> {
    let mut list = scratch.prepare("SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid")?;
    let rows = list.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows: Vec<(String, String, u32)> = rows.collect::<Result<_, _>>()?;
    let key: BTreeMap<u32, String> = rows
        .iter()
        .filter(|(_, _, place)| *place > 0)
        .map(|(name, _, place)| (*place, name.clone()))
        .collect();
    let column = |(name, kind, _): (String, String, u32)| Column { name, is_bytes: kind == "BLOB" };
    let columns = rows.into_iter().map(column).collect();
    let mut list = scratch.prepare("SELECT \"table\" FROM pragma_foreign_key_list(?1)")?;
    let points_to = list.query_map([&name], |row| row.get(0))?.collect::<Result<BTreeSet<String>, _>>()?;
    Ok(Table { name, columns, key: key.into_values().collect(), numbered, points_to })
}

/// Each table after those that it points to, by name where that leaves a choice. One that points to itself is read in
/// the order of its key, which is the order of its making.
fn in_order(mut left: Vec<Table>) -> Result<Vec<Table>> {
    let mut ordered: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |table: &Table| {
            let mut others = left.iter().filter(|other| other.name != table.name);
            others.any(|other| table.points_to.contains(&other.name))
        };
        let Some(next) = left.iter().position(|table| !waits(table)) else {
            let names: Vec<&str> = left.iter().map(|table| table.name.as_str()).collect();
            return Err(failed(format!("tables point to one another in a circle: {}", names.join(", "))));
        };
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

fn failed(reason: String) -> Error {
    Error::Engine { statement: "portable.shape".to_owned(), reason }
}
