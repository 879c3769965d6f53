//! The database: whether it answers, how fast, and with which schema.

use std::time::{Duration, Instant};

use hythe_metadata::{Database, Error, Schema};

use super::Finding;

pub(super) const CHECK: &str = "database";

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
    let finding = format!("a question to the database takes {:.1} ms", took.as_secs_f64() * 1000.0);
    if took < SLOW {
        return Finding::ok(CHECK, finding);
    }
    Finding::warn(
        CHECK,
        format!("{finding}, and every push waits for many"),
        "put the database nearer to its nodes, or see what it is busy with; database.pool_size may be too small",
    )
}

/// Whether this version can serve a database with this schema.
pub fn judge_schema(name: &str, schema: Schema) -> Finding {
    let Schema { version, expected, .. } = schema;
    match schema.check() {
        Ok(()) if version > expected => Finding::ok(
            CHECK,
            format!(
                "{name} answers, with schema {version}; this version is made for {expected} and can serve it"
            ),
        ),
        Ok(()) => {
            Finding::ok(CHECK, format!("{name} answers, with schema {version}, which is this version's"))
        }
        Err(Error::SchemaOld { .. }) if version == 0 => {
            Finding::ok(CHECK, format!("{name} answers and is empty; `hythe serve` makes schema {expected}"))
        }
        Err(Error::SchemaOld { .. }) => Finding::warn(
            CHECK,
            format!("{name} answers, with schema {version}, and this version needs {expected}"),
            "`hythe migrate --plan` shows what is missing; `hythe migrate` does it, and on SQLite `hythe serve` too",
        ),
        Err(error) => failed(name, &error),
    }
}

/// Why a database is of no use.
pub fn failed(name: &str, error: &Error) -> Finding {
    let remedy = match error {
        Error::Unavailable { .. } => {
            "check that the server runs, that this machine may reach it, and database.url"
        }
        Error::Locked { .. } => {
            "stop the other server, or give each a database of its own, or use PostgreSQL for both"
        }
        Error::SchemaTooNew { .. } => "run the newer version of hythe that made it",
        Error::ReadOnly { .. } => "make the file and its folder writable for this user",
        Error::Full { .. } => "make room on its disk",
        _ => "`hythe config explain database.url` says where the address comes from",
    };
    Finding::fail(CHECK, format!("{name}: {error}"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn a_schema_is_judged_against_this_versions() {
        let judged = |version| judge_schema("db", Schema { version, expected: 3, serves_from: version });
        assert_eq!(judged(3), Finding::ok(CHECK, "db answers, with schema 3, which is this version's"));
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
