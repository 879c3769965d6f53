//! Revocations: signed tokens of these subjects that were made before are refused. A subject is `user:1`, `robot:2`,
//! `token:3`.
//!
//! The id is the clock: a token says the newest revocation of its subject that its maker knew, and is refused where a
//! newer one is known. Times of nodes do not matter, which may differ by minutes.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row, list as json_list};
use crate::error::Result;
use crate::ids::Micros;

/// A row of `revocation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its number, larger than those before.
    pub id: i64,
    /// Whose tokens.
    pub subject: String,
    /// When the last of them has expired by itself.
    pub expires_at: Micros,
}

/// Revokes what was made for a subject so far.
pub async fn create(c: &mut Connection, subject: &str, now: Micros, expires_at: Micros) -> Result<i64> {
    c.query_one(&CREATE, &[subject.into(), now.into(), expires_at.into()]).await
}

/// The newest revocation of any of these subjects; 0 for none.
pub async fn newest(c: &mut Connection, subjects: &[String]) -> Result<i64> {
    c.query_one(&NEWEST, &[json_list(subjects)]).await
}

/// Those after the id `after` that still matter.
pub async fn list(c: &mut Connection, after: i64, now: Micros) -> Result<Vec<Revocation>> {
    c.query(&LIST, &[after.into(), now.into()]).await
}

/// Removes those that have not mattered for a while; how many.
pub async fn delete_expired(c: &mut Connection, before: Micros) -> Result<u64> {
    c.execute(&DELETE_EXPIRED, &[before.into()]).await
}

impl FromRow for Revocation {
    fn from_row(row: &mut Row) -> Result<Revocation> {
        Ok(Revocation {
            id: row.take("id")?,
            subject: row.take("subject")?,
            expires_at: row.take("expires_at")?,
        })
    }
}

statements! { "revocation";
    CREATE = "INSERT INTO revocation (subject, at, expires_at) VALUES ($1, $2, $3) RETURNING id AS value";
    NEWEST = {
        sqlite: "SELECT COALESCE(MAX(id), 0) AS value FROM revocation
            WHERE subject IN (SELECT value FROM json_each($1))",
        postgres: "SELECT COALESCE(MAX(id), 0) AS value FROM revocation
            WHERE subject = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))",
    };
    LIST = "SELECT id, subject, expires_at FROM revocation WHERE id > $1 AND expires_at > $2 ORDER BY id";
    DELETE_EXPIRED = "DELETE FROM revocation WHERE expires_at < $1";
}
