//! The lease of an upload: kept while the storage takes longer than the lease, and lost by a writer that was paused.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use hythe_blobs::hash::digest_of;
use hythe_blobs::{BlobStore, Filesystem, body};
use hythe_metadata::{Database, repository, upload};
use hythe_oci::digest::Algorithm;
use hythe_oci::name::RepositoryName;
use hythe_oci::upload_id::UploadId;
use hythe_registry::access::{Caller, Pull, Push};
use hythe_registry::error::Kind;
use hythe_registry::uploads::Chunk;
use hythe_registry::{Options, Registry};
use support::store::Unruly;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// A registry on this store, and the folder of its database.
async fn registry(store: Arc<dyn BlobStore>) -> (TempDir, Arc<Registry>) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/hythe.db", folder.path().display());
    let database = Database::open(&hythe_metadata::Options::new(url)).unwrap();
    database.migrate().await.unwrap();
    let registry = Registry::new(database, store, Options::default());
    registry.set_up(Some("correct horse")).await.unwrap();
    (folder, registry)
}

#[tokio::test]
async fn it_is_kept_while_the_bytes_are_published() {
    let store = Arc::new(Unruly::slow());
    let (_folder, registry) = registry(store.clone()).await;
    let name = "library/app".parse().unwrap();
    let permit = registry.permit::<Push>(&Caller::operator(), &name).await.unwrap();
    let id = registry.start_upload(&permit, Algorithm::Sha256).await.unwrap().id;
    let leased_until = async || {
        let mut c = registry.database().connect().await.unwrap();
        let repository = repository::find(&mut c, &name).await.unwrap().unwrap().id;
        upload::find(&mut c, repository, id).await.unwrap().unwrap().leased_until
    };

    let last = Chunk { range: None, length: None, body: body::whole("layer") };
    let digest = digest_of(Algorithm::Sha256, b"layer");
    let finishing = tokio::spawn({
        let registry = registry.clone();
        async move { registry.finish_upload(permit, id, digest, last).await }
    });
    store.begun.notified().await;
    let at_first = leased_until().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    let mut looks = 0;
    while leased_until().await == at_first {
        looks += 1;
        assert!(looks < 500, "nobody renews the lease");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    store.go_on.notify_one();
    assert_eq!(finishing.await.unwrap().unwrap().digest, digest);
}

/// Its file is open while its successor goes on, publishes, and answers 201.
#[tokio::test]
async fn whoever_loses_it_writes_no_more_into_what_its_successor_publishes() {
    let folder = tempfile::tempdir().unwrap();
    let (_folder, registry) = registry(Arc::new(Filesystem::open(folder.path()).unwrap())).await;
    let name = "library/app".parse().unwrap();
    let permit = registry.permit::<Push>(&Caller::operator(), &name).await.unwrap();
    let pull = registry.permit::<Pull>(&Caller::operator(), &name).await.unwrap();
    let id = registry.start_upload(&permit, Algorithm::Sha256).await.unwrap().id;
    let whole = |bytes: &'static str| Chunk { range: None, length: None, body: body::whole(bytes) };
    registry.append_upload(permit.clone(), id, whole("what is safe")).await.unwrap();

    let (send, receive) = mpsc::unbounded_channel::<&str>();
    let late =
        stream::unfold(receive, |mut receive| async { Some((Ok(receive.recv().await?.into()), receive)) });
    let paused = tokio::spawn({
        let (registry, permit) = (registry.clone(), permit.clone());
        async move {
            let body = late.boxed();
            registry.append_upload(permit, id, Chunk { range: None, length: None, body }).await
        }
    });
    send.send(" and what").unwrap();
    await_bytes(folder.path(), 21).await;
    run_out(&registry, &name, id).await;
    let digest = digest_of(Algorithm::Sha256, b"what is safe and what is not");
    registry.finish_upload(permit, id, digest, whole(" and what is not")).await.unwrap();

    send.send(" another client sent").unwrap();
    drop(send);
    let refused = paused.await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict, "{refused}");
    let row = registry.get_blob(&pull, &digest).await.unwrap();
    let blob = registry.open_blob(&row).await.unwrap();
    let pieces: Vec<_> = blob.stream(0..row.size).map(Result::unwrap).collect().await;
    assert_eq!(pieces.concat(), b"what is safe and what is not");
}

/// Waits until the one file below a folder has so many bytes.
async fn await_bytes(folder: &Path, size: u64) {
    let mut looks = 0;
    while size_of_files(folder) != size {
        looks += 1;
        assert!(looks < 500, "{} bytes, not {size}", size_of_files(folder));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn size_of_files(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let sizes = entries.map(|entry| match entry.file_type().unwrap().is_dir() {
        true => size_of_files(&entry.path()),
        false => entry.metadata().unwrap().len(),
    });
    sizes.sum()
}

/// Lets the lease of an upload run out, as if its holder had been paused for that long.
async fn run_out(registry: &Registry, name: &RepositoryName, id: UploadId) {
    let mut c = registry.database().connect().await.unwrap();
    let repository = repository::find(&mut c, name).await.unwrap().unwrap().id;
    let fence = upload::find(&mut c, repository, id).await.unwrap().unwrap().fence;
    drop(c);
    let database = registry.database();
    let renewed =
        database.transaction(move |c| Box::pin(async move { upload::renew(c, id, fence, 1).await })).await;
    assert!(renewed.unwrap());
}
