//! Garbage: bytes that no blob names any more and that are still to be removed from storage.
//!
//! The row is made in the transaction that deletes the blob and goes once the bytes are gone, so a crash between
//! the two leaves nothing that nobody can find.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::Micros;

/// A row of `garbage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garbage {
    /// Where the bytes lie, in the blob store's own words.
    pub location: String,
    /// Their number.
    pub size: u64,
    /// Since when nothing names them.
    pub created_at: Micros,
}

/// Says that the bytes at a location are to be removed.
pub async fn create(c: &mut Connection, location: &str, size: u64, now: Micros) -> Result<()> {
    c.execute(&CREATE, &[location.into(), size.into(), now.into()]).await.map(|_| ())
}

/// A page of what has been garbage since before `before`, by location, after `after`.
pub async fn list(
    c: &mut Connection,
    before: Micros,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Garbage>> {
    c.query(&LIST, &[before.into(), after.unwrap_or("").into(), limit.into()]).await
}

/// Says that the bytes are gone; false if somebody else did.
pub async fn delete(c: &mut Connection, location: &str) -> Result<bool> {
    c.changes(&DELETE, &[location.into()]).await
}

impl FromRow for Garbage {
    fn from_row(row: &mut Row) -> Result<Garbage> {
        Ok(Garbage {
            location: row.take("location")?,
            size: row.take("size")?,
            created_at: row.take("created_at")?,
        })
    }
}

statements! { "garbage";
    CREATE = "INSERT INTO garbage (location, size, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    LIST = "SELECT location, size, created_at FROM garbage
        WHERE created_at < $1 AND location > $2 ORDER BY location LIMIT $3";
    DELETE = "DELETE FROM garbage WHERE location = $1";
}
