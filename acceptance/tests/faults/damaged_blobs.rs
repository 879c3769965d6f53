//! A blob whose file is gone, cut or too long: never served as if it were whole, named in the log, mended by a push.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::raw::Raw;
use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};

use crate::support::{await_line, bytes};

const SIZE: usize = 300_000;

#[tokio::test]
async fn a_missing_file_is_unknown_named_and_mended() {
    refuses_and_mends_after(|file| std::fs::remove_file(file).unwrap(), "storage has nothing").await;
}

#[tokio::test]
async fn a_cut_file_is_unknown_named_and_mended() {
    refuses_and_mends_after(|file| set_length(file, 299_999), "storage has 299999 bytes").await;
}

#[tokio::test]
async fn an_emptied_file_is_unknown_named_and_mended() {
    refuses_and_mends_after(|file| drop(File::create(file).unwrap()), "storage has 0 bytes").await;
}

#[tokio::test]
async fn a_file_that_has_grown_is_unknown_named_and_mended() {
    refuses_and_mends_after(|file| set_length(file, 300_001), "storage has 300001 bytes").await;
}

async fn refuses_and_mends_after(damage: impl Fn(&Path), found: &str) {
    let desk = Desk::with(&Options::default()).await;
    let (repository, another) = (desk.repository("a"), desk.repository("another"));
    let (damaged, sound) = (bytes(1, SIZE), bytes(2, SIZE));
    desk.push_blob(&repository, &damaged).await;
    desk.push_blob(&another, &damaged).await;
    desk.push_blob(&repository, &sound).await;
    let path = format!("/v2/{repository}/blobs/{}", digest(&damaged));
    desk.get(&path).await.expect(StatusCode::OK);
    let file = file_of(&desk, &digest(&damaged));
    damage(&file);
    let partial = desk.request(Method::GET, &path).header("range", "bytes=0-9");
    let by_tls = desk.http.get(format!("https://{}{path}", desk.server.host()));
    for request in [desk.request(Method::GET, &path), partial, by_tls] {
        let refused = desk.send(request).await.refused(404, "BLOB_UNKNOWN");
        assert!(
            refused
                .text()
                .contains("missing or damaged; push it again, or restore the file that the log names"),
            "{}",
            refused.text()
        );
        assert!(refused.header("docker-content-digest").is_none());
    }
    assert_eq!(Raw::request(&desk.server, "HEAD", &path, "").status, 404);
    let relative = file.strip_prefix(desk.server.data().join("blobs")).unwrap().to_str().unwrap();
    let line = await_line(&desk.server, &["ERROR", "a stored blob cannot be served", relative]).await;
    assert!(line.contains(found) && line.contains(&digest(&damaged)), "{line}");
    let whole = desk.get(&format!("/v2/{repository}/blobs/{}", digest(&sound))).await;
    assert!(whole.expect(StatusCode::OK).body == sound);
    assert_mount_begins_an_upload(&desk, &damaged, &repository).await;
    desk.push_blob(&repository, &damaged).await;
    for repository in [repository, another] {
        let path = format!("/v2/{repository}/blobs/{}", digest(&damaged));
        desk.head(&path).await.expect(StatusCode::OK);
        assert!(desk.get(&path).await.expect(StatusCode::OK).body == damaged);
    }
}

async fn assert_mount_begins_an_upload(desk: &Desk, bytes: &[u8], from: &str) {
    let (to, digest) = (desk.repository("to"), digest(bytes));
    for query in [format!("mount={digest}&from={from}"), format!("mount={digest}")] {
        desk.post(&format!("/v2/{to}/blobs/uploads/?{query}")).await.expect(StatusCode::ACCEPTED);
    }
    desk.get(&format!("/v2/{to}/blobs/{digest}")).await.refused(404, "BLOB_UNKNOWN");
}

fn set_length(file: &Path, length: u64) {
    OpenOptions::new().write(true).open(file).unwrap().set_len(length).unwrap();
}

/// The file of a blob, as the layout of the folder has it: the digest, a dot, and the upload's id.
fn file_of(desk: &Desk, digest: &str) -> PathBuf {
    let hex = digest.strip_prefix("sha256:").unwrap();
    let folder = desk.server.data().join("blobs/blobs/sha256").join(&hex[..2]).join(&hex[2..4]);
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(hex)).unwrap()
}
