//! Nodes: every running `hythe serve`, by the rows it renews for as long as it lives. Times are the database's, so that a
//! node with a wrong clock is neither taken for dead nor for alive.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::Micros;

/// A row of `node`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// One run of one process.
    pub id: String,
    /// What its operator calls it.
    pub name: String,
    /// The version it runs.
    pub version: String,
    /// Where it listens, a JSON array of texts.
    pub addresses: String,
    /// When it began to serve.
    pub started_at: Micros,
    /// When it showed itself last.
    pub seen_at: Micros,
    /// By when it shows itself again if it lives.
    pub expected_at: Micros,
    /// When it said goodbye; 0 while it has not.
    pub stopped_at: Micros,
    /// Its clock minus the database's.
    pub clock_offset: Micros,
    /// What it has under way and what it can reach, JSON.
    pub report: String,
}

/// What a node writes each time.
#[derive(Clone, Debug)]
pub struct Beat {
    /// One run of one process.
    pub id: String,
    /// What its operator calls it.
    pub name: String,
    /// The version it runs.
    pub version: String,
    /// Where it listens, a JSON array of texts.
    pub addresses: String,
    /// After how long without another it counts as lost.
    pub patience: Micros,
    /// Its clock minus the database's, as it last measured it.
    pub clock_offset: Micros,
    /// What it has under way and what it can reach, JSON.
    pub report: String,
}

/// Writes that the node lives, and tells the database's time.
pub async fn beat(c: &mut Connection, beat: &Beat) -> Result<Micros> {
    let now = c.now().await?;
    let arguments = [
        (&beat.id).into(),
        (&beat.name).into(),
        (&beat.version).into(),
        (&beat.addresses).into(),
        now.into(),
        now.saturating_add(beat.patience).into(),
        beat.clock_offset.into(),
        (&beat.report).into(),
    ];
    c.execute(&BEAT, &arguments).await?;
    Ok(now)
}

/// Writes that the node has ended on purpose; false if there is no such row.
pub async fn stop(c: &mut Connection, id: &str) -> Result<bool> {
    let now = c.now().await?;
    c.changes(&STOP, &[id.into(), now.into()]).await
}

/// All nodes, by name and then by their beginning; `limit` at most.
pub async fn list(c: &mut Connection, limit: u32) -> Result<Vec<NodeRow>> {
    c.query(&LIST, &[limit.into()]).await
}

/// Deletes those that nothing has been heard of since `before`, and tells how many they were.
pub async fn delete_gone(c: &mut Connection, before: Micros) -> Result<u64> {
    c.execute(&DELETE_GONE, &[before.into()]).await
}

impl FromRow for NodeRow {
    fn from_row(row: &mut Row) -> Result<NodeRow> {
        Ok(NodeRow {
            id: row.take("id")?,
            name: row.take("name")?,
            version: row.take("version")?,
            addresses: row.take("addresses")?,
            started_at: row.take("started_at")?,
            seen_at: row.take("seen_at")?,
            expected_at: row.take("expected_at")?,
            stopped_at: row.take("stopped_at")?,
            clock_offset: row.take("clock_offset")?,
            report: row.take("report")?,
        })
    }
}

statements! { "node";
    BEAT = "INSERT INTO node
            (id, name, version, addresses, started_at, seen_at, expected_at, stopped_at, clock_offset, report)
        VALUES ($1, $2, $3, $4, $5, $5, $6, 0, $7, $8)
        ON CONFLICT (id) DO UPDATE SET addresses = excluded.addresses, seen_at = excluded.seen_at,
            expected_at = excluded.expected_at, stopped_at = 0, clock_offset = excluded.clock_offset,
            report = excluded.report";
    STOP = "UPDATE node SET stopped_at = $2, seen_at = $2 WHERE id = $1";
    LIST = "SELECT id, name, version, addresses, started_at, seen_at, expected_at, stopped_at, clock_offset, report
        FROM node ORDER BY name, started_at, id LIMIT $1";
    DELETE_GONE = "DELETE FROM node WHERE seen_at < $1";
}
