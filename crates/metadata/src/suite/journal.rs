//! What the journal has yet to tell of, whoever changed it and by which statement.

use std::collections::BTreeSet;

use super::{
    digest, insert_manifest, make_repository, new_manifest, on_both_engines, put_tag, reader, write,
};
use crate::Database;
use crate::blob::{self, Blob};
use crate::journal::{self, Change, Key, Kind, State};

on_both_engines![
    every_change_of_content_is_noted_once,
    what_changed_again_while_it_was_written_stays,
    a_page_of_everything_follows_its_key,
];

async fn pending(database: &Database) -> Vec<Change> {
    journal::pending(&mut reader(database).await, 100).await.unwrap()
}

async fn kinds(database: &Database) -> BTreeSet<&'static str> {
    pending(database).await.into_iter().map(|change| change.key.kind.as_str()).collect()
}

/// Says of everything that it is written.
async fn settle(database: &Database) {
    let changes = pending(database).await;
    write(database, move |c| {
        let changes = changes.clone();
        Box::pin(async move { journal::written(c, &changes).await })
    })
    .await;
}

async fn record_blob(database: &Database, seed: u64) {
    let row = Blob { digest: digest(seed), size: 3, location: format!("place-{seed}") };
    write(database, move |c| {
        let row = row.clone();
        Box::pin(async move { blob::record(c, &row, 1).await.map(|_| ()) })
    })
    .await;
}

fn kind_of(state: &State) -> Option<Kind> {
    match state {
        State::Gone => None,
        State::Project(_) => Some(Kind::Project),
        State::Repository(_) => Some(Kind::Repository),
        State::Blob(_) => Some(Kind::Blob),
        State::Manifest(_) => Some(Kind::Manifest),
        State::Tag(_) => Some(Kind::Tag),
    }
}

async fn every_change_of_content_is_noted_once(database: Database) {
    let repository_id = make_repository(&database, "team/app").await;
    record_blob(&database, 1).await;
    insert_manifest(&database, new_manifest(repository_id, digest(2)), Vec::new()).await;
    put_tag(&database, repository_id, "v1", digest(2)).await;
    assert_eq!(kinds(&database).await, BTreeSet::from(["blob", "manifest", "project", "repository", "tag"]));
    assert_eq!(pending(&database).await.len(), 5);
    let mut c = reader(&database).await;
    let keys: Vec<Key> = pending(&database).await.into_iter().map(|change| change.key).collect();
    let states = journal::read(&mut c, &keys, usize::MAX).await.unwrap();
    assert_eq!(
        states.iter().map(kind_of).collect::<Vec<_>>(),
        keys.iter().map(|key| Some(key.kind)).collect::<Vec<_>>()
    );
    let until_the_manifest = journal::read(&mut c, &keys, 1).await.unwrap();
    assert_eq!(until_the_manifest, states[..2], "a blob and a manifest");
    drop(c);
    settle(&database).await;
    assert_eq!(pending(&database).await, []);

    record_blob(&database, 1).await;
    insert_manifest(&database, new_manifest(repository_id, digest(2)), Vec::new()).await;
    assert_eq!(pending(&database).await, [], "nothing has changed");
    write(&database, |c| {
        Box::pin(c.batch("test", "UPDATE tag SET pulled_at = 7; UPDATE artifact SET pulls = 7"))
    })
    .await;
    assert_eq!(pending(&database).await, [], "a pull is no change");

    insert_manifest(&database, new_manifest(repository_id, digest(3)), Vec::new()).await;
    put_tag(&database, repository_id, "v1", digest(3)).await;
    assert_eq!(kinds(&database).await, BTreeSet::from(["manifest", "tag"]));
    settle(&database).await;
    write(&database, |c| Box::pin(c.batch("test", "DELETE FROM tag"))).await;
    let [change] = &pending(&database).await[..] else { panic!("a deleted tag is one change") };
    let no_blob = Key { kind: Kind::Blob, parent: 0, name: digest(9).to_string() };
    let keys = [change.key.clone(), no_blob];
    let gone = journal::read(&mut reader(&database).await, &keys, usize::MAX).await.unwrap();
    assert_eq!((change.key.kind, gone), (Kind::Tag, vec![State::Gone, State::Gone]));
    settle(&database).await;
    write(&database, |c| {
        Box::pin(c.batch("test", "UPDATE blob SET location = 'elsewhere'; UPDATE project SET public = FALSE"))
    })
    .await;
    assert_eq!(kinds(&database).await, BTreeSet::from(["blob", "project"]));
}

async fn what_changed_again_while_it_was_written_stays(database: Database) {
    let repository_id = make_repository(&database, "team/app").await;
    insert_manifest(&database, new_manifest(repository_id, digest(2)), Vec::new()).await;
    put_tag(&database, repository_id, "v1", digest(2)).await;
    insert_manifest(&database, new_manifest(repository_id, digest(3)), Vec::new()).await;
    let read = pending(&database).await;
    put_tag(&database, repository_id, "v1", digest(3)).await;
    write(&database, move |c| {
        let read = read.clone();
        Box::pin(async move { journal::written(c, &read).await })
    })
    .await;
    assert_eq!(kinds(&database).await, BTreeSet::from(["tag"]));
}

async fn a_page_of_everything_follows_its_key(database: Database) {
    for name in ["team/a", "team/b"] {
        let repository_id = make_repository(&database, name).await;
        for seed in 1..4 {
            insert_manifest(&database, new_manifest(repository_id, digest(seed)), Vec::new()).await;
            put_tag(&database, repository_id, &format!("v{seed}"), digest(seed)).await;
        }
    }
    let mut c = reader(&database).await;
    for (kind, expected) in [(Kind::Project, 1), (Kind::Repository, 2), (Kind::Manifest, 6), (Kind::Tag, 6)] {
        let (mut after, mut found) = (Key { kind, parent: 0, name: String::new() }, BTreeSet::new());
        while let Some(last) = journal::all(&mut c, kind, &after, 2).await.unwrap().pop() {
            found.extend(
                journal::all(&mut c, kind, &after, 2)
                    .await
                    .unwrap()
                    .into_iter()
                    .map(|key| (key.parent, key.name)),
            );
            after = last;
        }
        assert_eq!(found.len(), expected, "{found:?}");
    }
}
