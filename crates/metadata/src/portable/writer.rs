//! From one snapshot of a database to lines.

use std::io::Write;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::head::{Begin, Contents, End, FORMAT, Head, Last, VERSION};
use super::shape::{Shape, Table, quoted};
use super::{Moved, Progress, Tell, damaged, load};
use crate::database::Database;
use crate::database::connection::Connection;
use crate::database::value::Value;
use crate::error::{Error, Result};
use crate::ids::Micros;

/// Rows that are read at once and held in memory.
const PAGE: usize = 1000;
/// The same where rows hold bytes: a manifest may have 4 MiB.
const PAGE_OF_BYTES: usize = 64;

pub(super) async fn save(
    database: &Database,
    out: &mut (dyn Write + Send),
    made_at: Micros,
    tell: &Tell,
) -> Result<Moved> {
    let schema = database.plan().await?.from;
    if schema == 0 {
        return Err(Error::SchemaOld { found: 0, expected: database.schema().await?.expected });
    }
    let shape = Shape::of(schema)?;
    let mut snapshot = database.snapshot().await?;
    let mut lines = Lines::new(out);
    let head = head(&mut snapshot, &shape, schema, made_at).await?;
    lines.write(&head)?;
    for (table, contents) in shape.tables.iter().zip(&head.tables) {
        lines.write(&Begin { table: table.name.clone() })?;
        rows(&mut snapshot, table, contents.rows, &mut lines, tell).await?;
    }
    let rows = lines.rows;
    lines.end()?;
    Ok(Moved { schema, tables: shape.tables.len(), rows, made_at })
}

async fn head(c: &mut Connection, shape: &Shape, schema: i64, made_at: Micros) -> Result<Head> {
    let mut tables = Vec::with_capacity(shape.tables.len());
    for table in &shape.tables {
        tables.push(contents(c, table).await?);
    }
    let engine = c.engine().as_str().to_owned();
    Ok(Head { format: FORMAT.to_owned(), version: VERSION, schema, engine, made_at, tables })
}

async fn contents(c: &mut Connection, table: &Table) -> Result<Contents> {
    let count = format!("SELECT COUNT(*) FROM {}", quoted(&table.name));
    let counted = c.query_text(&table.name, &count, &[]).await?;
    let Some([Value::Int(rows)]) = counted.first().map(Vec::as_slice) else {
        return Err(damaged(format!("rows of table {} cannot be counted", table.name)));
    };
    let last_id = if table.numbered { Some(load::last_id(c, &table.name).await?) } else { None };
    let columns = table.columns.iter().map(|column| column.name.clone()).collect();
    Ok(Contents { name: table.name.clone(), columns, rows: rows.unsigned_abs(), last_id })
}

/// All rows of a table in the order of its key, a page at a time.
async fn rows(c: &mut Connection, table: &Table, of: u64, lines: &mut Lines<'_>, tell: &Tell) -> Result<()> {
    let limit = if table.columns.iter().any(|column| column.is_bytes) { PAGE_OF_BYTES } else { PAGE };
    let (first, next) = page_texts(table, limit);
    let places = table.key_places();
    let (mut done, mut after) = (0, Vec::new());
    loop {
        let text = if after.is_empty() { &first } else { &next };
        let page = c.query_text(&table.name, text, &after).await?;
        for row in &page {
            lines.row(row)?;
        }
        done += page.len() as u64;
        tell(Progress { table: &table.name, rows: done, of });
        match page.last() {
            Some(last) if page.len() == limit => {
                after = places.iter().map(|place| last[*place].clone()).collect()
            }
            _ => return Ok(()),
        }
    }
}

/// The statement for the first page, and the one for each that follows a key.
fn page_texts(table: &Table, limit: usize) -> (String, String) {
    let (columns, name, key) = (table.column_list(), quoted(&table.name), table.key_list());
    let marks: Vec<String> = (1..=table.key.len()).map(|number| format!("${number}")).collect();
    let marks = marks.join(", ");
    let text = |after: &str| format!("SELECT {columns} FROM {name}{after} ORDER BY {key} LIMIT {limit}");
    (text(""), text(&format!(" WHERE ({key}) > ({marks})")))
}

/// Lines on their way out, and their checksum.
struct Lines<'w> {
    out: &'w mut (dyn Write + Send),
    line: Vec<u8>,
    sum: Context,
    rows: u64,
}

impl<'w> Lines<'w> {
    fn new(out: &'w mut (dyn Write + Send)) -> Lines<'w> {
        Lines { out, line: Vec::new(), sum: Context::new(&SHA256), rows: 0 }
    }

    fn row(&mut self, cells: &[Value<'static>]) -> Result<()> {
        self.rows += 1;
        self.write(&cells.iter().map(Cell).collect::<Vec<_>>())
    }

    fn write(&mut self, value: &impl Serialize) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value).map_err(|error| damaged(error.to_string()))?;
        self.line.push(b'\n');
        self.sum.update(&self.line);
        self.out.write_all(&self.line).map_err(|error| unwritten(&error))
    }

    fn end(mut self) -> Result<()> {
        let end = End { rows: self.rows, sha256: sum_text(self.sum.clone()) };
        self.write(&Last { end })?;
        self.out.flush().map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &std::io::Error) -> Error {
    damaged(format!("it cannot be written: {error}"))
}

/// A checksum in hexadecimal.
pub(super) fn sum_text(sum: Context) -> String {
    sum.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value as JSON.
struct Cell<'a>(&'a Value<'static>);

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Bool(value) => serializer.serialize_i64((*value).into()),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("base64", &BASE64_STANDARD.encode(bytes))?;
                map.end()
            }
        }
    }
}
