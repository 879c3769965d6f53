//! Garbage: bytes that no blob names any more and that are still to be removed from storage.
//!
//! The row is made in the transaction that deletes the blob and goes once the bytes are gone, so a crash between
//! the two leaves nothing that nobody can find.

use hythe_oci::upload_id::UploadId;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{self, FromRow, Row};
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

/// Says so of what neither a blob nor the upload that brought it names; false if one does. One statement, so that it
/// sees an upload that ends meanwhile before or after, and never between.
pub async fn create_if_unnamed(
    c: &mut Connection,
    location: &str,
    size: u64,
    upload: Option<UploadId>,
    now: Micros,
) -> Result<bool> {
    let upload = upload.map(|id| id.to_string()).unwrap_or_default();
    c.changes(&CREATE_IF_UNNAMED, &[location.into(), size.into(), now.into(), upload.into()]).await
}

/// Those of the locations that are garbage.
pub async fn known(c: &mut Connection, locations: &[&str]) -> Result<Vec<String>> {
    c.query(&KNOWN, &[value::list(locations)]).await
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
    CREATE_IF_UNNAMED = {
        sqlite: "INSERT INTO garbage (location, size, created_at) SELECT $1, $2, $3
            WHERE NOT EXISTS (SELECT 1 FROM blob WHERE location = $1)
                AND NOT EXISTS (SELECT 1 FROM upload WHERE id = $4)
            ON CONFLICT DO NOTHING",
        postgres: "INSERT INTO garbage (location, size, created_at)
            SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS BIGINT)
            WHERE NOT EXISTS (SELECT 1 FROM blob WHERE location COLLATE \"C\" = CAST($1 AS TEXT))
                AND NOT EXISTS (SELECT 1 FROM upload WHERE id = $4)
            ON CONFLICT DO NOTHING",
    };
    KNOWN = {
        sqlite: "SELECT location AS value FROM garbage WHERE location IN (SELECT value FROM json_each($1))",
        postgres: "SELECT location AS value FROM garbage
            WHERE location = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))",
    };
    LIST = "SELECT location, size, created_at FROM garbage
        WHERE created_at < $1 AND location > $2 ORDER BY location LIMIT $3";
    DELETE = "DELETE FROM garbage WHERE location = $1";
}
