//! The audit of more than a page, broken off and gone on with.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hythe_blobs::{BlobStore, Location, Memory, Shelf, Upload, body, hash};
use hythe_metadata::{Database, blob, garbage};
use hythe_oci::digest::Algorithm;
use hythe_oci::upload_id::UploadId;
use hythe_registry::access::system_rights::garbage_collection::Create;
use hythe_registry::access::{Caller, Push};
use hythe_registry::storage_audit::{Fault, Finding, Options};
use hythe_registry::uploads::Chunk;
use hythe_registry::{Registry, clock};
use support::store::Unruly;

/// More than two pages.
const BLOBS: u32 = 2500;

/// A registry, and the location of each of its blobs.
async fn registry(folder: &std::path::Path, store: &Arc<Memory>) -> (Arc<Registry>, Vec<String>) {
    let url = format!("sqlite://{}/hythe.db", folder.display());
    let database = Database::open(&hythe_metadata::Options::new(url)).unwrap();
    database.migrate().await.unwrap();
    let mut rows = Vec::new();
    for number in 0..BLOBS {
        rows.push(publish(&**store, number).await);
    }
    let (recorded, now) = (rows.clone(), clock::now());
    let record = database.transaction(move |c| {
        let rows = recorded.clone();
        Box::pin(async move {
            for row in &rows {
                blob::record(c, row, now).await?;
            }
            Ok(())
        })
    });
    record.await.unwrap();
    let registry = Registry::new(database, store.clone(), hythe_registry::Options::default());
    (registry, rows.into_iter().map(|row| row.location).collect())
}

async fn publish(store: &dyn BlobStore, number: u32) -> blob::Blob {
    let bytes = format!("blob {number}").into_bytes();
    let (digest, size) = (hash::digest_of(Algorithm::Sha256, &bytes), bytes.len() as u64);
    let id = UploadId::from_u128(u128::from(number.wrapping_mul(0x9e37_79b9)) << 64);
    let hash = hythe_blobs::Hasher::new(Algorithm::Sha256);
    let mut upload = Upload { id, takeovers: 0, offset: 0, hash, parts: String::new() };
    store.append(&mut upload, body::whole(bytes)).await.unwrap();
    let location = store.publish(&mut upload, &digest).await.unwrap();
    blob::Blob { digest, size, location: location.as_str().to_owned() }
}

fn named(findings: &[Finding], fault: Fault) -> BTreeSet<&str> {
    let of = findings.iter().filter(|finding| finding.fault == fault);
    of.map(|finding| finding.location.as_str()).collect()
}

#[tokio::test]
async fn an_audit_of_many_pages_goes_on_where_it_was_broken_off() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    let (registry, mut locations) = registry(folder.path(), &store).await;
    let mut orphans = BTreeSet::new();
    for number in [BLOBS, BLOBS + 1] {
        orphans.insert(publish(&*store, number).await.location);
    }
    locations.sort();
    // The first, the last, those around the borders of pages, and a page and more on end.
    let missing: BTreeSet<String> = [0, 998, 999, 1000, 1001, 2499]
        .into_iter()
        .chain(1200..2300)
        .map(|at| locations[at].clone())
        .collect();
    for location in &missing {
        store.remove(&Location::new(location.as_str())).await.unwrap();
    }
    let options = Options { rehash: true, min_age: 0, ..Options::default() };
    let permit = registry.permit_everywhere::<Create>(&Caller::operator()).await.unwrap();
    let mut findings = Vec::new();
    loop {
        let mut audit = registry.resume_storage_audit(&permit, options).await.unwrap();
        let Some(found) = audit.step().await.unwrap() else { break };
        audit.keep().await.unwrap();
        findings.extend(found);
        if audit.position().done {
            assert_eq!(audit.position().counts.missing, missing.len() as u64);
            break;
        }
    }
    assert_eq!(named(&findings, Fault::Missing), missing.iter().map(String::as_str).collect());
    assert_eq!(named(&findings, Fault::Orphan), orphans.iter().map(String::as_str).collect());
    assert_eq!(findings.len(), missing.len() + orphans.len());
    assert!(
        !registry.resume_storage_audit(&permit, options).await.unwrap().goes_on(),
        "the next one begins anew"
    );
}

async fn restless(folder: &std::path::Path) -> (Arc<Registry>, Arc<Unruly>) {
    let url = format!("sqlite://{}/hythe.db", folder.display());
    let database = Database::open(&hythe_metadata::Options::new(url)).unwrap();
    database.migrate().await.unwrap();
    let store = Arc::new(Unruly::default());
    let registry = Registry::new(database, store.clone(), hythe_registry::Options::default());
    registry.set_up(Some("correct horse")).await.unwrap();
    (registry, store)
}

#[tokio::test]
async fn what_garbage_collection_removes_meanwhile_is_no_orphan() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, store) = restless(folder.path()).await;
    let stays = publish(&*store, 1).await.location;
    let goes = publish(&*store, 2).await.location;
    *store.vanishing.lock().unwrap() = Some(Location::new(goes));
    let options = Options { min_age: 0, ..Options::default() };
    let permit = registry.permit_everywhere::<Create>(&Caller::operator()).await.unwrap();
    let mut audit = registry.resume_storage_audit(&permit, options).await.unwrap();
    let found = audit.step().await.unwrap().unwrap();
    assert_eq!(named(&found, Fault::Orphan), BTreeSet::from([stays.as_str()]));
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn the_bytes_of_a_duplicate_go_at_once_or_with_the_other_garbage() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, store) = restless(folder.path()).await;
    let digest = hash::digest_of(Algorithm::Sha256, b"layer");
    let push = async || {
        let permit =
            registry.permit::<Push>(&Caller::operator(), &"library/app".parse().unwrap()).await.unwrap();
        let whole = Chunk { range: None, length: Some(5), body: body::whole("layer") };
        let pushed = registry.push_blob(permit, digest, whole);
        tokio::time::timeout(Duration::from_secs(20), pushed)
            .await
            .expect("it waits for what is removed")
            .unwrap();
        let at_once = store.memory.list(Shelf::Blobs, "", 10).await.unwrap().len();
        if store.lingers.load(Ordering::Relaxed) {
            store.go_on.notify_one();
        }
        registry.finish_uploads().await;
        let stored = store.memory.list(Shelf::Blobs, "", 10).await.unwrap().len();
        let mut c = registry.database().connect().await.unwrap();
        (at_once, stored, garbage::count(&mut c).await.unwrap().count)
    };
    assert_eq!(push().await, (1, 1, 0));
    store.lingers.store(true, Ordering::Relaxed);
    assert_eq!(push().await, (2, 1, 0), "the same bytes once more, and nobody waits until they are gone");
    store.lingers.store(false, Ordering::Relaxed);
    store.refuses.store(true, Ordering::Relaxed);
    assert_eq!(push().await, (2, 2, 1), "what could not be removed is known");
}
