//! Uploads and blobs: one writer at a time, and one row a digest.

use hythe_oci::digest::Algorithm;

use super::{digest, make_repository, make_user, name, on_both_engines, reader, upload_id, write};
use crate::blob::{self, Blob, Recorded};
use crate::upload::{self, Claimed, NewUpload, UploadRow};
use crate::{Database, repository};

on_both_engines![
    whoever_was_overtaken_can_neither_renew_nor_save,
    an_upload_that_is_leased_is_busy_until_the_lease_ends,
    a_takeover_is_counted_where_a_lease_ran_out_and_not_where_it_was_given_back,
    an_upload_that_is_closed_is_left_to_those_who_remove_it,
    of_two_blobs_of_one_digest_the_first_stays,
    the_catalog_shows_what_may_be_seen,
];

async fn begin(database: &Database) -> i64 {
    let repository_id = make_repository(database, "team/app").await;
    let new = NewUpload {
        id: upload_id(7),
        repository_id,
        algorithm: Algorithm::Sha256,
        hash_state: vec![1],
        owner: "alice".to_owned(),
        created_at: 1,
        expires_at: 1000,
    };
    write(database, move |c| {
        let new = new.clone();
        Box::pin(async move { upload::create(c, &new).await })
    })
    .await;
    repository_id
}

async fn claim(database: &Database, repository_id: i64, holder: &'static str, now: i64) -> Claimed {
    write(database, move |c| {
        Box::pin(
            async move { upload::claim(c, repository_id, upload_id(7), holder, None, now, now + 10).await },
        )
    })
    .await
}

async fn claimed(database: &Database, repository_id: i64, holder: &'static str, now: i64) -> UploadRow {
    match claim(database, repository_id, holder, now).await {
        Claimed::Claimed(row) => row,
        other => panic!("{holder} did not get the upload: {other:?}"),
    }
}

async fn whoever_was_overtaken_can_neither_renew_nor_save(database: Database) {
    let repository_id = begin(&database).await;
    let paused = claimed(&database, repository_id, "one", 100).await;
    let other = claimed(&database, repository_id, "other", 200).await;
    assert!(other.fence > paused.fence);
    let save = |fence: i64, offset: u64| {
        write(&database, move |c| {
            Box::pin(async move { upload::save(c, upload_id(7), fence, offset, &[2], "", 1000).await })
        })
    };
    let renewed = write(&database, move |c| {
        Box::pin(async move { upload::renew(c, upload_id(7), paused.fence, 900).await })
    });
    assert!(!renewed.await);
    assert!(!save(paused.fence, 5).await, "the paused writer wakes up too late");
    assert!(save(other.fence, 9).await);
    let row = upload::find(&mut reader(&database).await, repository_id, upload_id(7)).await.unwrap().unwrap();
    assert_eq!(row.offset, 9);
}

async fn an_upload_that_is_leased_is_busy_until_the_lease_ends(database: Database) {
    let repository_id = begin(&database).await;
    claimed(&database, repository_id, "one", 100).await;
    assert_eq!(claim(&database, repository_id, "other", 105).await, Claimed::Busy);
    claimed(&database, repository_id, "other", 111).await;
    assert_eq!(claim(&database, repository_id + 1, "other", 500).await, Claimed::Unknown);
}

async fn a_takeover_is_counted_where_a_lease_ran_out_and_not_where_it_was_given_back(database: Database) {
    let repository_id = begin(&database).await;
    let first = claimed(&database, repository_id, "one", 100).await;
    write(&database, move |c| Box::pin(async move { upload::release(c, upload_id(7), first.fence).await }))
        .await;
    let second = claimed(&database, repository_id, "other", 101).await;
    write(&database, move |c| {
        Box::pin(async move { upload::save(c, upload_id(7), second.fence, 3, &[2], "", 1000).await })
    })
    .await;
    let third = claimed(&database, repository_id, "one", 102).await;
    let after_lapse = claimed(&database, repository_id, "one", 200).await;
    let takeovers = [first, second, third, after_lapse].map(|row| row.takeovers);
    assert_eq!(takeovers, [0, 0, 0, 1]);
}

async fn an_upload_that_is_closed_is_left_to_those_who_remove_it(database: Database) {
    let repository_id = begin(&database).await;
    let remover = claimed(&database, repository_id, "one", 100).await;
    let close = |fence: i64| {
        write(&database, move |c| Box::pin(async move { upload::close(c, upload_id(7), fence).await }))
    };
    assert!(!close(remover.fence - 1).await);
    assert!(close(remover.fence).await);
    assert_eq!(claim(&database, repository_id, "client", 200).await, Claimed::Unknown);
    let found = upload::find(&mut reader(&database).await, repository_id, upload_id(7)).await.unwrap();
    assert_eq!(found, None);
    let claim_expired = |now: i64| {
        write(&database, move |c| {
            Box::pin(async move { upload::claim_expired(c, upload_id(7), "janitor", now, now + 10).await })
        })
    };
    assert_eq!(claim_expired(105).await, None, "it is held");
    assert_eq!(claim_expired(200).await.unwrap().takeovers, 1);
}

async fn of_two_blobs_of_one_digest_the_first_stays(database: Database) {
    let record = |location: &'static str| {
        write(&database, move |c| {
            let blob = Blob { digest: digest(1), size: 3, location: location.to_owned() };
            Box::pin(async move { blob::record(c, &blob, 1).await })
        })
    };
    assert_eq!(record("first").await, Recorded::Created);
    let Recorded::Existing(kept) = record("second").await else {
        panic!("the second took the place of the first")
    };
    assert_eq!(kept.location, "first");
}

async fn the_catalog_shows_what_may_be_seen(database: Database) {
    make_repository(&database, "open/app").await;
    super::make_project(&database, "shut", false).await;
    make_repository(&database, "shut/app").await;
    let stranger = make_user(&database, "stranger").await;
    let list =
        async |visible| repository::catalog(&mut reader(&database).await, visible, None, 10).await.unwrap();
    assert_eq!(list(repository::Visible::All).await, ["open/app", "shut/app"]);
    assert_eq!(list(repository::Visible::Public).await, ["open/app"]);
    assert_eq!(list(repository::Visible::Subject(stranger.id)).await, ["open/app"]);
    let found = repository::find(&mut reader(&database).await, &name("shut/app")).await.unwrap().unwrap();
    assert!(!found.public);
}
