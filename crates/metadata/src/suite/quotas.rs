//! Quotas: what a project is charged for, exactly, and that nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use hythe_oci::manifest::ReferenceKind;
use tokio::sync::Notify;

use super::{
    digest, insert_manifest, make_repository, new_manifest, on_both_engines, reader, with_postgres, write,
};
use crate::blob::{self, Blob};
use crate::{Database, Error, Options, Result, charge, manifest, project, repository, usage};

on_both_engines![
    a_blob_counts_once_in_however_many_repositories,
    deleting_an_image_makes_room_at_once_for_what_nobody_else_needs,
    a_repository_that_goes_takes_its_charges_along,
    what_is_over_the_limit_is_refused_and_leaves_nothing,
    a_limit_is_exact_whatever_pushes_at_once,
    a_limit_that_does_not_hold_refuses_nothing,
    a_recount_finds_what_is_missing_and_what_is_too_much,
];

/// One blob pushed into a repository.
async fn push(database: &Database, repository_id: i64, seed: u64, size: u64) -> Result<()> {
    let pushed = Blob { digest: digest(seed), size, location: format!("at/{seed}") };
    database
        .transaction(move |c| {
            let pushed = pushed.clone();
            Box::pin(async move {
                blob::record(c, &pushed, 1).await?;
                blob::link(c, repository_id, &pushed.digest, 1).await
            })
        })
        .await
}

/// One manifest of 2 bytes with these layers.
async fn push_image(database: &Database, repository_id: i64, seed: u64, layers: &[u64]) {
    let layers = layers.iter().map(|layer| (ReferenceKind::Layer, digest(*layer))).collect();
    insert_manifest(database, new_manifest(repository_id, digest(seed)), layers).await;
}

async fn delete_image(database: &Database, repository_id: i64, seed: u64) {
    let gone = write(database, move |c| {
        Box::pin(
            async move { manifest::delete(c, repository_id, &digest(seed), &super::deletion("d", 1)).await },
        )
    });
    assert!(gone.await);
}

async fn set_limit(database: &Database, project_id: i64, limit: Option<i64>) {
    assert!(write(database, move |c| Box::pin(usage::limit(c, project_id, limit, 2))).await);
}

/// What the project's sum says, once it is known to be that of its charges.
async fn used(database: &Database, project_id: i64) -> i64 {
    let difference = write(database, move |c| Box::pin(usage::correct(c, project_id))).await;
    assert_eq!(difference, 0, "the sum is that of the charges");
    usage::of_project(&mut reader(database).await, project_id).await.unwrap()
}

async fn project_of(database: &Database) -> i64 {
    let team = "team".parse().unwrap();
    project::find(&mut reader(database).await, &team).await.unwrap().unwrap().id
}

fn refused(result: Result<()>) -> (i64, i64, i64) {
    match result.unwrap_err() {
        Error::OverQuota { adding, used, limit, .. } => (adding, used, limit),
        other => panic!("{other}"),
    }
}

async fn a_blob_counts_once_in_however_many_repositories(database: Database) {
    let (one, other) =
        (make_repository(&database, "team/a").await, make_repository(&database, "team/b").await);
    let elsewhere = make_repository(&database, "others/a").await;
    for id in [one, other, elsewhere, one] {
        push(&database, id, 1, 100).await.unwrap();
    }
    for id in [one, other] {
        push_image(&database, id, 9, &[1]).await;
    }
    assert_eq!(used(&database, project_of(&database).await).await, 102);
}

async fn deleting_an_image_makes_room_at_once_for_what_nobody_else_needs(database: Database) {
    let (one, other) =
        (make_repository(&database, "team/a").await, make_repository(&database, "team/b").await);
    let team = project_of(&database).await;
    for (seed, size) in [(1, 100), (2, 10)] {
        push(&database, one, seed, size).await.unwrap();
    }
    push(&database, other, 1, 100).await.unwrap();
    push_image(&database, one, 8, &[1, 2]).await;
    push_image(&database, other, 9, &[1]).await;
    assert_eq!(used(&database, team).await, 114);
    delete_image(&database, one, 8).await;
    assert_eq!(used(&database, team).await, 102, "the other repository needs the first blob");
    delete_image(&database, other, 9).await;
    assert_eq!(used(&database, team).await, 0);
    push_image(&database, one, 8, &[1, 2]).await;
    assert_eq!(used(&database, team).await, 112, "its blobs are there still, and count again");
}

async fn a_repository_that_goes_takes_its_charges_along(database: Database) {
    let (one, other) =
        (make_repository(&database, "team/a").await, make_repository(&database, "team/b").await);
    let team = project_of(&database).await;
    for (repository, seed) in [(one, 1), (one, 2), (other, 2), (one, 3)] {
        push(&database, repository, seed, 10).await.unwrap();
    }
    push_image(&database, one, 8, &[1, 2]).await;
    push_image(&database, other, 9, &[2]).await;
    assert!(
        write(&database, move |c| Box::pin(async move {
            repository::delete(c, one, &super::deletion("d", 1)).await
        }))
        .await
    );
    assert_eq!(used(&database, team).await, 12);
    assert!(
        write(&database, move |c| Box::pin(async move {
            repository::delete(c, other, &super::deletion("d", 1)).await
        }))
        .await
    );
    assert_eq!(used(&database, team).await, 0);
}

async fn what_is_over_the_limit_is_refused_and_leaves_nothing(database: Database) {
    let id = make_repository(&database, "team/a").await;
    let team = project_of(&database).await;
    set_limit(&database, team, Some(100)).await;
    push(&database, id, 1, 60).await.unwrap();
    assert_eq!(refused(push(&database, id, 2, 41).await), (41, 60, 100));
    assert!(blob::find(&mut reader(&database).await, &digest(2)).await.unwrap().is_none());
    push(&database, id, 2, 40).await.unwrap();
    push(&database, id, 1, 60).await.unwrap();
    assert_eq!(refused(push(&database, id, 3, 1).await), (1, 100, 100));
    set_limit(&database, team, Some(50)).await;
    assert_eq!(refused(push(&database, id, 3, 1).await), (1, 100, 50));
    let unlinked = write(&database, move |c| Box::pin(async move { blob::unlink(c, id, &digest(1)).await }));
    assert!(unlinked.await);
    push(&database, id, 3, 10).await.unwrap();
    assert_eq!(refused(push(&database, id, 4, 1).await), (1, 50, 50));
    set_limit(&database, team, None).await;
    push(&database, id, 4, 1000).await.unwrap();
    assert_eq!(used(&database, team).await, 1050);
}

async fn a_limit_is_exact_whatever_pushes_at_once(database: Database) {
    let id = make_repository(&database, "team/a").await;
    let team = project_of(&database).await;
    set_limit(&database, team, Some(1000)).await;
    let pushes: Vec<_> = (0..120)
        .map(|seed| {
            let database = database.clone();
            tokio::spawn(async move { push(&database, id, seed, 10 + seed % 3).await })
        })
        .collect();
    let mut taken = 0;
    for (seed, push) in (0..).zip(pushes) {
        match push.await.unwrap() {
            Ok(()) => taken += 10 + seed % 3,
            Err(Error::OverQuota { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(used(&database, team).await, taken);
    assert!(taken <= 1000 && taken > 1000 - 12, "{taken}");
}

async fn a_limit_that_does_not_hold_refuses_nothing(database: Database) {
    let id = make_repository(&database, "team/a").await;
    let team = project_of(&database).await;
    set_limit(&database, team, Some(10)).await;
    write(&database, |c| Box::pin(usage::enforce(c, false))).await;
    push(&database, id, 1, 100).await.unwrap();
    write(&database, |c| Box::pin(usage::enforce(c, true))).await;
    assert_eq!(refused(push(&database, id, 2, 1).await), (1, 100, 10));
    let mut c = reader(&database).await;
    let standing =
        usage::standing(&mut c, &"team".parse().unwrap(), Some(&digest(1))).await.unwrap().unwrap();
    assert_eq!((standing.used, standing.limit, standing.charged), (100, Some(10), true));
}

/// A charge for what is nowhere, in place of all others.
const STALE: &str = "DELETE FROM charge; INSERT INTO charge (project_id, digest, size)
    SELECT id, 'sha256:0000000000000000000000000000000000000000000000000000000000000000', 7 FROM project";

/// Rows as a version without charges leaves them.
async fn a_recount_finds_what_is_missing_and_what_is_too_much(database: Database) {
    let id = make_repository(&database, "team/a").await;
    let team = project_of(&database).await;
    push(&database, id, 1, 100).await.unwrap();
    push_image(&database, id, 9, &[1]).await;
    super::raw(&database, STALE).await;
    let missing = charge::missing(&mut reader(&database).await, team, 10).await.unwrap();
    assert_eq!(missing.len(), 2);
    write(&database, move |c| {
        let missing = missing.clone();
        Box::pin(async move {
            for (repository, digest) in missing {
                charge::create(c, repository, &digest).await?;
            }
            Ok(())
        })
    })
    .await;
    assert!(charge::missing(&mut reader(&database).await, team, 10).await.unwrap().is_empty());
    assert_eq!(write(&database, move |c| Box::pin(charge::release_stale(c, team, 10))).await, 1);
    super::raw(&database, "UPDATE project_usage SET used = used + 5 WHERE slot = 0").await;
    assert_eq!(write(&database, move |c| Box::pin(usage::correct(c, team))).await, -5);
    assert_eq!(used(&database, team).await, 102);
}

/// A transaction that has pushed and is not committed holds up nobody who pushes into the same project, however many.
#[test]
fn pushes_into_one_project_do_not_wait_for_one_another() {
    with_postgres(|options| async move {
        let database = Database::open(&Options { pool_size: 24, ..options }).unwrap();
        database.migrate().await.unwrap();
        let id = make_repository(&database, "team/a").await;
        let team = project_of(&database).await;
        push(&database, id, 0, 1).await.unwrap();
        for limit in [None, Some(1_000_000)] {
            set_limit(&database, team, limit).await;
            let held = hold_slots(&database, team).await;
            let pushes = (1..=200).map(|seed| {
                let database = database.clone();
                let seed = seed + u64::from(limit.is_some()) * 1000;
                tokio::spawn(async move { push(&database, id, seed, 10).await })
            });
            let pushes: Vec<_> = pushes.collect();
            for push in pushes {
                tokio::time::timeout(Duration::from_secs(20), push).await.expect("waits").unwrap().unwrap();
            }
            held.notify_one();
        }
        assert_eq!(used(&database, team).await, 4001);
    });
}

/// Takes a quarter of the rows of a project's sum, as transactions in the middle of their commits do, until it is told.
async fn hold_slots(database: &Database, team: i64) -> Arc<Notify> {
    let (told, taken) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (database, until, ready) = (database.clone(), told.clone(), taken.clone());
    tokio::spawn(async move {
        let held = database.transaction(move |c| {
            let (until, ready) = (until.clone(), ready.clone());
            Box::pin(async move {
                c.batch(
                    "test",
                    &format!("SELECT 1 FROM project_usage WHERE project_id = {team} AND slot < 8 FOR UPDATE"),
                )
                .await?;
                ready.notify_one();
                until.notified().await;
                Ok(())
            })
        });
        held.await.unwrap();
    });
    taken.notified().await;
    told
}
