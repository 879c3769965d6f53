//! Garbage: bytes that no blob names any more and that are still to be removed from storage.
//!
//! The row is made in the transaction that deletes the blob and goes once the bytes are gone, so a crash between
//! the two leaves nothing that nobody can find. A location belongs to one upload and is never used again, so whoever is
//! late to remove its bytes, or does it twice, harms nobody.

use hythe_oci::upload_id::UploadId;

use crate::blob::Blob;
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

/// How much garbage there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Places in storage.
    pub count: u64,
    /// Their bytes.
    pub size: u64,
}

/// Says that the bytes of blobs that were deleted, or that others have brought already, are to be removed.
pub async fn create(c: &mut Connection, blobs: &[Blob], now: Micros) -> Result<()> {
    let places: Vec<_> = blobs
        .iter()
        .map(|blob| serde_json::json!({ "location": blob.location, "size": blob.size }))
        .collect();
    let places = serde_json::Value::Array(places).to_string();
    c.execute(&CREATE, &[places.into(), now.into()]).await.map(|_| ())
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

/// Takes up to `limit` places that are garbage since before `before` and that nobody is removing at `now`, the oldest
/// first; they are this caller's until `until`.
pub async fn claim(
    c: &mut Connection,
    before: Micros,
    now: Micros,
    until: Micros,
    limit: u32,
) -> Result<Vec<Garbage>> {
    c.query(&CLAIM, &[before.into(), now.into(), until.into(), limit.into()]).await
}

/// How many places could be claimed, counted up to `most`.
pub async fn count_due(c: &mut Connection, before: Micros, now: Micros, most: u64) -> Result<u64> {
    c.query_one::<i64>(&COUNT_DUE, &[before.into(), now.into(), most.into()]).await.map(i64::unsigned_abs)
}

/// Says that the bytes at these locations are gone.
pub async fn delete(c: &mut Connection, locations: &[String]) -> Result<u64> {
    c.execute(&DELETE, &[value::list(locations)]).await
}

/// How much waits to be removed.
pub async fn count(c: &mut Connection) -> Result<Waiting> {
    c.query_one(&COUNT, &[]).await
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

impl FromRow for Waiting {
    fn from_row(row: &mut Row) -> Result<Waiting> {
        Ok(Waiting { count: row.take("count")?, size: row.take("size")? })
    }
}

statements! { "garbage";
    CREATE = {
        sqlite: "INSERT INTO garbage (location, size, created_at)
            SELECT json_extract(value, '$.location'), json_extract(value, '$.size'), $2 FROM json_each($1)
            WHERE TRUE ON CONFLICT DO NOTHING",
        postgres: "INSERT INTO garbage (location, size, created_at)
            SELECT g.location, g.size, $2 FROM jsonb_to_recordset($1::text::jsonb) AS g (location TEXT, size BIGINT)
            ON CONFLICT DO NOTHING",
    };
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
    CLAIM = {
        sqlite: "UPDATE garbage SET leased_until = $3 WHERE location IN (SELECT location FROM garbage
                WHERE created_at < $1 AND leased_until <= $2 ORDER BY created_at, location LIMIT $4)
            RETURNING location, size, created_at",
        postgres: "UPDATE garbage SET leased_until = $3 WHERE location = ANY (ARRAY(SELECT location FROM garbage
                WHERE created_at < $1 AND leased_until <= $2 ORDER BY created_at, location LIMIT $4
                FOR UPDATE SKIP LOCKED))
            RETURNING location, size, created_at",
    };
    DELETE = {
        sqlite: "DELETE FROM garbage WHERE location IN (SELECT value FROM json_each($1))",
        postgres: "DELETE FROM garbage WHERE location = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))",
    };
    COUNT_DUE = "SELECT COUNT(*) AS value FROM (SELECT 1 FROM garbage
        WHERE created_at < $1 AND leased_until <= $2 LIMIT $3) counted";
    COUNT = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS size FROM garbage";
}
