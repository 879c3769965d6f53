//! The database: whether it answers, how fast, and with which schema.

use std::time::{Duration, Instant};

use hythe_metadata::{Database, Error, Schema};

use super::{Finding, words};

/// Questions of which the one in the middle counts: the first may have to wait for a connection.
const QUESTIONS: usize = 5;
/// A push asks the database some twenty times, one question after the other.
const SLOW: Duration = Duration::from_millis(20);

pub(super) async fn check(database: &Database) -> Vec<Finding> {
    const NAME: &str = "the database";
    let schema = match database.schema().await {
        Ok(schema) => judge_schema(NAME, schema),
        Err(error) => return vec![failed(NAME, &error)],
    };
    match latency(database).await {
        Ok(took) => vec![schema, judge_latency(took)],
        Err(error) => vec![failed(NAME, &error)],
    }
}

async fn latency(database: &Database) -> hythe_metadata::Result<Duration> {
    let mut took = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let begun = Instant::now();
        database.ping().await?;
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    Ok(took[QUESTIONS / 2])
}

fn judge_latency(took: Duration) -> Finding {
    let milliseconds = format!("{:.1}", took.as_secs_f64() * 1000.0);
    if took < SLOW { words::database_fast(milliseconds) } else { words::database_slow(milliseconds) }
}

/// Whether this version can serve a database with this schema.
pub fn judge_schema(name: &str, schema: Schema) -> Finding {
    let Schema { version, expected, .. } = schema;
    match schema.check() {
        Ok(()) if version > expected => words::schema_newer(name, version, expected),
        Ok(()) => words::schema_current(name, version),
        Err(Error::SchemaOld { .. }) if version == 0 => words::schema_none(name, expected),
        Err(Error::SchemaOld { .. }) => words::schema_old(name, version, expected),
        Err(error) => failed(name, &error),
    }
}

/// Why a database is of no use.
pub fn failed(name: &str, error: &Error) -> Finding {
    match error {
        Error::Unavailable { .. } => words::database_away(name, error),
        Error::Locked { .. } => words::database_locked(name, error),
        Error::SchemaTooNew { .. } => words::schema_too_new(name, error),
        Error::ReadOnly { .. } => words::database_read_only(name, error),
        Error::Full { .. } => words::database_full(name, error),
        _ => words::database_failed(name, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn a_schema_is_judged_against_this_versions() {
        let judged = |version| judge_schema("db", Schema { version, expected: 3, serves_from: version });
        assert_eq!(judged(3).finding, "db answers, with schema 3, which is this version's");
        assert_eq!(judged(0).status, Status::Ok);
        assert_eq!(judged(2).status, Status::Warn);
        assert_eq!(judged(4).status, Status::Fail);
        let added_to = judge_schema("db", Schema { version: 4, expected: 3, serves_from: 3 });
        assert_eq!((added_to.status, added_to.finding.contains("can serve it")), (Status::Ok, true));
    }

    #[test]
    fn a_database_far_away_is_told_with_its_distance() {
        assert_eq!(judge_latency(Duration::from_micros(400)).status, Status::Ok);
        let far = judge_latency(Duration::from_millis(80));
        assert_eq!(
            (far.status, far.finding.as_str()),
            (Status::Warn, "a question to the database takes 80.0 ms, and every push waits for many")
        );
    }
}
