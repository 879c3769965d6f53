//! Disks that are full, read-only, missing or cut short.

use std::path::Path;
use std::process::Command;

use hythe_oci::digest::Algorithm;
use tempfile::TempDir;

use super::{assert_holds, bytes, push, read, sha256, start, taken_over};
use crate::body::whole;
use crate::{BlobStore, Error, Filesystem, Upload};

/// A file system of its own, unmounted when dropped.
struct Mounted(TempDir);

impl Mounted {
    /// `None`, with the reason in words, where tests may not mount.
    fn new(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if mount(&["-t", "tmpfs", "-o", options, "tmpfs"], folder.path()) {
            return Some(Self(folder));
        }
        eprintln!("not run: mounting a tmpfs is not allowed here");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn mount(arguments: &[&str], folder: &Path) -> bool {
    let mounted = Command::new("mount").args(arguments).arg(folder).output();
    mounted.is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn a_full_disk_refuses_pushes_and_serves_pulls() {
    let Some(disk) = Mounted::new("size=4m") else { return };
    let store = Filesystem::open(disk.path()).unwrap();
    let content = bytes(1_000_000);
    let (_, location) = push(&store, &content).await;
    let mut upload = start(Algorithm::Sha256);
    store.append(&mut upload, whole(content.clone())).await.unwrap();
    let before = (upload.offset, upload.hash.state());
    let error = store.append(&mut upload, whole(bytes(8_000_000))).await.unwrap_err();
    assert!(matches!(error, Error::Full { free_bytes: Some(_), .. }), "{error}");
    assert!(error.to_string().contains(&disk.path().display().to_string()), "{error}");
    assert_eq!((upload.offset, upload.hash.state()), before);
    assert_holds(&store, &location, &content).await;
    // Room again: the refused upload goes on from where it was.
    store.remove(&location).await.unwrap();
    store.append(&mut upload, whole(b"end".to_vec())).await.unwrap();
    let whole = [&content[..], b"end"].concat();
    let location = store.publish(&mut upload, &sha256(&whole)).await.unwrap();
    assert_holds(&store, &location, &whole).await;
}

#[tokio::test]
async fn a_read_only_disk_refuses_pushes_and_serves_pulls() {
    let Some(disk) = Mounted::new("size=4m") else { return };
    let store = Filesystem::open(disk.path()).unwrap();
    let (_, location) = push(&store, b"content").await;
    assert!(mount(&["-o", "remount,ro"], disk.path()));
    let error = store.append(&mut start(Algorithm::Sha256), whole(b"more".to_vec())).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    let error = store.probe().await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    assert_holds(&store, &location, b"content").await;
}

#[tokio::test]
async fn a_file_cut_short_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = Filesystem::open(folder.path()).unwrap();
    let content = bytes(900_000);
    let (_, location) = push(&store, &content).await;
    let blob = store.open(&location, 900_000).await.unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(folder.path().join(location.as_str())).unwrap();
    file.set_len(500_000).unwrap();
    let error = read(&blob, 0..900_000).await.unwrap_err().to_string();
    assert!(error.contains("ends at byte 500000, 400000 bytes early"), "{error}");
    assert!(matches!(
        store.open(&location, 900_000).await.unwrap_err(),
        Error::Damaged { found: Some(500_000), .. }
    ));
}

#[tokio::test]
async fn a_disk_that_is_gone_damages_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("blobs");
    let store = Filesystem::open(&root).unwrap();
    let (_, location) = push(&store, b"content").await;
    let aside = folder.path().join("aside");
    std::fs::rename(&root, &aside).unwrap();
    for there in [false, true] {
        let error = store.open(&location, 7).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "an empty folder there: {there}, {error}");
        std::fs::create_dir_all(&root).unwrap();
    }
    std::fs::remove_dir(&root).unwrap();
    std::fs::rename(&aside, &root).unwrap();
    assert_holds(&store, &location, b"content").await;
}

#[tokio::test]
async fn an_open_blob_outlives_its_removal() {
    let folder = tempfile::tempdir().unwrap();
    let store = Filesystem::open(folder.path()).unwrap();
    let content = bytes(300_000);
    let (_, location) = push(&store, &content).await;
    let blob = store.open(&location, 300_000).await.unwrap();
    store.remove(&location).await.unwrap();
    assert!(read(&blob, 0..300_000).await.unwrap() == content);
}

#[tokio::test]
async fn publishing_survives_tidied_folders_and_leaves_no_upload() {
    let folder = tempfile::tempdir().unwrap();
    let store = Filesystem::open(folder.path()).unwrap();
    let (_, location) = push(&store, b"content").await;
    store.remove(&location).await.unwrap();
    std::fs::remove_dir_all(folder.path().join("blobs")).unwrap();
    let (_, location) = push(&store, b"content").await;
    assert_holds(&store, &location, b"content").await;
    let left = |path: &Path| std::fs::read_dir(path).unwrap().count();
    let uploads = std::fs::read_dir(folder.path().join("uploads")).unwrap();
    assert_eq!(uploads.map(|folder| left(&folder.unwrap().path())).sum::<usize>(), 0);
}

#[tokio::test]
async fn a_takeover_leaves_no_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = Filesystem::open(folder.path()).unwrap();
    let (content, files) = (bytes(90_000), || {
        let uploads = std::fs::read_dir(folder.path().join("uploads")).unwrap();
        let files = uploads.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count());
        files.sum::<usize>()
    });
    for end in ["published", "discarded"] {
        let mut upload = start(Algorithm::Sha256);
        store.append(&mut upload, whole(content.clone())).await.unwrap();
        for _ in 0..3 {
            upload = taken_over(&upload);
            store.append(&mut upload, whole(b"more".to_vec())).await.unwrap();
            assert_eq!(files(), 1, "the file before is not needed any more");
        }
        let (digest, mut last) = (upload.hash.finish(), taken_over(&upload));
        match end {
            "published" => drop(store.publish(&mut last, &digest).await.unwrap()),
            _ => store.discard(last.id, last.takeovers, "", None).await.unwrap(),
        }
        assert_eq!(files(), 0, "{end}");
    }
}

/// A client that repeats a whole upload under its old id must not touch what is published, or leave a second copy.
#[tokio::test]
async fn a_published_file_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = Filesystem::open(folder.path()).unwrap();
    let (published, location) = push(&store, b"content").await;
    let path = folder.path().join(location.as_str());
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let before = inode(&path);
    let mut again = Upload { id: published.id, ..start(Algorithm::Sha256) };
    store.append(&mut again, whole(b"content".to_vec())).await.unwrap();
    assert_eq!(store.publish(&mut again, &sha256(b"content")).await.unwrap(), location);
    assert_eq!(inode(&path), before);
    let id = published.id.to_string();
    assert!(!folder.path().join("uploads").join(&id[30..]).join(&id).exists());
}

#[test]
fn a_folder_whose_disk_is_not_mounted_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = Filesystem::open(folder.path().join("disk/blobs")).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(Filesystem::open(folder.path().join("blobs")).is_ok());
}
