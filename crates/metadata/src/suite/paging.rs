//! Pages by key: all of them together are the whole, once each and in order, whatever is inserted meanwhile.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use super::{digest, insert_manifest, make_repository, new_manifest, on_both_engines, reader, write};
use crate::{Connection, Database, Result, manifest, repository, tag};

on_both_engines![
    pages_of_tags_hold_under_inserts,
    pages_of_the_catalog_and_of_referrers_are_the_whole,
    a_page_of_referrers_ends_where_it_is_heavy,
];

/// Tags that are there before the first page, tags that come between pages, and the length of a page.
fn case() -> impl Strategy<Value = (BTreeSet<String>, Vec<String>, u32)> {
    let tag = "[A-Za-z0-9_][A-Za-z0-9._-]{0,3}";
    (prop::collection::btree_set(tag, 0..25), prop::collection::vec(tag, 0..12), 1u32..9)
}

async fn pages_of_tags_hold_under_inserts(database: Database) {
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let mut repositories = 0;
    let mut next = move || {
        repositories += 1;
        repositories
    };
    let next = std::cell::RefCell::new(&mut next);
    tokio::task::block_in_place(|| {
        runner.run(&case(), |(before, between, limit)| {
            let number = (next.borrow_mut())();
            Handle::current().block_on(check_pages(&database, number, before, between, limit))
        })
    })
    .unwrap();
}

async fn check_pages(
    database: &Database,
    number: u32,
    before: BTreeSet<String>,
    between: Vec<String>,
    limit: u32,
) -> Result<(), TestCaseError> {
    let id = make_repository(database, &format!("team/case{number}")).await;
    insert_manifest(database, new_manifest(id, digest(0)), Vec::new()).await;
    put_all(database, id, before.iter().cloned().collect()).await;
    let (mut seen, mut after, mut coming) = (Vec::<String>::new(), None::<String>, between.into_iter());
    loop {
        let page = tag::list(&mut reader(database).await, id, after.as_deref(), limit).await.unwrap();
        prop_assert!(page.len() <= limit as usize);
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        seen.extend(page);
        put_all(database, id, coming.next().into_iter().collect()).await;
    }
    prop_assert!(seen.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()), "{seen:?}");
    let seen: BTreeSet<_> = seen.into_iter().collect();
    prop_assert!(before.is_subset(&seen), "{before:?} is not all in {seen:?}");
    Ok(())
}

async fn put_all(database: &Database, id: i64, tags: Vec<String>) {
    write(database, move |c| {
        let tags = tags.clone();
        Box::pin(async move {
            for text in tags {
                tag::put(c, id, &super::tag_named(&text), &digest(0), 1, "alice").await?;
            }
            Ok(())
        })
    })
    .await;
}

async fn pages_of_the_catalog_and_of_referrers_are_the_whole(database: Database) {
    let mut names: Vec<String> = (0..11).map(|number| format!("team/app-{number}")).collect();
    names.extend(["a/b/c", "team/app", "team/app/x", "team/app.x"].map(str::to_owned));
    let mut id = 0;
    for name in &names {
        id = make_repository(&database, name).await;
    }
    let subject = digest(1000);
    let mut referrers = Vec::new();
    for seed in 1..12 {
        let artifact_type = Some(if seed % 2 == 0 { "even" } else { "odd" }.to_owned());
        let new =
            manifest::NewManifest { subject: Some(subject), artifact_type, ..new_manifest(id, digest(seed)) };
        insert_manifest(&database, new, Vec::new()).await;
        referrers.push(digest(seed));
    }
    let last = super::name(names.last().unwrap());
    names.sort_unstable();
    referrers.sort_unstable_by_key(ToString::to_string);
    let mut connection = reader(&database).await;
    assert_eq!(catalog(&mut connection).await, names);

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page =
            manifest::referrers(&mut connection, &last, &subject, &[], after, 3, u64::MAX).await.unwrap();
        let Some(end) = page.last() else { break };
        after = Some(end.digest);
        seen.extend(page.iter().map(|referrer| referrer.digest));
    }
    assert_eq!(seen, referrers);
    let types = ["even".to_owned(), "none".to_owned()];
    let even =
        manifest::referrers(&mut connection, &last, &subject, &types, None, 100, u64::MAX).await.unwrap();
    assert_eq!(even.len(), 5);
    assert!(even.iter().all(|referrer| referrer.artifact_type.as_deref() == Some("even")));
}

/// What a page lists was chosen by whoever pushed it; a thousand manifests of 4 MiB are 4 GiB.
async fn a_page_of_referrers_ends_where_it_is_heavy(database: Database) {
    let id = make_repository(&database, "team/app").await;
    let subject = digest(1000);
    for seed in 1..5 {
        let new =
            manifest::NewManifest { subject: Some(subject), size: 100, ..new_manifest(id, digest(seed)) };
        insert_manifest(&database, new, Vec::new()).await;
    }
    let mut connection = reader(&database).await;
    for (most_bytes, expected) in [(1, 1), (100, 1), (101, 2), (1000, 4)] {
        let (name, types) = (super::name("team/app"), []);
        let page = manifest::referrers(&mut connection, &name, &subject, &types, None, 100, most_bytes);
        assert_eq!(page.await.unwrap().len(), expected, "{most_bytes}");
    }
}

async fn catalog(c: &mut Connection) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = repository::catalog(c, repository::Visible::All, after.as_deref(), 4).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = Some(last.clone());
        all.extend(page);
    }
}
