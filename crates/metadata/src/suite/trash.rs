//! The trash: what is deleted is kept whole, found again, and goes when it expires.

use hythe_oci::manifest::ReferenceKind;

use super::{
    deletion, digest, insert_manifest, make_repository, name, new_manifest, on_both_engines, put_tag, reader,
    tag_named, write,
};
use crate::artifact::Accessory;
use crate::blob::{self, Blob};
use crate::trash::{self, Deletion, Filter, Kept};
use crate::{Database, manifest, repository, tag};

on_both_engines![
    a_deleted_manifest_is_kept_whole,
    a_deleted_tag_is_kept_without_its_manifest,
    a_deleted_repository_is_kept_in_one_act,
    nothing_is_kept_where_nothing_is_to_be,
    lists_are_paged_and_filtered,
    what_has_expired_goes,
];

async fn make_blob(database: &Database, repository_id: i64, seed: u64) {
    write(database, move |c| {
        Box::pin(async move {
            let blob = Blob { digest: digest(seed), size: 3, location: format!("at-{seed}") };
            blob::record(c, &blob, 1).await?;
            blob::link(c, repository_id, &blob.digest, 1).await
        })
    })
    .await;
}

async fn delete_manifest(database: &Database, id: i64, seed: u64, deletion: Deletion) {
    let deleted = write(database, move |c| {
        let deletion = deletion.clone();
        Box::pin(async move { manifest::delete(c, id, &digest(seed), &deletion).await })
    });
    assert!(deleted.await);
}

async fn take(database: &Database, id: i64) -> Option<Kept> {
    write(database, move |c| Box::pin(async move { trash::take(c, id).await })).await
}

fn of(repository: &str) -> Filter {
    Filter { repository: Some(name(repository)), ..Filter::default() }
}

async fn list(database: &Database, filter: &Filter) -> Vec<trash::Trashed> {
    trash::list(&mut reader(database).await, filter, None, 0, 100).await.unwrap()
}

async fn a_deleted_manifest_is_kept_whole(database: Database) {
    let id = make_repository(&database, "team/app").await;
    make_blob(&database, id, 1).await;
    make_blob(&database, id, 2).await;
    let mut new = new_manifest(id, digest(9));
    new.bytes = vec![0, 255, 7];
    new.about.accessory = Some(Accessory { subject: digest(8), kind: "signature.cosign".to_owned() });
    let needs = vec![
        (ReferenceKind::Config, digest(1)),
        (ReferenceKind::Layer, digest(1)),
        (ReferenceKind::Layer, digest(2)),
        (ReferenceKind::Layer, digest(3)),
        (ReferenceKind::Manifest, digest(4)),
    ];
    insert_manifest(&database, new, needs).await;
    put_tag(&database, id, "v2", digest(9)).await;
    put_tag(&database, id, "v1", digest(9)).await;
    delete_manifest(&database, id, 9, deletion("d", 5)).await;
    let [listed] = &list(&database, &of("team/app")).await[..] else { panic!("one entry") };
    assert_eq!((listed.tags.join(" "), listed.tag_only, listed.size), ("v1 v2".to_owned(), false, 2));
    assert_eq!((listed.deleted_at, listed.deleted_by.as_str(), listed.expires_at), (5, "bob", 1000));
    let mut c = reader(&database).await;
    let filter = of("team/app");
    for found in [
        trash::find_by_tag(&mut c, &filter, &tag_named("v1")).await.unwrap(),
        trash::find_by_digest(&mut c, &filter, &digest(9)).await.unwrap(),
        trash::list_accessories(&mut c, &filter, &digest(8), 10).await.unwrap().pop(),
    ] {
        assert_eq!(found, Some(listed.id));
    }
    assert_eq!(trash::find_by_digest(&mut c, &of("team/other"), &digest(9)).await.unwrap(), None);
    assert_eq!(trash::blobs_of(&mut c, listed.id).await.unwrap(), {
        let mut kept = [digest(1), digest(2)];
        kept.sort_unstable_by_key(ToString::to_string);
        kept
    });
    let kept = take(&database, listed.id).await.unwrap();
    assert_eq!(kept.bytes, Some(vec![0, 255, 7]));
    assert_eq!(kept.accessory, Some((digest(8), "signature.cosign".to_owned())));
    assert_eq!((kept.pushed_by.as_str(), kept.tags.len()), ("alice", 2));
}

async fn a_deleted_tag_is_kept_without_its_manifest(database: Database) {
    let id = make_repository(&database, "team/app").await;
    insert_manifest(&database, new_manifest(id, digest(9)), Vec::new()).await;
    put_tag(&database, id, "v1", digest(9)).await;
    put_tag(&database, id, "v2", digest(9)).await;
    let delete = || {
        write(&database, move |c| {
            Box::pin(async move { tag::delete(c, id, &tag_named("v1"), &deletion("d", 5)).await })
        })
    };
    assert!(delete().await && !delete().await);
    let [listed] = &list(&database, &of("team/app")).await[..] else { panic!("one entry") };
    assert_eq!((listed.tags.join(" "), listed.tag_only), ("v1".to_owned(), true));
    let kept = take(&database, listed.id).await.unwrap();
    assert_eq!((kept.digest, kept.bytes), (digest(9), None));
    let mut c = reader(&database).await;
    assert_eq!(trash::find_by_digest(&mut c, &of("team/app"), &digest(9)).await.unwrap(), None);
    let found = trash::find_by_tag(&mut c, &of("team/app"), &tag_named("v1")).await.unwrap();
    assert_eq!(found, Some(listed.id));
}

async fn a_deleted_repository_is_kept_in_one_act(database: Database) {
    let id = make_repository(&database, "team/app").await;
    for seed in 1..=3 {
        make_blob(&database, id, seed).await;
        let needs = vec![(ReferenceKind::Layer, digest(seed))];
        insert_manifest(&database, new_manifest(id, digest(10 + seed)), needs).await;
        put_tag(&database, id, &format!("v{seed}"), digest(10 + seed)).await;
    }
    let delete = || {
        write(&database, move |c| {
            Box::pin(async move { repository::delete(c, id, &deletion("all", 5)).await })
        })
    };
    assert!(delete().await && !delete().await);
    let mut listed = list(&database, &of("team/app")).await;
    listed.sort_by_key(|entry| entry.tags.clone());
    assert_eq!(listed.len(), 3);
    for (seed, entry) in (1..).zip(&listed) {
        assert_eq!((entry.deletion.as_str(), entry.digest), ("all", digest(10 + seed)));
        assert_eq!(entry.tags, [format!("v{seed}")]);
        let mut c = reader(&database).await;
        assert_eq!(trash::blobs_of(&mut c, entry.id).await.unwrap(), [digest(seed)]);
    }
}

async fn nothing_is_kept_where_nothing_is_to_be(database: Database) {
    let id = make_repository(&database, "team/app").await;
    insert_manifest(&database, new_manifest(id, digest(9)), Vec::new()).await;
    put_tag(&database, id, "v1", digest(9)).await;
    let nothing = || Deletion { keep_until: None, ..deletion("d", 5) };
    write(&database, move |c| {
        Box::pin(async move { tag::delete(c, id, &tag_named("v1"), &nothing()).await })
    })
    .await;
    delete_manifest(&database, id, 9, nothing()).await;
    write(&database, move |c| Box::pin(async move { repository::delete(c, id, &nothing()).await })).await;
    assert_eq!(list(&database, &Filter::default()).await, []);
}

async fn lists_are_paged_and_filtered(database: Database) {
    for repository in ["team/app", "other/app"] {
        let id = make_repository(&database, repository).await;
        for seed in 1..=3 {
            insert_manifest(&database, new_manifest(id, digest(seed)), Vec::new()).await;
            delete_manifest(&database, id, seed, deletion(&format!("d{seed}"), 5)).await;
        }
    }
    let mut c = reader(&database).await;
    let everything = trash::list(&mut c, &Filter::default(), None, 0, 100).await.unwrap();
    assert!(everything.len() == 6 && everything.windows(2).all(|pair| pair[0].id > pair[1].id));
    let page = trash::list(&mut c, &Filter::default(), Some(everything[1].id), 1, 2).await.unwrap();
    assert_eq!(page, everything[3..5]);
    let project_id = Some(everything[5].project_id);
    let filters = [
        (Filter { project_id, ..Filter::default() }, 3),
        (of("team/app"), 3),
        (Filter { project_id, ..of("other/app") }, 0),
        (Filter { deletion: Some("d2".to_owned()), ..Filter::default() }, 2),
        (Filter { deletion: Some("d2".to_owned()), ..of("team/app") }, 1),
    ];
    for (filter, expected) in filters {
        assert_eq!(trash::list(&mut c, &filter, None, 0, 100).await.unwrap().len(), expected, "{filter:?}");
        assert_eq!(trash::count(&mut c, &filter, 100).await.unwrap(), expected as i64, "{filter:?}");
    }
    assert_eq!(trash::count(&mut c, &Filter::default(), 4).await.unwrap(), 4);
}

async fn what_has_expired_goes(database: Database) {
    let id = make_repository(&database, "team/app").await;
    make_blob(&database, id, 1).await;
    for seed in [11, 12] {
        let needs = vec![(ReferenceKind::Layer, digest(1))];
        insert_manifest(&database, new_manifest(id, digest(seed)), needs).await;
        let keep_until = Some(i64::try_from(seed).unwrap() * 100);
        delete_manifest(&database, id, seed, Deletion { keep_until, ..deletion("d", 5) }).await;
    }
    let expire = |before| {
        write(&database, move |c| {
            Box::pin(async move { trash::delete_expired(c, &Filter::default(), before, 10).await })
        })
    };
    assert_eq!((expire(1100).await, expire(1101).await, expire(1101).await), (0, 1, 0));
    assert_eq!(list(&database, &Filter::default()).await.len(), 1);
    assert_eq!(expire(i64::MAX).await, 1);
}
