//! Failed sign-ins, counted by account, by address and by both, for all nodes together.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row, list as json_list};
use crate::error::Result;
use crate::ids::Micros;

/// A row of `sign_in_throttle`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// What is counted: `account|address`, an account or an address, each with its kind before it.
    pub subject: String,
    /// Failures since the last pause that was long enough.
    pub failures: i64,
    /// Until when nobody of this subject is let try again.
    pub blocked_until: Micros,
}

/// Those of the subjects that have failed lately.
pub async fn list(c: &mut Connection, subjects: &[String]) -> Result<Vec<Throttle>> {
    c.query(&LIST, &[json_list(subjects)]).await
}

/// Counts a failure and tells how many there are now. Failures before `forgotten` do not count.
pub async fn count_failure(c: &mut Connection, subject: &str, now: Micros, forgotten: Micros) -> Result<i64> {
    c.query_one(&COUNT_FAILURE, &[subject.into(), now.into(), forgotten.into()]).await
}

/// Lets nobody of this subject try again until then.
pub async fn block(c: &mut Connection, subject: &str, until: Micros) -> Result<()> {
    c.execute(&BLOCK, &[subject.into(), until.into()]).await.map(|_| ())
}

/// Forgets a subject's failures.
pub async fn delete(c: &mut Connection, subject: &str) -> Result<bool> {
    c.changes(&DELETE, &[subject.into()]).await
}

/// Forgets what failed last before then; how many.
pub async fn delete_before(c: &mut Connection, before: Micros) -> Result<u64> {
    c.execute(&DELETE_BEFORE, &[before.into()]).await
}

impl FromRow for Throttle {
    fn from_row(row: &mut Row) -> Result<Throttle> {
        Ok(Throttle {
            subject: row.take("subject")?,
            failures: row.take("failures")?,
            blocked_until: row.take("blocked_until")?,
        })
    }
}

statements! { "sign_in_throttle";
    LIST = {
        sqlite: "SELECT subject, failures, blocked_until FROM sign_in_throttle
            WHERE subject IN (SELECT value FROM json_each($1))",
        postgres: "SELECT subject, failures, blocked_until FROM sign_in_throttle
            WHERE subject = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))",
    };
    COUNT_FAILURE = "INSERT INTO sign_in_throttle (subject, failures, failed_at, blocked_until) VALUES ($1, 1, $2, 0)
        ON CONFLICT (subject) DO UPDATE SET
            failures = CASE WHEN sign_in_throttle.failed_at < $3 THEN 1 ELSE sign_in_throttle.failures + 1 END,
            failed_at = $2
        RETURNING failures AS value";
    BLOCK = "UPDATE sign_in_throttle SET blocked_until = $2 WHERE subject = $1";
    DELETE = "DELETE FROM sign_in_throttle WHERE subject = $1";
    DELETE_BEFORE = "DELETE FROM sign_in_throttle WHERE failed_at < $1";
}
