//! Schedules: what makes jobs again and again. One of a kind and key; when it is due next is worked out by the caller.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::Micros;

/// A row of `schedule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its number.
    pub id: i64,
    /// The kind of its jobs.
    pub kind: String,
    /// Their key.
    pub key: String,
    /// When: a cron expression.
    pub cron: String,
    /// The IANA's name of the zone whose clock it means.
    pub time_zone: String,
    /// What its jobs need to know, JSON.
    pub payload: String,
    /// When it is due next; none if never.
    pub next_at: Option<Micros>,
    /// When it made a job last.
    pub last_at: Option<Micros>,
    /// That job's number.
    pub last_job: Option<i64>,
    /// Who set it last.
    pub created_by: String,
    /// When it was made.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

/// A schedule to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchedule {
    /// The kind of its jobs.
    pub kind: String,
    /// Their key.
    pub key: String,
    /// When: a cron expression.
    pub cron: String,
    /// The IANA's name of the zone whose clock it means.
    pub time_zone: String,
    /// What its jobs need to know, JSON.
    pub payload: String,
    /// When it is due next; none if never.
    pub next_at: Option<Micros>,
    /// Who sets it.
    pub created_by: String,
}

/// Makes the schedule of a kind and key, or changes it; its number.
pub async fn put(c: &mut Connection, new: &NewSchedule, now: Micros) -> Result<i64> {
    let arguments = [
        (&new.kind).into(),
        (&new.key).into(),
        (&new.cron).into(),
        (&new.time_zone).into(),
        (&new.payload).into(),
        new.next_at.into(),
        (&new.created_by).into(),
        now.into(),
    ];
    c.query_one(&PUT, &arguments).await
}

/// The schedule of a kind and key.
pub async fn find(c: &mut Connection, kind: &str, key: &str) -> Result<Option<Schedule>> {
    c.query_optional(&FIND, &[kind.into(), key.into()]).await
}

/// Removes it; false if there is none.
pub async fn delete(c: &mut Connection, kind: &str, key: &str) -> Result<bool> {
    c.changes(&DELETE, &[kind.into(), key.into()]).await
}

/// A page of schedules, by kind and key.
pub async fn list(c: &mut Connection, skip: u32, limit: u32) -> Result<Vec<Schedule>> {
    c.query(&LIST, &[limit.into(), skip.into()]).await
}

/// How many there are.
pub async fn count(c: &mut Connection) -> Result<i64> {
    c.query_one(&COUNT, &[]).await
}

/// The one that has been due for longest, kept from other transactions until this one has ended.
pub async fn take_due(c: &mut Connection, now: Micros) -> Result<Option<Schedule>> {
    c.query_optional(&TAKE_DUE, &[now.into()]).await
}

/// Notes the job that it made and when it is due next.
pub async fn made(c: &mut Connection, id: i64, job: i64, now: Micros, next_at: Option<Micros>) -> Result<()> {
    c.execute(&MADE, &[id.into(), job.into(), now.into(), next_at.into()]).await.map(|_| ())
}

/// Puts off one that this binary can do nothing about.
pub async fn postpone(c: &mut Connection, id: i64, next_at: Micros) -> Result<()> {
    c.execute(&POSTPONE, &[id.into(), next_at.into()]).await.map(|_| ())
}

impl FromRow for Schedule {
    fn from_row(row: &mut Row) -> Result<Schedule> {
        Ok(Schedule {
            id: row.take("id")?,
            kind: row.take("kind")?,
            key: row.take("key")?,
            cron: row.take("cron")?,
            time_zone: row.take("time_zone")?,
            payload: row.take("payload")?,
            next_at: row.take("next_at")?,
            last_at: row.take("last_at")?,
            last_job: row.take("last_job")?,
            created_by: row.take("created_by")?,
            created_at: row.take("created_at")?,
            updated_at: row.take("updated_at")?,
        })
    }
}

macro_rules! select {
    () => {
        "SELECT id, kind, key, cron, time_zone, payload, next_at, last_at, last_job, created_by, created_at,
            updated_at FROM schedule "
    };
}

statements! { "schedule";
    PUT = "INSERT INTO schedule (kind, key, cron, time_zone, payload, next_at, created_by, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        ON CONFLICT (kind, key) DO UPDATE SET cron = excluded.cron, time_zone = excluded.time_zone,
            payload = excluded.payload, next_at = excluded.next_at, created_by = excluded.created_by,
            updated_at = excluded.updated_at
        RETURNING id AS value";
    FIND = (select!(), "WHERE kind = $1 AND key = $2");
    DELETE = "DELETE FROM schedule WHERE kind = $1 AND key = $2";
    LIST = (select!(), "ORDER BY kind, key LIMIT $1 OFFSET $2");
    COUNT = "SELECT COUNT(*) AS value FROM schedule";
    TAKE_DUE = {
        sqlite: (select!(), "WHERE next_at <= $1 ORDER BY next_at LIMIT 1"),
        postgres: (select!(), "WHERE next_at <= $1 ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED"),
    };
    POSTPONE = "UPDATE schedule SET next_at = $2 WHERE id = $1";
    MADE = "UPDATE schedule SET last_job = $2, last_at = $3, next_at = $4 WHERE id = $1";
}
