//! The lines that are not rows: the first, the one before each table, and the last.

use serde::{Deserialize, Serialize};

use super::shape::Table;

/// What the first line says the rest is.
pub(super) const FORMAT: &str = "hythe rows";
/// The version of the form; a reader refuses what it does not know.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) schema: i64,
    pub(super) engine: String,
    pub(super) made_at: i64,
    pub(super) tables: Vec<Contents>,
}

/// What there is of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: u64,
    /// The last number given out, for tables that number their rows.
    pub(super) last_id: Option<i64>,
}

impl Contents {
    /// Whether these are the rows of that table, with the columns it has.
    pub(super) fn is_of(&self, table: &Table) -> bool {
        self.name == table.name && self.columns.iter().eq(table.columns.iter().map(|column| &column.name))
    }
}

/// The line before the rows of a table.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) table: String,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Last {
    pub(super) end: End,
}

/// What the lines before have to add up to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) rows: u64,
    pub(super) sha256: String,
}
