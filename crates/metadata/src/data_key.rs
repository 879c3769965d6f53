//! The data key: what the secrets among the rows are sealed with, itself sealed once for every key-encryption key that
//! opens it. There is one data key at a time.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::Micros;

/// More key-encryption keys than anybody keeps at once.
const AT_MOST: u32 = 100;

/// A row of `data_key`.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKeyRow {
    /// The id of the key-encryption key that opens it.
    pub opener: String,
    /// The id of the data key, the same in all rows.
    pub id: String,
    /// The data key, sealed.
    pub sealed: Vec<u8>,
    /// When this row was made.
    pub created_at: Micros,
}

/// Leaves the key out, sealed as it is.
impl std::fmt::Debug for DataKeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKeyRow")
            .field("opener", &self.opener)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Keeps every other transaction that seals something, or changes the key, waiting until this one has ended.
pub async fn lock(c: &mut Connection) -> Result<()> {
    c.lock("data_key").await
}

/// All rows, the oldest first.
pub async fn list(c: &mut Connection) -> Result<Vec<DataKeyRow>> {
    c.query(&LIST, &[AT_MOST.into()]).await
}

/// Writes a row in place of the one that this opener had.
pub async fn put(c: &mut Connection, row: &DataKeyRow) -> Result<()> {
    let arguments = [(&row.opener).into(), (&row.id).into(), (&row.sealed).into(), row.created_at.into()];
    c.execute(&PUT, &arguments).await.map(|_| ())
}

/// Deletes every row but this opener's and tells how many they were.
pub async fn delete_others(c: &mut Connection, opener: &str) -> Result<u64> {
    c.execute(&DELETE_OTHERS, &[opener.into()]).await
}

impl FromRow for DataKeyRow {
    fn from_row(row: &mut Row) -> Result<DataKeyRow> {
        Ok(DataKeyRow {
            opener: row.take("opener")?,
            id: row.take("id")?,
            sealed: row.take("sealed")?,
            created_at: row.take("created_at")?,
        })
    }
}

statements! { "data_key";
    LIST = "SELECT opener, id, sealed, created_at FROM data_key ORDER BY created_at, opener LIMIT $1";
    PUT = "INSERT INTO data_key (opener, id, sealed, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (opener) DO UPDATE
        SET id = excluded.id, sealed = excluded.sealed, created_at = excluded.created_at";
    DELETE_OTHERS = "DELETE FROM data_key WHERE opener <> $1";
}
