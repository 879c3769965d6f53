//! What every back end must do.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use hythe_oci::digest::Algorithm;

use super::{Bench, assert_holds, breaking, bytes, push, read, reread, sha256, start, taken_over};
use crate::body::whole;
use crate::hash::digest_of;
use crate::{Error, Location, Shelf, Stored};

/// A part of the S3 back end, in bytes: the border that hides mistakes.
const PART: usize = 8 * 1024 * 1024;

macro_rules! for_every_back_end {
    ($($case:ident)+) => {
        mod on_memory { $(#[tokio::test] async fn $case() { super::$case(super::super::memory().unwrap()).await })+ }
        mod on_filesystem { $(#[tokio::test] async fn $case() { super::$case(super::super::filesystem().unwrap()).await })+ }
        mod on_shared_folder { $(#[tokio::test] async fn $case() {
            if let Some(bench) = super::super::shared_folder() { super::$case(bench).await }
        })+ }
        mod on_s3 { $(#[tokio::test] async fn $case() {
            if let Some(bench) = super::super::s3() { super::$case(bench).await }
        })+ }
        mod on_second_s3 { $(#[tokio::test] async fn $case() {
            if let Some(bench) = super::super::second_s3() { super::$case(bench).await }
        })+ }
    };
}

for_every_back_end! {
    an_upload_that_got_nothing_is_the_empty_blob
    an_empty_body_is_the_empty_blob
    blobs_around_every_border_come_back
    many_small_appends_add_up
    another_process_goes_on_from_the_row
    what_came_before_a_break_is_kept
    an_append_whose_row_was_not_saved_is_repeated
    an_abandoned_append_is_repeated
    a_writer_that_was_taken_over_changes_nothing
    what_was_published_before_a_takeover_is_not_mistaken
    many_takeovers_keep_what_is_safe
    discarding_drops_what_was_taken_over_as_well
    a_wrong_digest_leaves_the_upload_usable
    a_wrong_digest_of_another_algorithm_leaves_the_upload_usable
    sha512_is_a_digest_like_the_other
    another_algorithm_at_the_end_costs_a_reading
    publishing_twice_is_fine
    two_uploads_of_one_digest_do_not_meet
    discarding_is_fine_at_every_stage
    removing_twice_is_fine
    what_is_missing_or_of_another_size_is_damaged
    ranges_end_where_they_should
    bytes_that_storage_lost_are_noticed
    parts_that_storage_lost_are_noticed
    foreign_locations_are_refused
    the_probe_answers_and_leaves_nothing
    what_was_published_is_listed_in_pages
    uploads_are_listed_and_abandoned_without_what_they_published
    notes_are_kept_whole
}

async fn an_upload_that_got_nothing_is_the_empty_blob(bench: Bench) {
    let mut upload = start(Algorithm::Sha256);
    let location = bench.first.publish(&mut upload, &sha256(b"")).await.unwrap();
    assert_holds(&*bench.second, &location, b"").await;
}

async fn an_empty_body_is_the_empty_blob(bench: Bench) {
    let (upload, location) = push(&*bench.first, b"").await;
    assert_eq!(upload.offset, 0);
    assert_holds(&*bench.first, &location, b"").await;
}

async fn blobs_around_every_border_come_back(bench: Bench) {
    for length in [1, 16 * 1024, 16 * 1024 + 1, PART - 1, PART, PART + 1, 2 * PART + 70_000] {
        let content = bytes(length);
        let (upload, location) = push(&*bench.first, &content).await;
        assert_eq!(upload.offset, length as u64);
        assert_holds(&*bench.second, &location, &content).await;
    }
}

async fn many_small_appends_add_up(bench: Bench) {
    let content = bytes(700_000);
    let mut upload = start(Algorithm::Sha256);
    for piece in content.chunks(33_333) {
        bench.first.append(&mut upload, whole(piece.to_vec())).await.unwrap();
    }
    bench.first.append(&mut upload, whole(Vec::new())).await.unwrap();
    let location = bench.first.publish(&mut upload, &sha256(&content)).await.unwrap();
    assert_holds(&*bench.first, &location, &content).await;
}

async fn another_process_goes_on_from_the_row(bench: Bench) {
    let content = bytes(PART + 300_000);
    let mut upload = start(Algorithm::Sha256);
    for (turn, piece) in content.chunks(PART / 2 + 1000).enumerate() {
        let store = if turn % 2 == 0 { &bench.first } else { &bench.second };
        upload = reread(&upload);
        store.append(&mut upload, whole(piece.to_vec())).await.unwrap();
    }
    let mut upload = reread(&upload);
    let location = bench.first.publish(&mut upload, &sha256(&content)).await.unwrap();
    assert_holds(&*bench.second, &location, &content).await;
}

async fn what_came_before_a_break_is_kept(bench: Bench) {
    let content = bytes(PART + 500_000);
    for break_at in [0, 1, 200_000, PART, PART + 100_000] {
        let mut upload = start(Algorithm::Sha256);
        let error = bench.first.append(&mut upload, breaking(&content[..break_at])).await.unwrap_err();
        assert!(matches!(&error, Error::Body(reason) if reason.to_string() == "connection reset"), "{error}");
        assert_eq!(upload.offset, break_at as u64);
        let mut upload = reread(&upload);
        bench.second.append(&mut upload, whole(content[break_at..].to_vec())).await.unwrap();
        let location = bench.second.publish(&mut upload, &sha256(&content)).await.unwrap();
        assert_holds(&*bench.first, &location, &content).await;
    }
}

/// The process died between the append and the row: what it wrote is written again, with whatever comes then.
async fn an_append_whose_row_was_not_saved_is_repeated(bench: Bench) {
    let content = bytes(PART + 90_000);
    let mut upload = start(Algorithm::Sha256);
    bench.first.append(&mut upload, whole(content[..50_000].to_vec())).await.unwrap();
    let mut lost = reread(&upload);
    bench.first.append(&mut lost, whole(vec![7; PART + 60_000])).await.unwrap();
    let mut upload = reread(&upload);
    bench.second.append(&mut upload, whole(content[50_000..].to_vec())).await.unwrap();
    let location = bench.second.publish(&mut upload, &sha256(&content)).await.unwrap();
    assert_holds(&*bench.first, &location, &content).await;
    bench.first.discard(upload.id, 0, &upload.parts, Some(&sha256(&content))).await.unwrap();
}

/// The server drops the request, and with it the future, in the middle of a body.
async fn an_abandoned_append_is_repeated(bench: Bench) {
    let content = bytes(400_000);
    let mut upload = start(Algorithm::Sha256);
    bench.first.append(&mut upload, whole(content[..100_000].to_vec())).await.unwrap();
    let stalling = whole(vec![7; 200_000]).chain(futures_util::stream::pending()).boxed();
    let append = bench.first.append(&mut upload, stalling);
    assert!(tokio::time::timeout(Duration::from_millis(50), append).await.is_err());
    assert_eq!(upload.offset, 100_000);
    bench.first.append(&mut upload, whole(content[100_000..].to_vec())).await.unwrap();
    let location = bench.first.publish(&mut upload, &sha256(&content)).await.unwrap();
    assert_holds(&*bench.first, &location, &content).await;
}

/// Its lease ran out while it was paused: it wakes up when the blob is published, and writes and publishes its own.
async fn a_writer_that_was_taken_over_changes_nothing(bench: Bench) {
    for length in [3, 200_000, PART + 300_000] {
        let content = bytes(length);
        let mut row = start(Algorithm::Sha256);
        bench.first.append(&mut row, whole(content[..length / 2].to_vec())).await.unwrap();
        let (wake, paused) = tokio::sync::oneshot::channel::<()>();
        let late = futures_util::stream::once(paused).map(move |_| Ok(vec![7; length].into()));
        let (mut stale, store) = (reread(&row), std::sync::Arc::clone(&bench.first));
        let writer = tokio::spawn(async move {
            let body = whole(vec![7; 2]).chain(late).boxed();
            let _ = store.append(&mut stale, body).await;
            let digest = stale.hash.finish();
            let _ = store.publish(&mut stale, &digest).await;
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut row = taken_over(&row);
        bench.second.append(&mut row, whole(content[length / 2..].to_vec())).await.unwrap();
        let location = bench.second.publish(&mut row, &sha256(&content)).await.unwrap();
        wake.send(()).unwrap();
        writer.await.unwrap();
        assert_holds(&*bench.second, &location, &content).await;
    }
}

/// A holder that got as far as publishing is taken over by one whose client sends as many bytes and others.
async fn what_was_published_before_a_takeover_is_not_mistaken(bench: Bench) {
    for length in [3, 200_000, PART + 3] {
        let (safe, content) = (length / 3, bytes(length));
        let mut row = start(Algorithm::Sha256);
        bench.first.append(&mut row, whole(content[..safe].to_vec())).await.unwrap();
        let mut other = reread(&row);
        bench.first.append(&mut other, whole(vec![7; length - safe])).await.unwrap();
        let digest = other.hash.finish();
        bench.first.publish(&mut other, &digest).await.unwrap();
        let mut row = taken_over(&row);
        match bench.second.append(&mut row, whole(content[safe..].to_vec())).await {
            Ok(()) => {
                let location = bench.second.publish(&mut row, &sha256(&content)).await.unwrap();
                assert_holds(&*bench.first, &location, &content).await;
            }
            // The bytes went into the blob that the other has published: the client begins again.
            Err(error) => assert!(matches!(error, Error::OffsetLost { .. }), "{error}"),
        }
    }
}

async fn many_takeovers_keep_what_is_safe(bench: Bench) {
    let content = bytes(PART + 250_000);
    let mut row = start(Algorithm::Sha256);
    for (turn, piece) in content.chunks(PART / 3).enumerate() {
        let mut lost = taken_over(&row);
        row = taken_over(&lost);
        if turn % 2 == 0 {
            bench.second.append(&mut lost, whole(vec![7; 40_000])).await.unwrap();
        }
        lost = reread(&row);
        bench.first.append(&mut lost, whole(vec![8; 30_000])).await.unwrap();
        bench.first.append(&mut row, whole(piece.to_vec())).await.unwrap();
    }
    let mut row = taken_over(&row);
    let location = bench.second.publish(&mut row, &sha256(&content)).await.unwrap();
    assert_holds(&*bench.first, &location, &content).await;
}

async fn discarding_drops_what_was_taken_over_as_well(bench: Bench) {
    let content = bytes(100_000);
    let mut row = start(Algorithm::Sha256);
    bench.first.append(&mut row, whole(content.clone())).await.unwrap();
    let mut stale = reread(&row);
    let mut row = taken_over(&row);
    bench.second.append(&mut row, whole(content.clone())).await.unwrap();
    let digest = stale.hash.finish();
    let published = bench.first.publish(&mut stale, &digest).await;
    bench.second.discard(row.id, row.takeovers, &row.parts, Some(&digest)).await.unwrap();
    if let Ok(location) = published {
        let error = bench.second.open(&location, stale.offset).await.unwrap_err();
        assert!(matches!(error, Error::Damaged { found: None, .. }), "{error}");
    }
    let whole = row.hash.finish();
    let error = bench.second.publish(&mut row, &whole).await.unwrap_err();
    assert!(matches!(error, Error::OffsetLost { .. }), "{error}");
}

async fn a_wrong_digest_leaves_the_upload_usable(bench: Bench) {
    for length in [3, 100_000, PART + 3] {
        let content = bytes(length);
        let mut upload = start(Algorithm::Sha256);
        bench.first.append(&mut upload, whole(content[..length - 1].to_vec())).await.unwrap();
        let error = bench.first.publish(&mut upload, &sha256(&content)).await.unwrap_err();
        let Error::DigestMismatch { expected, actual } = error else { panic!("{error}") };
        assert_eq!((expected, actual), (sha256(&content), sha256(&content[..length - 1])));
        bench.first.append(&mut upload, whole(content[length - 1..].to_vec())).await.unwrap();
        let location = bench.first.publish(&mut upload, &sha256(&content)).await.unwrap();
        assert_holds(&*bench.first, &location, &content).await;
    }
}

async fn a_wrong_digest_of_another_algorithm_leaves_the_upload_usable(bench: Bench) {
    for length in [3, 100_000, PART + 3] {
        let content = bytes(length);
        let mut upload = start(Algorithm::Sha256);
        bench.first.append(&mut upload, whole(content.clone())).await.unwrap();
        let wrong = digest_of(Algorithm::Sha512, b"other");
        let error = bench.first.publish(&mut upload, &wrong).await.unwrap_err();
        assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
        let mut upload = reread(&upload);
        let location = bench.second.publish(&mut upload, &sha256(&content)).await.unwrap();
        assert_holds(&*bench.first, &location, &content).await;
    }
}

async fn sha512_is_a_digest_like_the_other(bench: Bench) {
    let content = bytes(100_000);
    let digest = digest_of(Algorithm::Sha512, &content);
    let mut upload = start(Algorithm::Sha512);
    for piece in content.chunks(30_000) {
        upload = reread(&upload);
        bench.first.append(&mut upload, whole(piece.to_vec())).await.unwrap();
    }
    let location = bench.first.publish(&mut upload, &digest).await.unwrap();
    assert_holds(&*bench.first, &location, &content).await;
}

async fn another_algorithm_at_the_end_costs_a_reading(bench: Bench) {
    for length in [0, 3, 100_000, PART + 3] {
        let content = bytes(length);
        let digest = digest_of(Algorithm::Sha512, &content);
        let mut upload = start(Algorithm::Sha256);
        bench.first.append(&mut upload, whole(content.clone())).await.unwrap();
        for _ in 0..2 {
            let location = bench.first.publish(&mut upload, &digest).await.unwrap();
            assert_holds(&*bench.first, &location, &content).await;
        }
    }
}

async fn publishing_twice_is_fine(bench: Bench) {
    for length in [0, 3, 100_000, PART, PART + 3] {
        let content = bytes(length);
        let mut upload = start(Algorithm::Sha256);
        bench.first.append(&mut upload, whole(content.clone())).await.unwrap();
        // Once by a process that died before it could save the row, twice with what it would have saved.
        let mut row = reread(&upload);
        let first = bench.first.publish(&mut upload, &sha256(&content)).await.unwrap();
        let second = bench.second.publish(&mut row, &sha256(&content)).await.unwrap();
        let third = bench.second.publish(&mut reread(&upload), &sha256(&content)).await.unwrap();
        assert_eq!((&first, &first), (&second, &third));
        assert_holds(&*bench.second, &first, &content).await;
    }
}

async fn two_uploads_of_one_digest_do_not_meet(bench: Bench) {
    let content = bytes(50_000);
    let (_, kept) = push(&*bench.first, &content).await;
    let (_, removed) = push(&*bench.second, &content).await;
    assert_ne!(kept, removed);
    bench.first.remove(&removed).await.unwrap();
    assert_holds(&*bench.first, &kept, &content).await;
}

async fn discarding_is_fine_at_every_stage(bench: Bench) {
    let content = bytes(PART + 100_000);
    let digest = sha256(&content);
    let store = &bench.first;
    let mut upload = start(Algorithm::Sha256);
    store.discard(upload.id, 0, "", None).await.unwrap();
    for (from, to) in [(0, 100), (100, 100_000), (100_000, content.len())] {
        store.append(&mut upload, whole(content[from..to].to_vec())).await.unwrap();
        // The row may be older than what is in storage.
        for parts in [upload.parts.as_str(), "", "not what we wrote"] {
            let mut other = start(Algorithm::Sha256);
            store.append(&mut other, whole(content[..to].to_vec())).await.unwrap();
            let parts = if parts == upload.parts { other.parts.clone() } else { parts.to_owned() };
            store.discard(other.id, 0, &parts, None).await.unwrap();
            let error = store.publish(&mut other, &sha256(&content[..to])).await;
            let in_row = other.parts.contains("inline") && !other.parts.contains("multipart");
            assert!(in_row || matches!(error, Err(Error::OffsetLost { .. })), "{to} {parts}: {error:?}");
            store.discard(other.id, 0, "", Some(&sha256(&content[..to]))).await.unwrap();
        }
    }
    let location = store.publish(&mut upload, &digest).await.unwrap();
    store.discard(upload.id, 0, &upload.parts, Some(&digest)).await.unwrap();
    store.discard(upload.id, 0, &upload.parts, Some(&digest)).await.unwrap();
    let error = store.open(&location, upload.offset).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { found: None, .. }), "{error}");
}

async fn removing_twice_is_fine(bench: Bench) {
    let (_, location) = push(&*bench.first, b"content").await;
    bench.first.remove(&location).await.unwrap();
    bench.second.remove(&location).await.unwrap();
    assert!(matches!(bench.first.open(&location, 7).await.unwrap_err(), Error::Damaged { found: None, .. }));
}

async fn what_is_missing_or_of_another_size_is_damaged(bench: Bench) {
    let (_, location) = push(&*bench.first, b"content").await;
    for size in [0, 6, 8] {
        let error = bench.first.open(&location, size).await.unwrap_err();
        assert!(matches!(error, Error::Damaged { found: Some(7), .. }), "{error}");
    }
    bench.second.remove(&location).await.unwrap();
    let error = bench.first.open(&location, 7).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { found: None, .. }), "{error}");
}

async fn ranges_end_where_they_should(bench: Bench) {
    let content = bytes(600_000);
    let size = content.len() as u64;
    let (_, location) = push(&*bench.first, &content).await;
    let blob = bench.first.open(&location, size).await.unwrap();
    for range in [0..1, 0..0, size..size, size - 1..size, 262_143..262_145, 1..size - 1, 262_144..524_288] {
        let expected = &content[range.start as usize..range.end as usize];
        assert!(read(&blob, range.clone()).await.unwrap() == expected, "{range:?}");
    }
    assert!(read(&blob, 0..size + 1).await.is_err());
    if let Some(file) = blob.file() {
        assert_eq!(file.metadata().unwrap().len(), size);
    }
}

async fn bytes_that_storage_lost_are_noticed(bench: Bench) {
    let content = bytes(PART + 100_000);
    let mut upload = start(Algorithm::Sha256);
    bench.first.append(&mut upload, whole(content.clone())).await.unwrap();
    bench.second.discard(upload.id, 0, &upload.parts, None).await.unwrap();
    let before = (upload.offset, upload.parts.clone(), upload.hash.state());
    let error = bench.first.append(&mut upload, whole(bytes(2 * PART))).await.unwrap_err();
    assert!(matches!(error, Error::OffsetLost { .. }), "{error}");
    assert_eq!((upload.offset, upload.parts.clone(), upload.hash.state()), before);
    let error = bench.first.publish(&mut upload, &sha256(&content)).await.unwrap_err();
    assert!(matches!(error, Error::OffsetLost { .. }), "{error}");
}

async fn parts_that_storage_lost_are_noticed(bench: Bench) {
    let content = bytes(PART);
    let mut upload = start(Algorithm::Sha256);
    bench.first.append(&mut upload, whole(content.clone())).await.unwrap();
    bench.second.discard(upload.id, 0, "", None).await.unwrap();
    let error = bench.first.append(&mut upload, whole(bytes(3 * PART))).await.unwrap_err();
    assert!(is_lost(&error), "{error}");
    let error = bench.first.publish(&mut upload, &sha256(&content)).await.unwrap_err();
    assert!(is_lost(&error), "{error}");
}

/// One of the S3 servers answers 500 where an aborted upload is continued.
fn is_lost(error: &Error) -> bool {
    let is_server_error = error.to_string().contains("500 Internal Server Error");
    is_server_error || matches!(error, Error::OffsetLost { .. })
}

async fn foreign_locations_are_refused(bench: Bench) {
    for text in ["", "../secret", "/etc/passwd", "blobs/../../etc/passwd"] {
        let location = Location::new(text);
        assert!(matches!(bench.first.open(&location, 1).await.unwrap_err(), Error::Damaged { .. }), "{text}");
        bench.first.remove(&location).await.unwrap();
    }
}

async fn the_probe_answers_and_leaves_nothing(bench: Bench) {
    let probe = bench.first.probe().await.unwrap();
    assert!(probe.write_ms >= 0.0 && probe.sync_ms >= 0.0);
    assert_eq!(probe.free_bytes.is_some(), bench.first.kind() == "filesystem");
}

/// Every name on a shelf, read in pages of so many.
async fn listed(bench: &Bench, shelf: Shelf, limit: usize) -> Vec<Stored> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = bench.second.list(shelf, &after, limit).await.unwrap();
        assert!(page.len() <= limit);
        let is_last = page.len() < limit;
        all.extend(page);
        match all.last() {
            Some(last) if !is_last => after = last.name.clone(),
            _ => break,
        }
    }
    assert!(all.is_sorted_by(|one, other| one.name < other.name), "{all:?}");
    all
}

async fn what_was_published_is_listed_in_pages(bench: Bench) {
    assert_eq!(listed(&bench, Shelf::Blobs, 3).await, []);
    let mut pushed = Vec::new();
    for length in 0..10 {
        pushed.push((push(&*bench.first, &bytes(length)).await, length as u64));
    }
    pushed.sort_by_key(|((_, location), _)| location.as_str().to_owned());
    for limit in [3, 5, 100] {
        let all = listed(&bench, Shelf::Blobs, limit).await;
        let found: Vec<_> =
            all.iter().map(|stored| (stored.name.as_str(), stored.size, stored.upload)).collect();
        let expected: Vec<_> = pushed
            .iter()
            .map(|((upload, location), size)| (location.as_str(), *size, Some(upload.id)))
            .collect();
        assert_eq!(found, expected);
        for (stored, (_, size)) in all.iter().zip(&pushed) {
            assert!(stored.modified_at > 1_700_000_000_000_000, "{stored:?}");
            assert!(
                stored.digest.is_none_or(|digest| digest == sha256(&bytes(*size as usize))),
                "{stored:?}"
            );
        }
    }
    bench.first.remove(&pushed[4].0.1).await.unwrap();
    assert_eq!(listed(&bench, Shelf::Blobs, 3).await.len(), 9);
}

async fn uploads_are_listed_and_abandoned_without_what_they_published(bench: Bench) {
    let mut small = start(Algorithm::Sha256);
    bench.first.append(&mut small, whole(bytes(20_000))).await.unwrap();
    let mut large = start(Algorithm::Sha256);
    bench.first.append(&mut large, whole(bytes(PART + 20_000))).await.unwrap();
    let (published, location) = push(&*bench.first, b"published").await;
    let ids = |stored: &[Stored]| stored.iter().filter_map(|stored| stored.upload).collect::<HashSet<_>>();
    let all = listed(&bench, Shelf::Uploads, 2).await;
    assert_eq!(ids(&all), HashSet::from([small.id, large.id]));
    for id in [small.id, published.id, small.id] {
        bench.second.abandon(id).await.unwrap();
    }
    assert_eq!(ids(&listed(&bench, Shelf::Uploads, 2).await), HashSet::from([large.id]));
    assert_holds(&*bench.first, &location, b"published").await;
    bench.first.abandon(large.id).await.unwrap();
    assert_eq!(listed(&bench, Shelf::Uploads, 2).await, []);
    let error = bench.first.publish(&mut large, &sha256(&bytes(PART + 20_000))).await.unwrap_err();
    assert!(matches!(error, Error::OffsetLost { .. }), "{error}");
}

async fn notes_are_kept_whole(bench: Bench) {
    assert_eq!(bench.first.read_note("journal/a/1").await.unwrap(), None);
    for (name, text) in
        [("journal/a/1", "one"), ("journal/a/2", "two"), ("journal/a/1", "another"), ("b", "")]
    {
        bench.first.write_note(name, text.into()).await.unwrap();
        assert_eq!(bench.second.read_note(name).await.unwrap().unwrap(), text);
    }
    let names: Vec<_> = listed(&bench, Shelf::Notes, 2).await.into_iter().map(|stored| stored.name).collect();
    assert_eq!(names, ["notes/b", "notes/journal/a/1", "notes/journal/a/2"]);
    for _ in 0..2 {
        bench.first.remove_note("journal/a/1").await.unwrap();
    }
    assert_eq!(bench.second.read_note("journal/a/1").await.unwrap(), None);
    for name in ["", "..", "a/../../b", "/a", "a//b", "A", ".hidden"] {
        assert!(bench.first.write_note(name, "x".into()).await.is_err(), "{name:?}");
    }
    assert_eq!(listed(&bench, Shelf::Blobs, 9).await, []);
}
