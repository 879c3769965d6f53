//! Databases that this binary must not touch, and how fast an empty one is ready.

use std::time::{Duration, Instant};

use super::{block_on, on_both_engines, raw, sqlite_options};
use crate::{Database, Error};

on_both_engines![
    a_migration_with_another_text_is_refused,
    a_newer_schema_is_not_migrated,
    a_newer_schema_that_only_adds_is_served,
    an_older_schema_is_not_served,
];

async fn a_migration_with_another_text_is_refused(database: Database) {
    raw(&database, "UPDATE schema_migration SET checksum = 'edited' WHERE version = 1").await;
    for error in [database.migrate().await.unwrap_err(), database.plan().await.unwrap_err()] {
        assert!(
            matches!(&error, Error::SchemaChanged { version: 1, found, .. } if found == "edited"),
            "{error}"
        );
    }
}

async fn a_newer_schema_is_not_migrated(database: Database) {
    raw(&database, "INSERT INTO schema_migration VALUES (99, 'later', 'x', 99, 1)").await;
    for error in [database.migrate().await.unwrap_err(), database.plan().await.unwrap_err()] {
        assert!(matches!(error, Error::SchemaTooNew { found: 99, .. }), "{error}");
    }
}

async fn a_newer_schema_that_only_adds_is_served(database: Database) {
    const ADDS: &str = "INSERT INTO schema_migration
        SELECT MAX(version) + 1, 'adds', 'x', MAX(version), 1 FROM schema_migration";
    const TAKES_AWAY: &str = "INSERT INTO schema_migration
        SELECT MAX(version) + 1, 'takes away', 'x', MAX(version) + 1, 1 FROM schema_migration";
    const ADDS_FOR_ALL: &str = "INSERT INTO schema_migration
        SELECT MAX(version) + 1, 'adds for all', 'x', 1, 1 FROM schema_migration";
    raw(&database, ADDS).await;
    database.schema().await.unwrap().check().unwrap();
    raw(&database, TAKES_AWAY).await;
    raw(&database, ADDS_FOR_ALL).await;
    let error = database.schema().await.unwrap().check().unwrap_err();
    assert!(matches!(error, Error::SchemaTooNew { .. }), "what is gone does not come back: {error}");
}

async fn an_older_schema_is_not_served(database: Database) {
    raw(&database, "DELETE FROM schema_migration").await;
    let error = database.schema().await.unwrap().check().unwrap_err();
    assert!(matches!(error, Error::SchemaOld { found: 0, .. }), "{error}");
}

#[test]
fn a_failed_migration_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let database = Database::open(&sqlite_options(folder.path())).unwrap();
        // Something of the same name is in the way of a table in the middle of the first migration.
        raw(&database, "CREATE TABLE manifest (x)").await;
        database.migrate().await.unwrap_err();
        assert_eq!(database.schema().await.unwrap().version, 0);
        raw(&database, "DROP TABLE manifest").await;
        database.migrate().await.unwrap();
    });
}

/// The bar is 50 ms; the test allows a hundred times that, for a machine that does other things meanwhile.
#[test]
fn an_empty_file_is_ready_at_once() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let begun = Instant::now();
        let database = Database::open(&sqlite_options(folder.path())).unwrap();
        database.migrate().await.unwrap();
        let took = begun.elapsed();
        eprintln!("an empty SQLite file was migrated in {took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    });
}
