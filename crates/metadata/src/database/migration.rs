//! Migrations: numbered, one text for each engine under the same number, applied once and never edited.

use super::connection::Connection;
use super::statement::statements;
use super::value::{FromRow, Row};
use super::{Database, Engine};
use crate::error::{Error, Result};

/// One step of the schema.
struct Migration {
    version: i64,
    name: &'static str,
    /// The oldest version whose binary can still serve once this is applied: the one before, where this only adds.
    serves_from: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($(($version:literal, $name:literal, serves_from: $serves_from:literal)),+ $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            serves_from: $serves_from,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

/// In order, without gaps.
const MIGRATIONS: &[Migration] = migrations![
    (1, "0001_foundation", serves_from: 1),
    (2, "0002_identity", serves_from: 2),
    (3, "0003_jobs", serves_from: 2),
    (4, "0004_quota", serves_from: 2),
    (5, "0005_trust_rule", serves_from: 2),
    (6, "0006_node", serves_from: 2),
    (7, "0007_storage_audit", serves_from: 2),
    (8, "0008_immutable_rules", serves_from: 2),
    (9, "0009_trash", serves_from: 2),
    (10, "0010_retention", serves_from: 2),
    (11, "0011_journal", serves_from: 2),
    (12, "0012_data_key", serves_from: 12),
    (13, "0013_activity", serves_from: 12),
    (14, "0014_statistics", serves_from: 12),
];

/// The version that this binary was made for.
pub(crate) const EXPECTED: i64 = MIGRATIONS.len() as i64;

impl Migration {
    fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// FNV-1a, 64 bits. It is there to notice an edit, not an attacker: whoever can write migrations can write rows.
fn checksum(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// A migration as [`Plan`] and [`Migrated`] list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub version: i64,
    /// The name of its file, without the ending.
    pub name: &'static str,
    /// The oldest version whose binary can still serve afterwards.
    pub serves_from: i64,
    /// The text that is or was run.
    pub sql: &'static str,
}

/// What [`Database::migrate`] would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Version of the database; 0 is an empty one.
    pub from: i64,
    /// What would run, in order; empty if the schema is current.
    pub steps: Vec<Step>,
}

/// What [`Database::migrate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Version before.
    pub from: i64,
    /// What ran, in order; empty if the schema was current.
    pub steps: Vec<Step>,
}

/// The schema of a database against the one that this binary was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Version of the database; 0 is an empty one.
    pub version: i64,
    /// Version that this binary was made for.
    pub expected: i64,
    /// The oldest version whose binary can still serve the database; what was applied last says so.
    pub serves_from: i64,
}

impl Schema {
    /// Whether this binary can serve the database. A newer schema is no hindrance where it only adds to what this binary
    /// knows: during an upgrade nodes of both versions serve, and one of the old may start again.
    pub fn check(self) -> Result<()> {
        let Schema { version: found, expected, serves_from } = self;
        if found < expected {
            return Err(Error::SchemaOld { found, expected });
        }
        if expected < serves_from { Err(Error::SchemaTooNew { found, expected }) } else { Ok(()) }
    }
}

impl Database {
    /// Brings the schema to this binary's version, all of it or nothing. Two nodes that do this at once take
    /// turns and the second finds nothing to do. A newer schema, or one made by other texts, is refused.
    pub async fn migrate(&self) -> Result<Migrated> {
        self.transaction(|c| Box::pin(migrate(c))).await
    }

    /// What [`Database::migrate`] would do; it refuses the same databases.
    pub async fn plan(&self) -> Result<Plan> {
        let mut connection = self.connect().await?;
        let applied = applied(&mut connection).await?;
        let steps = pending(connection.engine(), &applied)?;
        Ok(Plan { from: version(&applied), steps })
    }

    /// Which version the schema has.
    pub async fn schema(&self) -> Result<Schema> {
        let applied = applied(&mut self.connect().await?).await?;
        let serves_from = applied.iter().map(|applied| applied.serves_from).max().unwrap_or(0);
        Ok(Schema { version: version(&applied), expected: EXPECTED, serves_from })
    }
}

/// The texts up to a version, in order.
pub(crate) fn texts(engine: Engine, version: i64) -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().filter(move |m| m.version <= version).map(move |m| m.text(engine))
}

/// Brings the schema to this binary's version.
pub(crate) async fn migrate(c: &mut Connection) -> Result<Migrated> {
    migrate_to(c, EXPECTED).await
}

/// The version of the schema, which nobody changes until this transaction has ended.
pub(crate) async fn hold(c: &mut Connection) -> Result<i64> {
    c.lock("schema").await?;
    Ok(version(&applied(c).await?))
}

/// Brings the schema to a version that this binary knows; one that is beyond it stays as it is.
pub(crate) async fn migrate_to(c: &mut Connection, target: i64) -> Result<Migrated> {
    c.lock("schema").await?;
    let applied = applied(c).await?;
    let steps: Vec<Step> =
        pending(c.engine(), &applied)?.into_iter().filter(|step| step.version <= target).collect();
    if applied.is_empty() {
        c.batch("schema", CREATE_TABLE).await?;
    }
    for step in &steps {
        c.batch(step.name, step.sql).await?;
        let arguments =
            [step.version.into(), step.name.into(), checksum(step.sql).into(), step.serves_from.into()];
        c.execute(&RECORD, &arguments).await?;
    }
    Ok(Migrated { from: version(&applied), steps })
}

/// What has to run after what was applied, once that is known to be this binary's own history.
fn pending(engine: Engine, applied: &[Applied]) -> Result<Vec<Step>> {
    if version(applied) > EXPECTED {
        return Err(Error::SchemaTooNew { found: version(applied), expected: EXPECTED });
    }
    for (migration, applied) in MIGRATIONS.iter().zip(applied) {
        applied.check(migration, engine)?;
    }
    let rest = MIGRATIONS.iter().skip(applied.len());
    let step = |m: &Migration| Step {
        version: m.version,
        name: m.name,
        serves_from: m.serves_from,
        sql: m.text(engine),
    };
    Ok(rest.map(step).collect())
}

fn version(applied: &[Applied]) -> i64 {
    applied.last().map_or(0, |applied| applied.version)
}

async fn applied(c: &mut Connection) -> Result<Vec<Applied>> {
    if c.query_one(&EXISTS, &[]).await? { c.query(&LIST, &[]).await } else { Ok(Vec::new()) }
}

/// A row of `schema_migration`.
struct Applied {
    version: i64,
    checksum: String,
    serves_from: i64,
}

impl Applied {
    fn check(&self, migration: &Migration, engine: Engine) -> Result<()> {
        let expected = checksum(migration.text(engine));
        if self.version == migration.version && self.checksum == expected {
            return Ok(());
        }
        Err(Error::SchemaChanged {
            version: self.version,
            name: migration.name.to_owned(),
            found: self.checksum.clone(),
            expected,
        })
    }
}

impl FromRow for Applied {
    fn from_row(row: &mut Row) -> Result<Applied> {
        Ok(Applied {
            version: row.take("version")?,
            checksum: row.take("checksum")?,
            serves_from: row.take("serves_from")?,
        })
    }
}

/// The one table that no migration makes, the same on both engines.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    serves_from BIGINT NOT NULL,
    applied_at BIGINT NOT NULL
);";

// PostgreSQL's `to_regclass` was rejected: it answers from the session's memory of names, which may say "no" after
// another node has made the table and given the lock back.
statements! { "schema";
    EXISTS = {
        sqlite: "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration')
            AS value",
        postgres: "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables
            WHERE schemaname = current_schema() AND tablename = 'schema_migration') AS value",
    };
    LIST = "SELECT version, checksum, serves_from FROM schema_migration ORDER BY version";
    RECORD = {
        sqlite: "INSERT INTO schema_migration (version, name, checksum, serves_from, applied_at)
            VALUES ($1, $2, $3, $4, CAST(unixepoch('subsec') * 1000000 AS INTEGER))",
        postgres: "INSERT INTO schema_migration (version, name, checksum, serves_from, applied_at)
            VALUES ($1, $2, $3, $4, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT))",
    };
}
