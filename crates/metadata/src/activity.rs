//! Activity: how much was pulled and pushed in each hour, and how much there was to store.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::Micros;

/// A row of `activity`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// When it began.
    pub hour: Micros,
    /// Manifests that were pulled.
    pub pulls: i64,
    /// Manifests that were pushed.
    pub pushes: i64,
    /// Bytes of all blobs at some time in it; none where nobody looked.
    pub storage: Option<i64>,
}

/// Adds to what was done in an hour.
pub async fn add(c: &mut Connection, hour: Micros, pulls: u64, pushes: u64) -> Result<()> {
    c.execute(&ADD, &[hour.into(), pulls.into(), pushes.into()]).await.map(|_| ())
}

/// Whether somebody has looked how much there is in this hour.
pub async fn is_measured(c: &mut Connection, hour: Micros) -> Result<bool> {
    c.query_one(&IS_MEASURED, &[hour.into()]).await
}

/// Writes down how much there is now.
pub async fn measure(c: &mut Connection, hour: Micros) -> Result<()> {
    c.execute(&MEASURE, &[hour.into()]).await.map(|_| ())
}

/// The hours from this one on, in their order; those in which nothing happened may be missing.
pub async fn list(c: &mut Connection, from: Micros, limit: u32) -> Result<Vec<Hour>> {
    c.query(&LIST, &[from.into(), limit.into()]).await
}

/// Forgets what was before this hour.
pub async fn delete_before(c: &mut Connection, hour: Micros) -> Result<u64> {
    c.execute(&DELETE_BEFORE, &[hour.into()]).await
}

impl FromRow for Hour {
    fn from_row(row: &mut Row) -> Result<Hour> {
        Ok(Hour {
            hour: row.take("hour")?,
            pulls: row.take("pulls")?,
            pushes: row.take("pushes")?,
            storage: row.take("storage")?,
        })
    }
}

statements! { "activity";
    ADD = "INSERT INTO activity (hour, pulls, pushes) VALUES ($1, $2, $3)
        ON CONFLICT (hour) DO UPDATE
        SET pulls = activity.pulls + excluded.pulls, pushes = activity.pushes + excluded.pushes";
    IS_MEASURED = "SELECT EXISTS (SELECT 1 FROM activity WHERE hour = $1 AND storage IS NOT NULL) AS value";
    MEASURE = "INSERT INTO activity (hour, pulls, pushes, storage)
        SELECT $1, 0, 0, CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blob WHERE TRUE
        ON CONFLICT (hour) DO UPDATE SET storage = excluded.storage";
    LIST = "SELECT hour, pulls, pushes, storage FROM activity WHERE hour >= $1 ORDER BY hour LIMIT $2";
    DELETE_BEFORE = "DELETE FROM activity WHERE hour < $1";
}
