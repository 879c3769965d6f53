//! The registry over real stores: SQLite in a folder, blobs in memory.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hythe_blobs::hash::digest_of;
use hythe_blobs::{BlobStore, Location, Memory, body};
use hythe_metadata::Database;
use hythe_oci::digest::Algorithm;
use hythe_registry::access::{Caller, Pull, Push};
use hythe_registry::error::Kind;
use hythe_registry::projects::WantedProject;
use hythe_registry::setup::{ADMINISTRATOR, SetUp};
use hythe_registry::uploads::Chunk;
use hythe_registry::{Options, Registry};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse";

/// A registry that was set up, and the folder of its database.
struct Bench {
    registry: Arc<Registry>,
    folder: TempDir,
    blobs: Arc<dyn BlobStore>,
}

impl Bench {
    async fn with(options: Options) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let blobs: Arc<dyn BlobStore> = Arc::new(Memory::default());
        let registry = Registry::new(open(&folder), blobs.clone(), options);
        registry.database().migrate().await.unwrap();
        let made = registry.set_up(Some(PASSWORD)).await.unwrap();
        assert_eq!(made, SetUp::AdministratorWithGivenPassword);
        Bench { registry, folder, blobs }
    }

    /// Another node over the same two stores.
    fn other_node(&self) -> Arc<Registry> {
        Registry::new(open(&self.folder), self.blobs.clone(), Options::default())
    }

    async fn administrator(&self) -> Caller {
        self.registry.sign_in(ADMINISTRATOR, PASSWORD, &Arc::default()).await.unwrap()
    }
}

fn open(folder: &TempDir) -> Database {
    let url = format!("sqlite://{}/hythe.db", folder.path().display());
    Database::open(&hythe_metadata::Options { exclusive: false, ..hythe_metadata::Options::new(url) })
        .unwrap()
}

fn chunk(bytes: &'static [u8]) -> Chunk {
    Chunk { range: None, length: Some(bytes.len() as u64), body: body::whole(bytes) }
}

#[tokio::test]
async fn the_first_start_makes_an_administrator_and_the_second_does_not() {
    let bench = Bench::with(Options::default()).await;
    assert_eq!(bench.registry.set_up(Some("another password")).await.unwrap(), SetUp::Nothing);
    assert_eq!(bench.other_node().set_up(None).await.unwrap(), SetUp::Nothing);
    assert!(bench.registry.sign_in(ADMINISTRATOR, "another password", &Arc::default()).await.is_err());
    assert!(bench.registry.sign_in(ADMINISTRATOR, PASSWORD, &Arc::default()).await.is_ok());
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let bench = Bench::with(Options::default()).await;
    let operator = Caller::operator();
    let id = bench.administrator().await.user_id().unwrap();
    let permit = bench.registry.permit_everywhere(&operator).await.unwrap();
    let refused = bench.registry.delete_user(&permit, id).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict);
    let permit = bench.registry.permit_everywhere(&operator).await.unwrap();
    assert!(bench.registry.set_user_disabled(&permit, id, true).await.is_err());
}

#[tokio::test]
async fn what_one_step_of_the_janitor_cannot_do_keeps_no_other_from_being_done() {
    let bench = Bench::with(Options { upload_expiry: Duration::ZERO, ..Options::default() }).await;
    let name = "library/app".parse().unwrap();
    let permit = bench.registry.permit::<Push>(&bench.administrator().await, &name).await.unwrap();
    let begun = bench.registry.start_upload(&permit, Algorithm::Sha256).await.unwrap();
    let rows = rusqlite::Connection::open(bench.folder.path().join("hythe.db")).unwrap();
    rows.execute("DROP TABLE revocation", []).unwrap();
    let failed = bench.registry.clean().await.unwrap_err();
    assert!(failed.to_string().contains("revocation"), "{failed}");
    let gone = bench.registry.upload_status(&permit, begun.id).await.unwrap_err();
    assert_eq!(gone.kind(), Kind::Unknown);
}

#[tokio::test]
async fn an_expired_upload_goes_with_its_bytes() {
    let bench = Bench::with(Options { upload_expiry: Duration::ZERO, ..Options::default() }).await;
    let name = "library/app".parse().unwrap();
    let permit = bench.registry.permit::<Push>(&bench.administrator().await, &name).await.unwrap();
    let begun = bench.registry.start_upload(&permit, Algorithm::Sha256).await.unwrap();
    bench.registry.append_upload(permit.clone(), begun.id, chunk(b"left behind")).await.unwrap();
    let round = bench.registry.clean().await.unwrap();
    assert_eq!(round.uploads, 1);
    let gone = bench.registry.upload_status(&permit, begun.id).await.unwrap_err();
    assert_eq!(gone.kind(), Kind::Unknown);
    assert_eq!(bench.registry.clean().await.unwrap().uploads, 0, "the second round finds nothing");
}

/// A body that brings some bytes and breaks off when it is told to.
fn broken_body(told: tokio::sync::oneshot::Receiver<()>) -> hythe_blobs::BodyStream {
    let begun = futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"begun"))]);
    let broken = futures_util::stream::once(async move {
        let _ = told.await;
        Err(hythe_blobs::BodyError::new("gone"))
    });
    Box::pin(futures_util::StreamExt::chain(begun, broken))
}

#[tokio::test]
async fn a_push_in_one_request_leaves_nothing_when_its_client_goes_away() {
    let bench = Bench::with(Options::default()).await;
    let name = "library/app".parse().unwrap();
    let permit = bench.registry.permit::<Push>(&bench.administrator().await, &name).await.unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    let body = Chunk { range: None, length: None, body: broken_body(told) };
    let digest = digest_of(Algorithm::Sha256, b"never whole");
    let push = bench.registry.push_blob(permit, digest, body);
    assert!(tokio::time::timeout(Duration::from_millis(200), push).await.is_err(), "and it is dropped here");
    let open = || async {
        let mut c = bench.registry.database().connect().await.unwrap();
        hythe_metadata::upload::count_open(&mut c, ADMINISTRATOR, 0).await.unwrap()
    };
    assert_eq!(open().await, 1);
    tell.send(()).unwrap();
    for _ in 0..100 {
        if open().await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the upload is still there");
}

#[tokio::test]
async fn an_upload_goes_on_at_another_node() {
    let bench = Bench::with(Options::default()).await;
    let other = bench.other_node();
    let name = "library/app".parse().unwrap();
    let permit = bench.registry.permit::<Push>(&bench.administrator().await, &name).await.unwrap();
    let begun = bench.registry.start_upload(&permit, Algorithm::Sha256).await.unwrap();
    bench.registry.append_upload(permit.clone(), begun.id, chunk(b"begun here, ")).await.unwrap();
    let digest = digest_of(Algorithm::Sha256, b"begun here, finished there");
    other.finish_upload(permit.clone(), begun.id, digest, chunk(b"finished there")).await.unwrap();
    let pull = bench.registry.permit::<Pull>(&Caller::anonymous(Arc::default()), &name).await.unwrap();
    let row = bench.registry.get_blob(&pull, &digest).await.unwrap();
    assert_eq!(bench.registry.open_blob(&row).await.unwrap().size(), 26);
}

#[tokio::test]
async fn a_token_of_one_node_is_good_on_another_and_after_a_rotation() {
    let bench = Bench::with(Options::default()).await;
    let administrator = bench.administrator().await;
    let issued = bench.registry.issue_token(&administrator, &[], false).await.unwrap();
    let other = bench.other_node();
    assert_eq!(other.verify_token(&issued.token).await.unwrap().sub, ADMINISTRATOR);
    let operator = Caller::operator();
    let permit = bench.registry.permit_everywhere(&operator).await.unwrap();
    bench.registry.rotate_keys(&permit).await.unwrap();
    let permit = bench.registry.permit_everywhere(&operator).await.unwrap();
    assert_eq!(bench.registry.list_keys(&permit).await.unwrap().len(), 2);
    assert!(bench.other_node().verify_token(&issued.token).await.is_ok(), "the old key still checks");
    assert!(other.verify_token("not.a.token").await.is_err());
}

#[tokio::test]
async fn a_stranger_is_refused_in_the_same_words_whether_a_repository_exists_or_not() {
    let bench = Bench::with(Options::default()).await;
    let wanted =
        WantedProject { name: "secret".parse().unwrap(), metadata: BTreeMap::new(), storage_limit: None };
    bench.registry.create_project(&Caller::operator(), wanted).await.unwrap();
    let refusal = async |name: &str| {
        let error = bench
            .registry
            .permit::<Pull>(&Caller::anonymous(Arc::default()), &name.parse().unwrap())
            .await
            .unwrap_err();
        (error.kind(), error.message().replace(name, "NAME"))
    };
    assert_eq!(refusal("secret/app").await, refusal("absent/app").await);
}

#[tokio::test]
async fn the_next_push_takes_the_place_of_a_damaged_blob_and_not_of_a_whole_one() {
    let bench = Bench::with(Options::default()).await;
    let name = "library/app".parse().unwrap();
    let push = bench.registry.permit::<Push>(&bench.administrator().await, &name).await.unwrap();
    let pull = bench.registry.permit::<Pull>(&Caller::operator(), &name).await.unwrap();
    let digest = digest_of(Algorithm::Sha256, b"content");
    let pushed = || async {
        bench.registry.push_blob(push.clone(), digest, chunk(b"content")).await.unwrap();
        bench.registry.get_blob(&pull, &digest).await.unwrap()
    };
    let first = pushed().await;
    assert_eq!(pushed().await, first, "the second copy is not needed");
    bench.blobs.remove(&Location::new(first.location.as_str())).await.unwrap();
    let Err(unknown) = bench.registry.open_blob(&first).await else { panic!("opened what is gone") };
    assert_eq!(unknown.kind(), Kind::Unknown);
    let mended = pushed().await;
    assert_ne!(mended.location, first.location);
    assert_eq!(bench.registry.open_blob(&mended).await.unwrap().size(), 7);
    let mut c = bench.registry.database().connect().await.unwrap();
    let garbage = hythe_metadata::garbage::list(&mut c, i64::MAX, None, 10).await.unwrap();
    assert_eq!(garbage.iter().map(|row| row.location.as_str()).collect::<Vec<_>>(), [first.location]);
}
