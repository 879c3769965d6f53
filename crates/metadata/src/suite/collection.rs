//! Garbage collection against everything that can happen meanwhile: what somebody was told of, needs, links or puts back
//! stays, in whichever order the transactions come.

use std::sync::Arc;
use std::time::Duration;

use hythe_oci::manifest::ReferenceKind;
use tokio::sync::Notify;

use super::{
    deletion, digest, insert_manifest, make_repository, name, new_manifest, on_both_engines, put_tag, raw,
    reader, write,
};
use crate::blob::{self, Blob};
use crate::{Connection, Database, Engine, Result, Work, artifact, manifest, repository, tag, trash};

on_both_engines![
    a_link_that_no_manifest_needs_is_loose,
    a_link_stays_loose_for_a_while_after_its_manifest_is_deleted,
    who_is_told_of_a_loose_blob_can_still_push_its_manifest,
    a_loose_link_is_needed_or_gone,
    a_link_that_is_made_again_stays,
    a_blob_is_linked_or_condemned,
    a_blob_is_pushed_again_or_condemned,
    a_blob_goes_to_the_trash_or_is_not_needed,
    a_blob_comes_back_or_is_condemned,
    pages_cover_everything_once,
    what_would_go_is_what_goes,
    an_artifact_is_untagged_when_nothing_leads_to_it,
    the_parts_of_a_deleted_index_stay_for_a_while,
];

/// Later than every touch.
const LATER: i64 = i64::MAX;

async fn push_blob(c: &mut Connection, repository_id: i64, seed: u64) -> Result<()> {
    let blob = Blob { digest: digest(seed), size: 3, location: format!("at-{seed}-{repository_id}") };
    blob::record(c, &blob, 1).await?;
    blob::link(c, repository_id, &blob.digest, 1).await
}

async fn make_blob(database: &Database, repository_id: i64, seed: u64) {
    write(database, move |c| Box::pin(push_blob(c, repository_id, seed))).await;
}

async fn make_manifest(database: &Database, repository_id: i64, seed: u64, layer: u64) {
    let layers = vec![(ReferenceKind::Layer, digest(layer))];
    insert_manifest(database, new_manifest(repository_id, digest(seed)), layers).await;
}

async fn unlink_loose(c: &mut Connection, repository_id: i64, seed: u64) -> Result<bool> {
    Ok(!blob::unlink_loose(c, repository_id, &[digest(seed)], LATER).await?.is_empty())
}

async fn condemn(c: &mut Connection, seed: u64) -> Result<bool> {
    Ok(!blob::condemn(c, &[digest(seed)], 5).await?.is_empty())
}

async fn loose(database: &Database, before: i64) -> Vec<blob::LooseLink> {
    blob::list_loose(&mut reader(database).await, None, 100, before).await.unwrap()
}

async fn find(database: &Database, seed: u64) -> Option<blob::Linked> {
    blob::find_to_tell(&mut reader(database).await, &name("team/app"), &digest(seed)).await.unwrap()
}

/// Nothing: it tells the compiler what kind of closure is meant.
fn act<T, F>(work: F) -> F
where
    F: for<'c> Fn(&'c mut Connection) -> Work<'c, T> + Send + Sync + 'static,
{
    work
}

/// Runs two transactions in the one order, in the other, and at once. `first` waits before it commits, so that on
/// PostgreSQL `second` runs while nothing of it is to be seen.
async fn in_every_order<T, U, A, B>(
    database: &Database,
    order: Order,
    one: A,
    other: B,
) -> (Result<T>, Result<U>)
where
    T: Send + 'static,
    U: Send + 'static,
    A: for<'c> Fn(&'c mut Connection) -> Work<'c, T> + Send + Sync + 'static,
    B: for<'c> Fn(&'c mut Connection) -> Work<'c, U> + Send + Sync + 'static,
{
    match order {
        Order::OneHolds => {
            let (held, waiting) = holding(one);
            let other = async {
                waiting.notified().await;
                database.transaction(other).await
            };
            tokio::join!(database.transaction(held), other)
        }
        Order::OtherHolds => {
            let (held, waiting) = holding(other);
            let one = async {
                waiting.notified().await;
                database.transaction(one).await
            };
            tokio::join!(one, database.transaction(held))
        }
        Order::AtOnce => tokio::join!(database.transaction(one), database.transaction(other)),
    }
}

#[derive(Clone, Copy, Debug)]
enum Order {
    OneHolds,
    OtherHolds,
    AtOnce,
}

impl Order {
    const ALL: [Order; 3] = [Order::OneHolds, Order::OtherHolds, Order::AtOnce];

    /// The held ones once, the others many times.
    fn of(round: u64) -> Order {
        Order::ALL.get(round as usize).copied().unwrap_or(Order::AtOnce)
    }
}

/// The same work, which tells when it is done and is not committed yet.
fn holding<T, F>(
    work: F,
) -> (impl for<'c> Fn(&'c mut Connection) -> Work<'c, T> + Send + Sync + 'static, Arc<Notify>)
where
    T: Send + 'static,
    F: for<'c> Fn(&'c mut Connection) -> Work<'c, T> + Send + Sync + 'static,
{
    let (work, done) = (Arc::new(work), Arc::new(Notify::new()));
    let tell = done.clone();
    let held = act(move |c| {
        let (work, tell) = (work.clone(), tell.clone());
        hold(c, work, tell)
    });
    (held, done)
}

fn hold<'c, T, F>(c: &'c mut Connection, work: Arc<F>, tell: Arc<Notify>) -> Work<'c, T>
where
    T: Send + 'static,
    F: for<'w> Fn(&'w mut Connection) -> Work<'w, T> + Send + Sync + 'static,
{
    Box::pin(async move {
        let engine = c.engine();
        let done = work(c).await;
        tell.notify_one();
        // On SQLite nobody could run meanwhile.
        if engine == Engine::Postgres {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        done
    })
}

const ROUNDS: u64 = 20;

async fn a_link_that_no_manifest_needs_is_loose(database: Database) {
    let id = make_repository(&database, "team/app").await;
    make_blob(&database, id, 1).await;
    make_blob(&database, id, 2).await;
    make_manifest(&database, id, 9, 2).await;
    let found = loose(&database, LATER).await;
    assert_eq!(found.iter().map(|link| link.digest).collect::<Vec<_>>(), [digest(1)]);
    assert_eq!((found[0].size, found[0].repository.as_str()), (3, "team/app"));
    let told = found[0].since;
    assert_eq!(loose(&database, told).await, [], "it is not older than itself");
    assert_eq!(find(&database, 1).await.unwrap().loose_since, Some(told));
    assert_eq!(find(&database, 2).await.unwrap().loose_since, None);
    let gone = write(&database, move |c| {
        Box::pin(async move { blob::unlink_loose(c, id, &[digest(1), digest(2), digest(3)], LATER).await })
    });
    assert_eq!(gone.await, [digest(1)]);
    assert_eq!(find(&database, 1).await, None);
}

async fn a_link_stays_loose_for_a_while_after_its_manifest_is_deleted(database: Database) {
    let id = make_repository(&database, "team/app").await;
    make_blob(&database, id, 1).await;
    make_manifest(&database, id, 9, 1).await;
    raw(&database, "UPDATE repository_blob SET touched_at = 1").await;
    write(&database, move |c| {
        Box::pin(async move { manifest::delete(c, id, &digest(9), &deletion("d", 2)).await })
    })
    .await;
    let found = loose(&database, LATER).await;
    let now = database.now().await.unwrap();
    assert!(found.len() == 1 && found[0].since > now - 60_000_000, "{found:?}");
}

async fn who_is_told_of_a_loose_blob_can_still_push_its_manifest(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for round in 0..ROUNDS {
        make_blob(&database, id, round).await;
        raw(&database, "UPDATE repository_blob SET touched_at = 2").await;
        let tell = act(move |c| Box::pin(async move { blob::touch(c, id, &digest(round)).await }));
        let collect = act(move |c| {
            Box::pin(async move {
                let gone = blob::unlink_loose(c, id, &[digest(round)], 3).await?;
                Ok(!gone.is_empty())
            })
        });
        let (told, gone) = in_every_order(&database, Order::of(round), tell, collect).await;
        let (told, gone) = (told.unwrap(), gone.unwrap());
        assert!(told != gone, "told: {told}, unlinked: {gone}");
        assert_eq!(find(&database, round).await.is_some(), told);
    }
}

/// A manifest that needs the blob, and the collection of the link to it.
async fn a_loose_link_is_needed_or_gone(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for round in 0..ROUNDS {
        make_blob(&database, id, round).await;
        let push = act(move |c| {
            Box::pin(async move {
                if !blob::missing_links(c, id, &[digest(round)]).await?.is_empty() {
                    return Ok(false);
                }
                let needs = [(ReferenceKind::Layer, digest(round))];
                manifest::insert(c, &new_manifest(id, digest(1000 + round)), &needs).await
            })
        });
        let collect = act(move |c| Box::pin(unlink_loose(c, id, round)));
        let (pushed, gone) = in_every_order(&database, Order::of(round), push, collect).await;
        let (pushed, gone) = (pushed.unwrap(), gone.unwrap());
        assert!(pushed != gone, "round {round}, pushed: {pushed}, unlinked: {gone}");
        assert_eq!(find(&database, round).await.is_some(), pushed);
    }
}

/// A push or a mount of a blob that is linked already, and the collection of that link.
async fn a_link_that_is_made_again_stays(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for round in 0..ROUNDS {
        make_blob(&database, id, round).await;
        raw(&database, "UPDATE repository_blob SET touched_at = 2").await;
        let link = act(move |c| Box::pin(async move { blob::link(c, id, &digest(round), 1).await }));
        let collect = act(move |c| {
            Box::pin(async move { Ok(blob::unlink_loose(c, id, &[digest(round)], 3).await?.len()) })
        });
        let (linked, _) = in_every_order(&database, Order::of(round), link, collect).await;
        linked.unwrap();
        let found = find(&database, round).await;
        assert!(found.is_some_and(|found| found.loose_since > Some(2)), "round {round}");
    }
}

/// A mount into another repository, and the collection of the blob.
async fn a_blob_is_linked_or_condemned(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for round in 0..ROUNDS {
        make_blob(&database, id, round).await;
        assert!(write(&database, move |c| Box::pin(unlink_loose(c, id, round))).await);
        let link = act(move |c| Box::pin(async move { blob::link(c, id, &digest(round), 1).await }));
        let collect = act(move |c| Box::pin(condemn(c, round)));
        let (linked, gone) = in_every_order(&database, Order::of(round), link, collect).await;
        let gone = gone.unwrap();
        assert!(linked.is_ok() != gone, "round {round}: {linked:?}, condemned: {gone}");
        assert_eq!(find(&database, round).await.is_some(), linked.is_ok());
    }
}

/// An upload of bytes that are there but linked nowhere: it finds them or brings its own.
async fn a_blob_is_pushed_again_or_condemned(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for round in 0..ROUNDS {
        make_blob(&database, id, round).await;
        assert!(write(&database, move |c| Box::pin(unlink_loose(c, id, round))).await);
        let push = act(move |c| {
            Box::pin(async move {
                let mine = Blob { digest: digest(round), size: 3, location: format!("new-{round}") };
                let recorded = blob::record(c, &mine, 1).await?;
                blob::link(c, id, &mine.digest, 1).await?;
                Ok(recorded)
            })
        });
        let collect = act(move |c| Box::pin(condemn(c, round)));
        let (pushed, gone) = in_every_order(&database, Order::of(round), push, collect).await;
        let (pushed, gone) = (pushed.unwrap(), gone.unwrap());
        assert_eq!(pushed == blob::Recorded::Created, gone, "round {round}");
        let location = find(&database, round).await.unwrap().blob.location;
        assert_eq!(location, if gone { format!("new-{round}") } else { format!("at-{round}-{id}") });
    }
}

/// A repository that is deleted takes its links away; what its manifests need is in the trash from that moment.
async fn a_blob_goes_to_the_trash_or_is_not_needed(database: Database) {
    for round in 0..ROUNDS {
        let id = make_repository(&database, "team/app").await;
        make_blob(&database, id, 2 * round).await;
        make_blob(&database, id, 2 * round + 1).await;
        make_manifest(&database, id, 1000 + round, 2 * round).await;
        let delete = act(move |c| {
            Box::pin(async move { repository::delete(c, id, &deletion(&format!("d{round}"), 2)).await })
        });
        let collect = act(move |c| {
            Box::pin(async move {
                unlink_loose(c, id, 2 * round).await?;
                Ok((condemn(c, 2 * round).await?, condemn(c, 2 * round + 1).await?))
            })
        });
        let (deleted, gone) = in_every_order(&database, Order::of(round), delete, collect).await;
        assert!(deleted.unwrap());
        assert!(!gone.unwrap().0, "round {round}: the trash needs it");
        let after = write(&database, move |c| Box::pin(condemn(c, 2 * round))).await;
        assert!(!after, "round {round}: the trash still needs it");
        write(&database, move |c| Box::pin(condemn(c, 2 * round + 1))).await;
        let mut c = reader(&database).await;
        assert!(blob::find(&mut c, &digest(2 * round)).await.unwrap().is_some());
        assert!(blob::find(&mut c, &digest(2 * round + 1)).await.unwrap().is_none());
    }
}

/// Somebody puts a manifest back in the moment in which it expires.
async fn a_blob_comes_back_or_is_condemned(database: Database) {
    for round in 0..ROUNDS {
        let id = make_repository(&database, "team/app").await;
        make_blob(&database, id, round).await;
        make_manifest(&database, id, 1000 + round, round).await;
        write(&database, move |c| {
            Box::pin(async move { repository::delete(c, id, &deletion(&format!("d{round}"), 2)).await })
        })
        .await;
        let id = make_repository(&database, "team/app").await;
        let restore = act(move |c| Box::pin(put_back(c, id, round)));
        let collect = act(move |c| {
            Box::pin(async move {
                trash::delete_expired(c, &trash::Filter::default(), LATER, 10).await?;
                condemn(c, round).await
            })
        });
        let (restored, gone) = in_every_order(&database, Order::of(round), restore, collect).await;
        let (restored, gone) = (restored.unwrap(), gone.unwrap());
        assert!(!(restored && gone), "round {round}");
        let found = find(&database, round).await;
        assert_eq!(found.is_some(), restored, "round {round}");
        write(&database, move |c| {
            Box::pin(async move { repository::delete(c, id, &deletion("again", 3)).await })
        })
        .await;
        raw(&database, "DELETE FROM trash; DELETE FROM blob; DELETE FROM garbage").await;
    }
}

async fn put_back(c: &mut Connection, id: i64, round: u64) -> Result<bool> {
    let filter = trash::Filter { repository: Some(name("team/app")), ..trash::Filter::default() };
    let Some(entry) = trash::find_by_digest(c, &filter, &digest(1000 + round)).await? else {
        return Ok(false);
    };
    let Some(kept) = trash::take(c, entry).await? else { return Ok(false) };
    for digest in trash::blobs_of(c, kept.id).await? {
        blob::link(c, id, &digest, 1).await?;
    }
    let needs = [(ReferenceKind::Layer, digest(round))];
    manifest::insert(c, &new_manifest(id, kept.digest), &needs).await?;
    trash::delete(c, kept.id).await
}

async fn pages_cover_everything_once(database: Database) {
    let (one, two) =
        (make_repository(&database, "team/app").await, make_repository(&database, "team/two").await);
    for seed in 0..7 {
        make_blob(&database, one, seed).await;
        make_blob(&database, two, seed + 3).await;
    }
    let mut c = reader(&database).await;
    let (mut after, mut links) = (None, Vec::new());
    loop {
        let page = blob::list_loose(&mut c, after, 4, LATER).await.unwrap();
        links.extend(page.into_iter().map(|link| (link.repository_id, link.digest)));
        after = blob::find_end_of_links(&mut c, after, 4).await.unwrap();
        if after.is_none() {
            break;
        }
    }
    let mut expected: Vec<_> =
        (0..7).map(|seed| (one, digest(seed))).chain((3..10).map(|seed| (two, digest(seed)))).collect();
    expected.sort_unstable_by_key(|(id, digest)| (*id, digest.to_string()));
    assert_eq!(links, expected);
    raw(&database, "DELETE FROM repository_blob").await;
    let (mut after, mut blobs) = (None, Vec::new());
    loop {
        blobs.extend(blob::list_unlinked(&mut c, after.as_ref(), 3).await.unwrap());
        after = blob::find_end(&mut c, after.as_ref(), 3).await.unwrap();
        if after.is_none() {
            break;
        }
    }
    assert_eq!(blobs.len(), 10);
    assert!(blobs.windows(2).all(|pair| pair[0].digest.to_string() < pair[1].digest.to_string()));
}

async fn what_would_go_is_what_goes(database: Database) {
    let (one, two) =
        (make_repository(&database, "team/app").await, make_repository(&database, "team/two").await);
    for seed in 1..=4 {
        make_blob(&database, one, seed).await;
    }
    make_blob(&database, two, 2).await;
    make_manifest(&database, two, 9, 2).await;
    make_manifest(&database, one, 8, 3).await;
    write(&database, move |c| {
        Box::pin(async move { manifest::delete(c, one, &digest(8), &deletion("d", 2)).await })
    })
    .await;
    raw(&database, "UPDATE repository_blob SET touched_at = 2").await;
    write(&database, move |c| Box::pin(async move { blob::touch(c, one, &digest(4)).await })).await;
    let mut c = reader(&database).await;
    let would: Vec<_> = blob::list_collectable(&mut c, None, 100, 3).await.unwrap();
    assert_eq!(would.iter().map(|blob| blob.digest).collect::<Vec<_>>(), [digest(1)]);
    let links = blob::links_of(&mut c, &digest(2), 10).await.unwrap();
    assert_eq!(
        links.iter().map(|link| link.repository.as_str()).collect::<Vec<_>>(),
        ["team/app", "team/two"]
    );
    for seed in 1..=4 {
        write(&database, move |c| {
            Box::pin(async move { blob::unlink_loose(c, one, &[digest(seed)], 3).await })
        })
        .await;
    }
    let unlinked = blob::list_unlinked(&mut c, None, 100).await.unwrap();
    assert_eq!(unlinked, would);
}

async fn an_artifact_is_untagged_when_nothing_leads_to_it(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for seed in 1..=6 {
        insert_manifest(&database, new_manifest(id, digest(seed)), Vec::new()).await;
    }
    put_tag(&database, id, "v1", digest(1)).await;
    let children = vec![(ReferenceKind::Manifest, digest(2))];
    insert_manifest(&database, new_manifest(id, digest(7)), children).await;
    let accessory = |seed, subject| {
        let mut new = new_manifest(id, digest(seed));
        new.subject = Some(digest(subject));
        new.about.accessory =
            Some(artifact::Accessory { subject: digest(subject), kind: "signature.cosign".to_owned() });
        new
    };
    insert_manifest(&database, accessory(8, 1), Vec::new()).await;
    insert_manifest(&database, accessory(9, 4711), Vec::new()).await;
    let untagged = async || {
        let mut c = reader(&database).await;
        let found = artifact::list_untagged(&mut c, 0, 100, 1000).await.unwrap();
        found.into_iter().map(|artifact| artifact.digest).collect::<Vec<_>>()
    };
    assert_eq!(untagged().await, [3, 4, 5, 6, 7, 9].map(digest));
    write(&database, move |c| Box::pin(async move { artifact::touch(c, id, &digest(3)).await })).await;
    put_tag(&database, id, "v2", digest(5)).await;
    put_tag(&database, id, "v2", digest(1)).await;
    put_tag(&database, id, "v3", digest(6)).await;
    write(&database, move |c| {
        Box::pin(async move { tag::delete(c, id, &super::tag_named("v3"), &deletion("d", 2)).await })
    })
    .await;
    assert_eq!(untagged().await, [4, 7, 9].map(digest), "told of, and just left by their tags");
}

async fn the_parts_of_a_deleted_index_stay_for_a_while(database: Database) {
    let id = make_repository(&database, "team/app").await;
    insert_manifest(&database, new_manifest(id, digest(1)), Vec::new()).await;
    let parts = vec![(ReferenceKind::Manifest, digest(1))];
    insert_manifest(&database, new_manifest(id, digest(2)), parts).await;
    let told = async |seed| {
        let mut c = reader(&database).await;
        artifact::find_touched(&mut c, &name("team/app"), &digest(seed)).await.unwrap()
    };
    assert_eq!((told(1).await, told(2).await), (None, Some((id, 0))), "the index keeps its part");
    write(&database, move |c| {
        Box::pin(async move { manifest::delete(c, id, &digest(2), &deletion("d", 2)).await })
    })
    .await;
    let now = database.now().await.unwrap();
    assert!(told(1).await.is_some_and(|(_, touched)| touched > now - 60_000_000));
    let untagged = artifact::list_untagged(&mut reader(&database).await, 0, 100, 1000).await.unwrap();
    assert_eq!(untagged, []);
}
