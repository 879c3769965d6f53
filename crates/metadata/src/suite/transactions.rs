//! Transactions: all or nothing, each for itself, and on disk when they are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{
    administer, block_on, make_project, on_both_engines, reader, run_on_sqlite, sqlite_options, with_postgres,
};
use crate::{Connection, Database, Error, Result, member, setting};

on_both_engines![
    one_that_fails_takes_no_other_with_it,
    one_that_swallows_an_error_is_not_committed,
    one_that_is_refused_by_its_own_error_is_undone,
    many_at_once_all_get_through,
];

async fn value(database: &Database, key: &str) -> Option<String> {
    setting::find(&mut reader(database).await, key).await.unwrap()
}

async fn put(c: &mut Connection, key: &str) -> Result<()> {
    setting::put(c, key, "set").await
}

async fn put_alone(database: &Database, key: String) {
    let work = database.transaction(move |c| {
        let key = key.clone();
        Box::pin(async move { put(c, &key).await })
    });
    work.await.unwrap();
}

fn refusal() -> Error {
    Error::Conflict { what: "it was not to be".to_owned() }
}

async fn one_that_fails_takes_no_other_with_it(database: Database) {
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let database = database.clone();
            tokio::spawn(async move {
                (
                    number,
                    database
                        .transaction(move |c| {
                            Box::pin(async move {
                                put(c, &format!("key-{number}")).await?;
                                if number % 3 == 0 { Err(refusal()) } else { Ok(()) }
                            })
                        })
                        .await
                        .is_ok(),
                )
            })
        })
        .collect();
    for task in tasks {
        let (number, done) = task.await.unwrap();
        assert_eq!(done, number % 3 != 0);
        assert_eq!(value(&database, &format!("key-{number}")).await.is_some(), done, "key-{number}");
    }
}

/// PostgreSQL would answer the commit with a silent rollback; here it is an error on both.
async fn one_that_swallows_an_error_is_not_committed(database: Database) {
    let project = make_project(&database, "team", true).await;
    let error = database
        .transaction(move |c| {
            Box::pin(async move {
                put(c, "before").await?;
                let _ = member::create(c, project.id, member::Entity::User(4711), 1, 1).await;
                Ok(())
            })
        })
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    assert_eq!(value(&database, "before").await, None);
}

#[derive(Debug)]
enum Own {
    Refused,
    Database(#[expect(dead_code, reason = "shown when the test fails")] Error),
}

impl From<Error> for Own {
    fn from(error: Error) -> Own {
        Own::Database(error)
    }
}

async fn one_that_is_refused_by_its_own_error_is_undone(database: Database) {
    let outcome: Result<(), Own> = database
        .try_transaction(|c| {
            Box::pin(async move {
                put(c, "before").await?;
                Err(Own::Refused)
            })
        })
        .await;
    assert!(matches!(outcome, Err(Own::Refused)), "{outcome:?}");
    assert_eq!(value(&database, "before").await, None);
}

async fn many_at_once_all_get_through(database: Database) {
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let database = database.clone();
            tokio::spawn(async move {
                let key = format!("key-{number}");
                put_alone(&database, key.clone()).await;
                // An answer means that every other connection sees it.
                assert!(value(&database, &key).await.is_some());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[test]
fn on_sqlite_a_panic_ends_one_transaction_and_not_the_writer() {
    run_on_sqlite(|database| async move {
        let error = database
            .transaction(|c| {
                Box::pin(async move {
                    put(c, "before").await?;
                    if c.engine() == crate::Engine::Sqlite {
                        panic!("on purpose");
                    }
                    Ok(())
                })
            })
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Engine { .. }), "{error}");
        assert_eq!(value(&database, "before").await, None);
        make_project(&database, "after", true).await;
    });
}

#[test]
fn on_sqlite_work_that_waits_for_anything_else_is_refused() {
    run_on_sqlite(|database| async move {
        let error = database
            .transaction(|c| {
                Box::pin(async move {
                    put(c, "before").await?;
                    tokio::task::yield_now().await;
                    Ok(())
                })
            })
            .await
            .unwrap_err();
        assert!(error.to_string().contains("waited for something other"), "{error}");
        assert_eq!(value(&database, "before").await, None);
    });
}

#[test]
fn on_sqlite_a_write_outside_a_transaction_is_refused() {
    run_on_sqlite(|database| async move {
        assert!(put(&mut reader(&database).await, "key").await.is_err());
        assert_eq!(value(&database, "key").await, None);
    });
}

#[test]
fn on_sqlite_a_closed_database_was_written_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        for round in 0..3 {
            // Opened anew each time: the lock of the one before is gone with it.
            let database = Database::open(&sqlite_options(folder.path())).unwrap();
            database.migrate().await.unwrap();
            make_project(&database, &format!("team{round}"), true).await;
        }
    });
}

/// Ends every connection to the test's database but the one that says so.
async fn cut_connections(database: &str) {
    let server = std::env::var("HYTHE_TEST_POSTGRES").unwrap();
    let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
    administer(&server, &sql).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
}

fn database_name(url: &str) -> String {
    url::Url::parse(url).unwrap().path().trim_start_matches('/').to_owned()
}

#[test]
fn on_postgres_a_database_that_was_gone_is_found_again() {
    with_postgres(|options| async move {
        let database = Database::open(&options).unwrap();
        database.migrate().await.unwrap();
        let mut held = reader(&database).await;
        setting::find(&mut held, "key").await.unwrap();
        cut_connections(&database_name(&options.url)).await;
        setting::find(&mut held, "key").await.expect("a read is sent again");
        database.ping().await.expect("and the pool has forgotten the dead connections");
        cut_connections(&database_name(&options.url)).await;
        make_project(&database, "team", true).await;
    });
}

#[test]
fn on_postgres_a_transaction_cut_off_before_its_commit_is_run_again() {
    with_postgres(|options| async move {
        let database = Database::open(&options).unwrap();
        database.migrate().await.unwrap();
        let (runs, name) = (Arc::new(AtomicU32::new(0)), Arc::new(database_name(&options.url)));
        let counted = runs.clone();
        database
            .transaction(move |c| {
                let (runs, name) = (counted.clone(), name.clone());
                Box::pin(async move {
                    put(c, "one").await?;
                    if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                        cut_connections(&name).await;
                    }
                    put(c, "two").await
                })
            })
            .await
            .unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert!(value(&database, "one").await.is_some() && value(&database, "two").await.is_some());
    });
}

#[test]
fn on_postgres_two_that_wait_for_each_other_are_run_again() {
    with_postgres(|options| async move {
        let database = Database::open(&options).unwrap();
        database.migrate().await.unwrap();
        let crossing = |first: &'static str, second: &'static str| {
            let database = database.clone();
            tokio::spawn(async move {
                database
                    .transaction(move |c| {
                        Box::pin(async move {
                            put(c, first).await?;
                            tokio::time::sleep(Duration::from_millis(300)).await;
                            put(c, second).await
                        })
                    })
                    .await
            })
        };
        let (one, other) = tokio::join!(crossing("a", "b"), crossing("b", "a"));
        one.unwrap().unwrap();
        other.unwrap().unwrap();
    });
}

/// Strangers choose texts, such as the name they sign in with: that is no fault of the engine.
#[test]
fn on_postgres_a_text_with_a_nul_is_the_askers_fault() {
    with_postgres(|options| async move {
        let database = Database::open(&options).unwrap();
        database.migrate().await.unwrap();
        let error = setting::find(&mut reader(&database).await, "a\0b").await.unwrap_err();
        assert!(matches!(error, Error::Text { .. }), "{error}");
    });
}

#[test]
fn on_postgres_a_transaction_whose_caller_went_away_is_undone() {
    with_postgres(|options| async move {
        let database = Database::open(&crate::Options { pool_size: 1, ..options }).unwrap();
        database.migrate().await.unwrap();
        let cancelled = tokio::time::timeout(
            Duration::from_millis(300),
            database.transaction(|c| {
                Box::pin(async move {
                    put(c, "before").await?;
                    std::future::pending::<Result<()>>().await
                })
            }),
        )
        .await;
        assert!(cancelled.is_err());
        assert_eq!(value(&database, "before").await, None);
        make_project(&database, "team", true).await;
    });
}
