//! Blobs and manifests: what is linked, needed and collected, and the races between these.

use hythe_oci::digest::Digest;
use hythe_oci::manifest::ReferenceKind;

use super::{digest, insert_manifest, make_repository, name, new_manifest, on_both_engines, reader, write};
use crate::blob::{self, Blob, Recorded};
use crate::{Database, Error, garbage, manifest, project, repository, tag};

on_both_engines![
    a_blob_is_pulled_only_from_where_it_is_linked,
    a_blob_knows_where_it_is_linked,
    what_a_manifest_needs_is_known_until_it_is_deleted,
    a_manifest_is_kept_byte_for_byte_and_once,
    of_many_records_of_one_digest_one_stays,
    of_many_relocations_of_one_blob_one_succeeds,
    a_collected_blob_becomes_garbage_and_cannot_be_linked,
    a_blob_is_either_linked_or_collected,
    a_blob_is_either_needed_or_unlinked,
    a_tag_on_a_missing_manifest_is_refused,
    a_project_or_repository_in_use_stays,
];

async fn record(database: &Database, seed: u64, location: &'static str) -> Recorded {
    write(database, move |c| {
        Box::pin(async move {
            let blob = Blob { digest: digest(seed), size: 3, location: location.to_owned() };
            blob::record(c, &blob, 1).await
        })
    })
    .await
}

async fn link(database: &Database, repository_id: i64, seed: u64) -> Result<(), Error> {
    database
        .transaction(move |c| Box::pin(async move { blob::link(c, repository_id, &digest(seed), 1).await }))
        .await
}

async fn unlink(database: &Database, repository_id: i64, seed: u64) -> bool {
    write(database, move |c| Box::pin(async move { blob::unlink(c, repository_id, &digest(seed)).await }))
        .await
}

async fn condemn(database: &Database, seed: u64) -> Result<bool, Error> {
    database
        .transaction(move |c| {
            Box::pin(async move { Ok(!blob::condemn(c, &[digest(seed)], 5).await?.is_empty()) })
        })
        .await
}

/// For ten microseconds.
async fn claim(database: &Database, before: i64, now: i64) -> Vec<garbage::Garbage> {
    write(database, move |c| Box::pin(async move { garbage::claim(c, before, now, now + 10, 5).await })).await
}

async fn a_blob_is_pulled_only_from_where_it_is_linked(database: Database) {
    let (one, other) =
        (make_repository(&database, "team/one").await, make_repository(&database, "team/other").await);
    record(&database, 1, "here").await;
    link(&database, one, 1).await.unwrap();
    link(&database, one, 1).await.expect("twice is fine");
    let mut c = reader(&database).await;
    let found = blob::find_linked_by_name(&mut c, &name("team/one"), &digest(1)).await.unwrap().unwrap();
    assert_eq!((found.size, found.location.as_str()), (3, "here"));
    assert_eq!(blob::find_linked(&mut c, one, &digest(1)).await.unwrap(), Some(found));
    assert_eq!(blob::find_linked_by_name(&mut c, &name("team/other"), &digest(1)).await.unwrap(), None);
    let missing = blob::missing_links(&mut c, one, &[digest(3), digest(1), digest(2)]).await.unwrap();
    assert_eq!(missing, [digest(3), digest(2)]);
    assert_eq!(blob::missing_links(&mut c, one, &[]).await.unwrap(), []);
    assert!(unlink(&database, one, 1).await && !unlink(&database, other, 1).await);
    assert_eq!(blob::find_linked(&mut c, one, &digest(1)).await.unwrap(), None);
}

async fn a_blob_knows_where_it_is_linked(database: Database) {
    let (one, two) =
        (make_repository(&database, "shut/app").await, make_repository(&database, "open/app").await);
    record(&database, 1, "here").await;
    let mut c = reader(&database).await;
    assert!(blob::linked_in(&mut c, &digest(1), 10).await.unwrap().is_empty());
    link(&database, one, 1).await.unwrap();
    link(&database, two, 1).await.unwrap();
    let names = blob::linked_in(&mut c, &digest(1), 10).await.unwrap();
    assert_eq!(names, [name("shut/app"), name("open/app")]);
    assert_eq!(blob::linked_in(&mut c, &digest(1), 1).await.unwrap(), [name("shut/app")]);
}

async fn what_a_manifest_needs_is_known_until_it_is_deleted(database: Database) {
    let id = make_repository(&database, "team/app").await;
    let needs = vec![
        (ReferenceKind::Config, digest(1)),
        (ReferenceKind::Layer, digest(2)),
        (ReferenceKind::Layer, digest(2)),
        (ReferenceKind::Layer, digest(1)),
    ];
    assert!(insert_manifest(&database, new_manifest(id, digest(9)), needs).await);
    let mut c = reader(&database).await;
    for (seed, expected) in [(1, true), (2, true), (3, false)] {
        assert_eq!(blob::is_referenced(&mut c, id, &digest(seed)).await.unwrap(), expected);
        assert!(!blob::is_referenced(&mut c, id + 1, &digest(seed)).await.unwrap());
    }
    assert_eq!(manifest::missing(&mut c, id, &[digest(9), digest(8)]).await.unwrap(), [digest(8)]);
    assert!(delete_manifest(&database, id, 9).await && !delete_manifest(&database, id, 9).await);
    assert!(!blob::is_referenced(&mut c, id, &digest(1)).await.unwrap());
}

async fn delete_manifest(database: &Database, id: i64, seed: u64) -> bool {
    write(database, move |c| {
        Box::pin(async move { manifest::delete(c, id, &digest(seed), &super::deletion("d", 2)).await })
    })
    .await
}

async fn a_manifest_is_kept_byte_for_byte_and_once(database: Database) {
    let id = make_repository(&database, "team/app").await;
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let new = manifest::NewManifest {
        bytes: bytes.clone(),
        subject: Some(digest(2)),
        artifact_type: Some("sbom".to_owned()),
        annotations_json: "{\"a\":\"ä\"}".to_owned(),
        ..new_manifest(id, digest(1))
    };
    assert!(insert_manifest(&database, new.clone(), Vec::new()).await);
    assert!(!insert_manifest(&database, manifest::NewManifest { pushed_at: 9, ..new }, Vec::new()).await);
    let found = manifest::find(&mut reader(&database).await, id, &digest(1)).await.unwrap().unwrap();
    assert_eq!((found.pushed_at, found.subject), (1, Some(digest(2))));
    assert_eq!(found.annotations_json, "{\"a\":\"ä\"}");
    assert!(found.bytes == bytes);
}

async fn of_many_records_of_one_digest_one_stays(database: Database) {
    const LOCATIONS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let tasks = LOCATIONS.map(|location| {
        let database = database.clone();
        tokio::spawn(async move { (location, record(&database, 1, location).await) })
    });
    let (mut winners, mut kept) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            (location, Recorded::Created) => winners.push(location.to_owned()),
            (_, Recorded::Existing(blob)) => kept.push(blob.location),
        }
    }
    assert_eq!(winners.len(), 1);
    assert!(kept.iter().all(|location| *location == winners[0]), "{winners:?} {kept:?}");
}

async fn of_many_relocations_of_one_blob_one_succeeds(database: Database) {
    const LOCATIONS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let id = make_repository(&database, "team/app").await;
    record(&database, 1, "damaged").await;
    link(&database, id, 1).await.unwrap();
    let tasks = LOCATIONS.map(|to| {
        let database = database.clone();
        tokio::spawn(async move { (to, relocate(&database, 1, to).await) })
    });
    let mut winners = Vec::new();
    for task in tasks {
        let (to, relocated) = task.await.unwrap();
        winners.extend(relocated.then_some(to));
    }
    let mut c = reader(&database).await;
    let found = blob::find_linked(&mut c, id, &digest(1)).await.unwrap().unwrap();
    assert_eq!(winners, [found.location.as_str()]);
    let rows = garbage::list(&mut c, 9, None, 10).await.unwrap();
    assert_eq!(rows, [garbage::Garbage { location: "damaged".to_owned(), size: 3, created_at: 5 }]);
}

async fn relocate(database: &Database, seed: u64, to: &'static str) -> bool {
    write(database, move |c| {
        Box::pin(async move {
            let damaged = Blob { digest: digest(seed), size: 3, location: "damaged".to_owned() };
            blob::relocate(c, &damaged, to, 5).await
        })
    })
    .await
}

async fn a_collected_blob_becomes_garbage_and_cannot_be_linked(database: Database) {
    let id = make_repository(&database, "team/app").await;
    record(&database, 1, "here").await;
    link(&database, id, 1).await.unwrap();
    let mut c = reader(&database).await;
    assert!(blob::list_unlinked(&mut c, None, 10).await.unwrap().is_empty());
    assert!(!condemn(&database, 1).await.unwrap(), "it is linked");
    unlink(&database, id, 1).await;
    assert_eq!(blob::list_unlinked(&mut c, None, 10).await.unwrap().len(), 1);
    assert!(condemn(&database, 1).await.unwrap());
    assert_eq!(blob::find(&mut c, &digest(1)).await.unwrap(), None);
    let error = link(&database, id, 1).await.unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    let rows = claim(&database, 9, 20).await;
    assert_eq!(rows, [garbage::Garbage { location: "here".to_owned(), size: 3, created_at: 5 }]);
    assert_eq!(claim(&database, 9, 29).await, [], "somebody has it");
    assert_eq!(claim(&database, 5, 99).await, [], "it is too young");
    assert_eq!(claim(&database, 9, 30).await, rows, "whoever had it is gone");
    let gone = write(&database, |c| {
        Box::pin(async move { garbage::delete(c, &["here".to_owned(), "never".to_owned()]).await })
    });
    assert_eq!(gone.await, 1);
    assert_eq!(garbage::count(&mut c).await.unwrap(), garbage::Waiting::default());
    assert!(matches!(record(&database, 1, "there").await, Recorded::Created));
}

/// Both at once, many times: never a link to nothing, never garbage that is linked.
async fn a_blob_is_either_linked_or_collected(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for seed in 0..30 {
        record(&database, seed, Box::leak(format!("at-{seed}").into_boxed_str())).await;
        let (linked, collected) = tokio::join!(link(&database, id, seed), condemn(&database, seed));
        let collected = collected.is_ok_and(|collected| collected);
        assert!(linked.is_ok() != collected, "{linked:?}, collected: {collected}");
        let found = blob::find_linked(&mut reader(&database).await, id, &digest(seed)).await.unwrap();
        assert_eq!(found.is_some(), linked.is_ok());
    }
}

/// A push that has seen its layers and a delete of one of them: one of the two must give way.
async fn a_blob_is_either_needed_or_unlinked(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for seed in 0..30 {
        record(&database, seed, Box::leak(format!("at-{seed}").into_boxed_str())).await;
        link(&database, id, seed).await.unwrap();
        let (pushed, deleted) =
            tokio::join!(push(&database, id, seed), delete_if_unneeded(&database, id, seed));
        assert!(pushed != deleted, "pushed: {pushed}, layer deleted: {deleted}");
    }
}

async fn push(database: &Database, id: i64, seed: u64) -> bool {
    write(database, move |c| {
        Box::pin(async move {
            if !blob::missing_links(c, id, &[digest(seed)]).await?.is_empty() {
                return Ok(false);
            }
            let references = [(ReferenceKind::Layer, digest(seed))];
            manifest::insert(c, &new_manifest(id, digest(1000 + seed)), &references).await
        })
    })
    .await
}

async fn delete_if_unneeded(database: &Database, id: i64, seed: u64) -> bool {
    write(database, move |c| {
        Box::pin(async move {
            if blob::is_referenced(c, id, &digest(seed)).await? {
                return Ok(false);
            }
            blob::unlink(c, id, &digest(seed)).await
        })
    })
    .await
}

async fn a_tag_on_a_missing_manifest_is_refused(database: Database) {
    let id = make_repository(&database, "team/app").await;
    let to: Digest = digest(1);
    let error = database
        .transaction(move |c| {
            Box::pin(async move { tag::put(c, id, &super::tag_named("v1"), &to, 1, "alice").await })
        })
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
}

async fn a_project_or_repository_in_use_stays(database: Database) {
    let id = make_repository(&database, "team/app").await;
    super::make_tags(&database, id, vec!["v1".to_owned()]).await;
    let team = "team".parse().unwrap();
    let project_id = project::find(&mut reader(&database).await, &team).await.unwrap().unwrap().id;
    let delete = || {
        let database = database.clone();
        async move {
            database.transaction(move |c| Box::pin(async move { project::delete(c, project_id).await })).await
        }
    };
    assert!(matches!(delete().await, Err(Error::Conflict { .. })));
    assert!(
        write(&database, move |c| Box::pin(async move {
            repository::delete(c, id, &super::deletion("d", 2)).await
        }))
        .await
    );
    assert!(delete().await.unwrap() && !delete().await.unwrap());
}
