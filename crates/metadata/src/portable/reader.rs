//! From lines back to values, counted and summed on the way.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::head::{Begin, FORMAT, Head, Last, VERSION};
use super::writer::sum_text;
use super::{Open, damaged};
use crate::database::value::Value;
use crate::error::Result;

/// The longest line that is read, in bytes: far more than the largest row has.
const LINE: u64 = 256 << 20;

/// The lines of one portable form.
pub(super) struct Lines {
    source: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    sum: Context,
    rows: u64,
}

impl Lines {
    pub(super) fn open(open: &Open) -> Result<Lines> {
        let source = open().map_err(|error| damaged(format!("it cannot be opened: {error}")))?;
        Ok(Lines { source, line: Vec::new(), sum: Context::new(&SHA256), rows: 0 })
    }

    /// The first line.
    pub(super) fn head(&mut self) -> Result<Head> {
        let known: Known =
            self.next().map_err(|_| damaged("its first line is not that of a backup of hythe"))?;
        if known.format != FORMAT {
            return Err(damaged("its first line is not that of a backup of hythe"));
        }
        if known.version != VERSION {
            let reason = format!("its form is version {} and this binary reads {VERSION}", known.version);
            return Err(damaged(format!("{reason}; use the binary that wrote it, or a newer one")));
        }
        self.parse()
    }

    /// The line before the rows of a table.
    pub(super) fn begin(&mut self, table: &str) -> Result<()> {
        let begin: Begin = self.next()?;
        if begin.table == table { Ok(()) } else { Err(damaged(format!("rows of table {table} are missing"))) }
    }

    /// One row with as many cells as the table has columns.
    pub(super) fn row(&mut self, width: usize) -> Result<Vec<Value<'static>>> {
        let cells: Vec<Cell> = self.next()?;
        self.rows += 1;
        if cells.len() != width {
            return Err(damaged(format!("row {} has {} cells in place of {width}", self.rows, cells.len())));
        }
        cells.into_iter().map(Cell::value).collect()
    }

    /// The last line, which must fit what came before it and have nothing behind it.
    pub(super) fn end(mut self) -> Result<u64> {
        let sum = sum_text(self.sum.clone());
        let Last { end } = self.next()?;
        if end.rows != self.rows || end.sha256 != sum {
            return Err(damaged(format!("its checksum is {sum} and should be {}", end.sha256)));
        }
        match self.read()? {
            0 => Ok(self.rows),
            _ => Err(damaged("something follows its last line")),
        }
    }

    fn next<T: DeserializeOwned>(&mut self) -> Result<T> {
        if self.read()? == 0 || self.line.last() != Some(&b'\n') {
            return Err(damaged(format!("it ends too early, after {} rows", self.rows)));
        }
        self.sum.update(&self.line);
        self.parse()
    }

    fn read(&mut self) -> Result<usize> {
        self.line.clear();
        let read = self.source.by_ref().take(LINE).read_until(b'\n', &mut self.line);
        read.map_err(|error| damaged(format!("it cannot be read after {} rows: {error}", self.rows)))
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.line).map_err(|error| {
            damaged(format!("the line after {} rows is not what it should be: {error}", self.rows))
        })
    }
}

/// As much of the first line as every version has.
#[derive(Deserialize)]
struct Known {
    format: String,
    version: u32,
}

/// A cell as it is written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Cell {
    Int(i64),
    Text(String),
    Bytes { base64: String },
    Null(()),
}

impl Cell {
    fn value(self) -> Result<Value<'static>> {
        Ok(match self {
            Cell::Int(value) => Value::Int(value),
            Cell::Text(text) => Value::Text(Cow::Owned(text)),
            Cell::Null(()) => Value::Null,
            Cell::Bytes { base64 } => {
                let bytes = BASE64_STANDARD.decode(base64);
                Value::Bytes(Cow::Owned(bytes.map_err(|error| damaged(format!("bytes in a row: {error}")))?))
            }
        })
    }
}
