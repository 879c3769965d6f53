//! Several nodes on one database, and one node on its file.

use std::os::unix::fs::PermissionsExt;

use super::{block_on, make_project, on_both_engines, reader, sqlite_options, with_postgres, write};
use crate::{Database, Error, Options, project};

#[test]
fn two_nodes_that_migrate_at_once_take_turns() {
    with_postgres(|options| async move {
        let (one, other) = (Database::open(&options).unwrap(), Database::open(&options).unwrap());
        // Each has looked, and has seen nothing, before either begins.
        assert_eq!(one.schema().await.unwrap().version, 0);
        assert_eq!(other.schema().await.unwrap().version, 0);
        let (first, second) = tokio::join!(one.migrate(), other.migrate());
        let steps = [first.unwrap().steps.len(), second.unwrap().steps.len()];
        assert!(steps.contains(&0), "one of the two has nothing to do: {steps:?}");
        assert!(one.schema().await.unwrap().check().is_ok());
    });
}

#[test]
fn migrating_twice_does_nothing_the_second_time() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let database = Database::open(&sqlite_options(folder.path())).unwrap();
        assert!(!database.migrate().await.unwrap().steps.is_empty());
        assert!(database.migrate().await.unwrap().steps.is_empty());
        assert!(database.plan().await.unwrap().steps.is_empty());
    });
}

#[test]
fn a_second_server_on_the_file_is_told_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { exclusive: true, ..sqlite_options(folder.path()) };
    let _first = Database::open(&options).unwrap();
    let error = Database::open(&options).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&std::process::id().to_string()) && text.contains("PostgreSQL"), "{text}");
}

#[test]
fn the_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let database = Database::open(&sqlite_options(folder.path())).unwrap();
        database.migrate().await.unwrap();
        for file in ["hythe.db", "hythe.db-wal"] {
            let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{file} has the mode {mode:o}");
        }
    });
}

#[test]
fn what_was_answered_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let database = Database::open(&sqlite_options(folder.path())).unwrap();
        database.migrate().await.unwrap();
        make_project(&database, "team", true).await;
        // Nothing of the first is closed: only what is in the file counts.
        let beside = Options { exclusive: false, ..sqlite_options(folder.path()) };
        let again = Database::open(&beside).unwrap();
        let mut connection = again.connect().await.unwrap();
        assert!(project::find(&mut connection, &"team".parse().unwrap()).await.unwrap().is_some());
    });
}

#[test]
fn a_postgresql_that_is_away_is_named_without_its_password() {
    block_on(async {
        let options = Options::new("postgres://me:very-secret@127.0.0.1:1/rows");
        let error = Database::open(&options).unwrap().ping().await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Unavailable { .. }), "{text}");
        assert!(text.contains("127.0.0.1:1/rows") && !text.contains("very-secret"), "{text}");
    });
}

/// Microseconds of the right epoch on both engines, and by the same clock where both run on one machine.
#[test]
fn the_engines_tell_the_same_time() {
    with_postgres(|options| async move {
        let folder = tempfile::tempdir().unwrap();
        let file = Database::open(&sqlite_options(folder.path())).unwrap();
        let server = Database::open(&options).unwrap();
        let (here, there) = (file.now().await.unwrap(), server.now().await.unwrap());
        assert!((here - there).abs() < 60_000_000, "{here} {there}");
        assert!(here > 1_735_689_600_000_000, "2025 is over: {here}");
    });
}

fn beat(id: &str, patience: i64) -> crate::node::Beat {
    crate::node::Beat {
        id: id.to_owned(),
        name: "one".to_owned(),
        version: "1.2.3".to_owned(),
        addresses: "[]".to_owned(),
        patience,
        clock_offset: -7,
        report: "{}".to_owned(),
    }
}

async fn show(database: &Database, beat: crate::node::Beat) -> i64 {
    write(database, move |c| {
        let beat = beat.clone();
        Box::pin(async move { crate::node::beat(c, &beat).await })
    })
    .await
}

async fn a_node_is_seen_by_the_clock_of_the_database(database: Database) {
    let first = show(&database, beat("a", 5)).await;
    show(&database, beat("b", 5)).await;
    let again = show(&database, beat("a", 1_000_000_000)).await;
    assert!(write(&database, |c| Box::pin(crate::node::stop(c, "b"))).await);
    assert!(!write(&database, |c| Box::pin(crate::node::stop(c, "c"))).await);
    let nodes = crate::node::list(&mut reader(&database).await, 10).await.unwrap();
    let [a, b] = nodes.as_slice() else { panic!("{nodes:?}") };
    assert_eq!((a.id.as_str(), a.started_at, a.seen_at), ("a", first, again));
    assert_eq!((a.expected_at, a.stopped_at, a.clock_offset), (again + 1_000_000_000, 0, -7));
    assert!(b.stopped_at >= b.expected_at - 5 && b.stopped_at == b.seen_at, "{b:?}");
    let now = database.now().await.unwrap();
    assert!((first..first + 60_000_000).contains(&now), "{first} {now}");
}

async fn nodes_that_are_gone_are_forgotten(database: Database) {
    let before = show(&database, beat("old", 5)).await + 1;
    // SQLite tells milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    show(&database, beat("young", 5)).await;
    assert_eq!(write(&database, move |c| Box::pin(crate::node::delete_gone(c, before))).await, 1);
    let nodes = crate::node::list(&mut reader(&database).await, 10).await.unwrap();
    assert_eq!(nodes.iter().map(|node| node.id.as_str()).collect::<Vec<_>>(), ["young"]);
}

on_both_engines! {
    a_node_is_seen_by_the_clock_of_the_database,
    nodes_that_are_gone_are_forgotten,
}
