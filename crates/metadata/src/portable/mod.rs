//! The portable form: every row of a database as lines of JSON, the same from both engines and for both.
//!
//! ```text
//! {"format":"hythe rows","version":1,"schema":2,"engine":"sqlite","made_at":…,"tables":[{"name":…,"columns":[…],"rows":3,"last_id":7},…]}
//! {"table":"user_account"}
//! [1,"alice",null,{"base64":"…"}]
//! {"end":{"rows":3,"sha256":"…"}}
//! ```
//!
//! Booleans are 0 and 1, bytes are base64, tables come after those they point to. The checksum is of all lines before the
//! last one. Which tables there are is not written down anywhere: the migrations say it (see [`shape`]), so a new table
//! cannot be forgotten. `last_id` is the last number that was ever given out: revocations count on numbers that do not
//! come again.

mod head;
mod load;
mod reader;
mod shape;
#[cfg(test)]
mod tests;
mod writer;

use std::io::{BufRead, Write};
use std::sync::Arc;

use crate::database::Database;
use crate::error::{Error, Result};
use crate::ids::Micros;

#[cfg(test)]
pub(crate) use load::STATEMENTS;

/// How far it is: told once for each page of rows, and at the end of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The table that is being read or written.
    pub table: &'a str,
    /// Rows of it that are done.
    pub rows: u64,
    /// Rows that it has.
    pub of: u64,
}

/// Who is told how far it is.
pub type Tell = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// Opens the lines at their beginning; it may be asked again when the database gave the transaction up.
pub type Open = Arc<dyn Fn() -> std::io::Result<Box<dyn BufRead + Send>> + Send + Sync>;

/// What was written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Version of the schema that the rows have in the portable form.
    pub schema: i64,
    /// Tables.
    pub tables: usize,
    /// Rows of all tables.
    pub rows: u64,
    /// When the rows were read from their database.
    pub made_at: Micros,
}

impl Database {
    /// Writes every row as it stands at one moment, while others go on writing: one snapshot of the database, read in
    /// pages. A schema that this binary does not know is refused; an older one is written as it is.
    pub async fn save(&self, out: &mut (dyn Write + Send), now: Micros, tell: &Tell) -> Result<Moved> {
        writer::save(self, out, now, tell).await
    }

    /// Fills an empty database: all rows or, if one fails or the lines are damaged, nothing. The schema is made as it was
    /// when the rows were read and then brought to this binary's version. [`Error::NotEmpty`] if there are rows already.
    pub async fn load(&self, open: Open, tell: Tell) -> Result<Moved> {
        self.transaction(move |c| {
            let (open, tell) = (open.clone(), tell.clone());
            Box::pin(async move { load::load(c, &open, &tell).await })
        })
        .await
    }
}

/// Lines that are not what [`Database::save`] writes.
fn damaged(reason: impl Into<String>) -> Error {
    Error::Portable { reason: reason.into() }
}
