//! Tags: pages, compare-and-set, and a history in the order of the commits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::{
    digest, insert_manifest, make_repository, make_tags, new_manifest, on_both_engines, put_tag, reader,
    tag_named, with_postgres, write,
};
use crate::tag::{self, Expected, Put};
use crate::{Database, manifest};

on_both_engines![
    pages_are_the_whole_in_the_order_of_bytes,
    a_put_with_another_expectation_changes_nothing,
    of_many_that_expect_no_tag_one_is_done,
    many_writers_of_one_tag_leave_a_history_that_ends_with_what_it_points_to,
    a_pull_finds_what_the_tag_points_to,
    deleting_a_manifest_takes_its_tags,
];

async fn pages_are_the_whole_in_the_order_of_bytes(database: Database) {
    let id = make_repository(&database, "team/app").await;
    let mut tags: Vec<String> = (0..57).map(|number| format!("v{number}")).collect();
    tags.extend(["A", "_", "a.b", "a-b", "Z9"].map(str::to_owned));
    make_tags(&database, id, tags.clone()).await;
    tags.sort_unstable();
    for limit in [1, 7, 100] {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = tag::list(&mut reader(&database).await, id, after.as_deref(), limit).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            all.extend(page);
        }
        assert_eq!(all, tags, "in pages of {limit}");
    }
}

async fn a_put_with_another_expectation_changes_nothing(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for seed in [1, 2] {
        insert_manifest(&database, new_manifest(id, digest(seed)), Vec::new()).await;
    }
    let put = |seed: u64, expected: Expected| {
        write(&database, move |c| {
            Box::pin(async move {
                tag::put_if(c, id, &tag_named("v1"), &digest(seed), 1, "alice", expected).await
            })
        })
    };
    assert_eq!(put(1, Expected::Digest(digest(2))).await, Put::Conflict(None));
    assert_eq!(put(1, Expected::Present).await, Put::Conflict(None));
    assert_eq!(put(1, Expected::Absent).await, Put::Done(None));
    assert_eq!(put(2, Expected::Absent).await, Put::Conflict(Some(digest(1))));
    assert_eq!(put(2, Expected::Digest(digest(1))).await, Put::Done(Some(digest(1))));
    assert_eq!(put(2, Expected::Present).await, Put::Done(Some(digest(2))));
    let found = tag::find(&mut reader(&database).await, id, &tag_named("v1")).await.unwrap();
    assert_eq!(found, Some(digest(2)));
}

async fn of_many_that_expect_no_tag_one_is_done(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for seed in 0..12 {
        insert_manifest(&database, new_manifest(id, digest(seed)), Vec::new()).await;
    }
    for round in 0..5 {
        let text: &'static str = Box::leak(format!("v{round}").into_boxed_str());
        let writers: Vec<_> = (0..12)
            .map(|seed| {
                let database = database.clone();
                tokio::spawn(async move {
                    write(&database, move |c| {
                        Box::pin(async move {
                            let (tag, expected) = (tag_named(text), Expected::Absent);
                            tag::put_if(c, id, &tag, &digest(seed), 1, "alice", expected).await
                        })
                    })
                    .await
                })
            })
            .collect();
        let mut done = 0;
        for writer in writers {
            match writer.await.unwrap() {
                Put::Done(previous) => {
                    assert_eq!(previous, None);
                    done += 1;
                }
                Put::Conflict(current) => assert!(current.is_some()),
            }
        }
        assert_eq!(done, 1, "only the first finds no tag");
    }
}

async fn many_writers_of_one_tag_leave_a_history_that_ends_with_what_it_points_to(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for seed in 0..20 {
        insert_manifest(&database, new_manifest(id, digest(seed)), Vec::new()).await;
    }
    let writers: Vec<_> = (0..20)
        .map(|seed| {
            let database = database.clone();
            tokio::spawn(async move { put_tag(&database, id, "latest", digest(seed)).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut connection = reader(&database).await;
    let now = tag::find(&mut connection, id, &tag_named("latest")).await.unwrap();
    let history = tag::history(&mut connection, id, &tag_named("latest"), None, 100).await.unwrap();
    assert_eq!(history.len(), 20, "each put is an event");
    assert_eq!(history.first().map(|event| event.digest), now, "the newest event is what it points to");
    assert!(history.windows(2).all(|pair| pair[0].sequence > pair[1].sequence));
}

async fn a_pull_finds_what_the_tag_points_to(database: Database) {
    let id = make_repository(&database, "team/app").await;
    make_tags(&database, id, vec!["v1".to_owned()]).await;
    let mut connection = reader(&database).await;
    let name = super::name("team/app");
    let pulled = manifest::pull_by_tag(&mut connection, &name, &tag_named("v1")).await.unwrap().unwrap();
    assert_eq!((pulled.digest, pulled.bytes.as_slice()), (digest(0), b"{}".as_slice()));
    assert_eq!(manifest::pull_by_digest(&mut connection, &name, &digest(0)).await.unwrap(), Some(pulled));
    assert_eq!(manifest::pull_by_tag(&mut connection, &name, &tag_named("v2")).await.unwrap(), None);
}

async fn deleting_a_manifest_takes_its_tags(database: Database) {
    let id = make_repository(&database, "team/app").await;
    make_tags(&database, id, vec!["v1".to_owned(), "v2".to_owned()]).await;
    let deleted = write(&database, move |c| {
        Box::pin(async move { manifest::delete(c, id, &digest(0), &super::deletion("d", 2)).await })
    })
    .await;
    assert!(deleted);
    let mut connection = reader(&database).await;
    assert!(tag::list(&mut connection, id, None, 10).await.unwrap().is_empty());
    let history = tag::history(&mut connection, id, &tag_named("v1"), None, 10).await.unwrap();
    assert_eq!(
        history.first().map(|event| (event.action, event.by.as_str())),
        Some((tag::Action::Delete, "bob"))
    );
}

/// Who pushes a manifest that is there already may still put a tag on it: a delete that comes in between waits.
#[test]
fn on_postgres_a_manifest_that_is_pushed_again_is_not_deleted_before_its_tag_is_put() {
    with_postgres(|options| async move {
        let database = Database::open(&options).unwrap();
        database.migrate().await.unwrap();
        let id = make_repository(&database, "team/app").await;
        insert_manifest(&database, new_manifest(id, digest(1)), Vec::new()).await;
        let (pushed, deleter) = (Arc::new(Notify::new()), database.clone());
        let told = pushed.clone();
        let push = database.transaction(move |c| {
            let told = told.clone();
            Box::pin(async move {
                assert!(!manifest::insert(c, &new_manifest(id, digest(1)), &[]).await?);
                told.notify_one();
                tokio::time::sleep(Duration::from_millis(200)).await;
                tag::put(c, id, &tag_named("v1"), &digest(1), 1, "alice").await
            })
        });
        let delete = async {
            pushed.notified().await;
            write(&deleter, move |c| {
                Box::pin(async move { manifest::delete(c, id, &digest(1), &super::deletion("d", 2)).await })
            })
            .await
        };
        let (push, deleted) = tokio::join!(push, delete);
        assert_eq!((push.unwrap(), deleted), (None, true));
        let mut c = reader(&database).await;
        assert_eq!(tag::find(&mut c, id, &tag_named("v1")).await.unwrap(), None, "it went with its manifest");
    });
}
