//! The lease of an upload while the storage takes longer than the lease.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hythe_blobs::hash::digest_of;
use hythe_blobs::{Blob, BlobStore, BodyStream, Error, Location, Memory, Probe, Upload, body};
use hythe_metadata::{Database, repository, upload};
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::upload_id::UploadId;
use hythe_registry::access::{Caller, Push};
use hythe_registry::uploads::Chunk;
use hythe_registry::{Options, Registry};
use tokio::sync::Notify;

/// Memory that publishes when it is told to, as a bucket may take minutes to join the parts of a large blob.
#[derive(Default)]
struct Slow {
    memory: Memory,
    begun: Notify,
    go_on: Notify,
}

#[async_trait]
impl BlobStore for Slow {
    fn kind(&self) -> &'static str {
        self.memory.kind()
    }

    fn locate(&self, id: UploadId, digest: &Digest) -> Location {
        self.memory.locate(id, digest)
    }

    async fn append(&self, upload: &mut Upload, body: BodyStream) -> Result<(), Error> {
        self.memory.append(upload, body).await
    }

    async fn publish(&self, upload: &mut Upload, digest: &Digest) -> Result<Location, Error> {
        self.begun.notify_one();
        self.go_on.notified().await;
        self.memory.publish(upload, digest).await
    }

    async fn discard(&self, id: UploadId, parts: &str, digest: Option<&Digest>) -> Result<(), Error> {
        self.memory.discard(id, parts, digest).await
    }

    async fn open(&self, location: &Location, size: u64) -> Result<Blob, Error> {
        self.memory.open(location, size).await
    }

    async fn remove(&self, location: &Location) -> Result<(), Error> {
        self.memory.remove(location).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        self.memory.probe().await
    }
}

#[tokio::test]
async fn it_is_kept_while_the_bytes_are_published() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/hythe.db", folder.path().display());
    let database = Database::open(&hythe_metadata::Options::new(url)).unwrap();
    database.migrate().await.unwrap();
    let store = Arc::new(Slow::default());
    let registry = Registry::new(database, store.clone(), Options::default());
    registry.set_up(Some("correct horse")).await.unwrap();
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
