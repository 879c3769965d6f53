//! One suite of the contract for every back end.
//!
//! The S3 tests want servers: `HYTHE_TEST_S3=http://127.0.0.1:PORT/BUCKET` and, of another make, `HYTHE_TEST_S3_SECOND`,
//! with the keys AKTEST and SKTEST. The tests on a shared file system want one that is mounted twice:
//! `HYTHE_TEST_SHARED_FOLDERS=MOUNT:MOUNT`. Without them each says that it was not run.

mod cases;
mod faults;
mod model;

use std::path::Path;
use std::sync::{Arc, Once};

use futures_util::TryStreamExt;
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::upload_id::UploadId;
use tempfile::TempDir;

use crate::body::{BodyError, BodyStream, whole};
use crate::hash::{Hasher, digest_of};
use crate::{Blob, BlobStore, Filesystem, Location, Memory, S3, S3Options, Upload};

/// One store, opened twice, as two nodes would (memory: the same one).
pub(super) struct Bench {
    pub(super) first: Arc<dyn BlobStore>,
    pub(super) second: Arc<dyn BlobStore>,
    _folder: Option<TempDir>,
}

pub(super) fn memory() -> Option<Bench> {
    let first: Arc<dyn BlobStore> = Arc::new(Memory::default());
    Some(Bench { second: Arc::clone(&first), first, _folder: None })
}

pub(super) fn filesystem() -> Option<Bench> {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(Filesystem::open(folder.path()).unwrap());
    Some(Bench { first: open(), second: open(), _folder: Some(folder) })
}

/// Each node sees the folder through a mount of its own, as on two machines.
pub(super) fn shared_folder() -> Option<Bench> {
    let Ok(mounts) = std::env::var("HYTHE_TEST_SHARED_FOLDERS") else {
        eprintln!("not run: HYTHE_TEST_SHARED_FOLDERS names no mounts");
        return None;
    };
    let (here, there) = mounts.split_once(':').unwrap();
    let folder = TempDir::with_prefix_in("suite-", here).unwrap();
    let second = Path::new(there).join(folder.path().file_name().unwrap());
    let first = Arc::new(Filesystem::open(folder.path()).unwrap());
    Some(Bench { first, second: Arc::new(Filesystem::open(&second).unwrap()), _folder: Some(folder) })
}

pub(super) fn s3() -> Option<Bench> {
    s3_at("HYTHE_TEST_S3")
}

pub(super) fn second_s3() -> Option<Bench> {
    s3_at("HYTHE_TEST_S3_SECOND")
}

fn s3_at(variable: &str) -> Option<Bench> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
    let Ok(url) = std::env::var(variable) else {
        eprintln!("not run: {variable} names no server");
        return None;
    };
    let (endpoint, bucket) = url.rsplit_once('/').unwrap();
    let options = S3Options {
        endpoint: Some(endpoint.to_owned()),
        access_key: Some("AKTEST".to_owned()),
        secret_key: Some("SKTEST".to_owned()),
        ..S3Options::default()
    };
    let prefix = format!("suite/{}", uuid::Uuid::new_v4().simple());
    let open = || Arc::new(S3::open(bucket, &prefix, &options).unwrap());
    Some(Bench { first: open(), second: open(), _folder: None })
}

pub(super) fn start(algorithm: Algorithm) -> Upload {
    let id = UploadId::from_u128(uuid::Uuid::new_v4().as_u128());
    Upload::new(id, algorithm)
}

/// The upload as another process would read it from its row.
pub(super) fn reread(upload: &Upload) -> Upload {
    Upload { hash: Hasher::restore(&upload.hash.state()).unwrap(), ..upload.clone() }
}

/// The upload as somebody reads it from its row who goes on after the lease of another has run out.
pub(super) fn taken_over(upload: &Upload) -> Upload {
    Upload { takeovers: upload.takeovers + 1, ..reread(upload) }
}

/// Bytes that differ everywhere, so that none can stand in for others.
pub(super) fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::repeat_with(&mut next).take(length / 8 + 1).flatten().collect();
    bytes.truncate(length);
    bytes
}

pub(super) fn sha256(bytes: &[u8]) -> Digest {
    digest_of(Algorithm::Sha256, bytes)
}

/// A body that breaks off behind these bytes.
pub(super) fn breaking(bytes: &[u8]) -> BodyStream {
    use futures_util::StreamExt;
    let gone = futures_util::stream::iter([Err(BodyError::new("connection reset"))]);
    whole(bytes.to_vec()).chain(gone).boxed()
}

pub(super) async fn push(store: &dyn BlobStore, content: &[u8]) -> (Upload, Location) {
    let mut upload = start(Algorithm::Sha256);
    store.append(&mut upload, whole(content.to_vec())).await.unwrap();
    let location = store.publish(&mut upload, &sha256(content)).await.unwrap();
    (upload, location)
}

pub(super) async fn read(blob: &Blob, range: std::ops::Range<u64>) -> Result<Vec<u8>, BodyError> {
    Ok(blob.stream(range).try_collect::<Vec<_>>().await?.concat())
}

/// Asserts that a location holds exactly this content.
pub(super) async fn assert_holds(store: &dyn BlobStore, location: &Location, content: &[u8]) {
    let size = content.len() as u64;
    let blob = store.open(location, size).await.unwrap();
    assert_eq!(blob.size(), size);
    // Not assert_eq: nobody wants to see 8 MiB.
    assert!(read(&blob, 0..size).await.unwrap() == content, "{location} holds other bytes");
}
