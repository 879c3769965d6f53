//! A blob whose file is gone, cut or too long: never served as if it were whole, and the log names the file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::raw::Raw;
use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};

use crate::support::{await_line, bytes};

const SIZE: usize = 300_000;

#[tokio::test]
async fn a_missing_file_is_an_error_and_named() {
    refuses_after(|file| std::fs::remove_file(file).unwrap(), "storage has nothing").await;
}

#[tokio::test]
async fn a_cut_file_is_an_error_and_named() {
    refuses_after(|file| set_length(file, 299_999), "storage has 299999 bytes").await;
}

#[tokio::test]
async fn an_emptied_file_is_an_error_and_named() {
    refuses_after(|file| drop(File::create(file).unwrap()), "storage has 0 bytes").await;
}

#[tokio::test]
async fn a_file_that_has_grown_is_an_error_and_named() {
    refuses_after(|file| set_length(file, 300_001), "storage has 300001 bytes").await;
}

async fn refuses_after(damage: impl Fn(&Path), found: &str) {
    let desk = Desk::with(&Options::default()).await;
    let repository = desk.repository("a");
    let (damaged, sound) = (bytes(1, SIZE), bytes(2, SIZE));
    desk.push_blob(&repository, &damaged).await;
    desk.push_blob(&repository, &sound).await;
    let path = format!("/v2/{repository}/blobs/{}", digest(&damaged));
    desk.get(&path).await.expect(StatusCode::OK);
    let file = file_of(&desk, &digest(&damaged));
    damage(&file);
    let partial = desk.request(Method::GET, &path).header("range", "bytes=0-9");
    let by_tls = desk.http.get(format!("https://{}{path}", desk.server.host()));
    for request in [desk.request(Method::GET, &path), partial, by_tls] {
        let refused = desk.send(request).await.refused(500, "UNKNOWN");
        assert!(
            refused.text().contains("missing or damaged; restore the file that the log names"),
            "{}",
            refused.text()
        );
        assert!(refused.header("docker-content-digest").is_none());
    }
    assert_eq!(Raw::request(&desk.server, "HEAD", &path, "").status, 500);
    let relative = file.strip_prefix(desk.server.data().join("blobs")).unwrap().to_str().unwrap();
    let line = await_line(&desk.server, &["ERROR", "a stored blob cannot be served", relative]).await;
    assert!(line.contains(found) && line.contains(&digest(&damaged)), "{line}");
    let whole = desk.get(&format!("/v2/{repository}/blobs/{}", digest(&sound))).await;
    assert!(whole.expect(StatusCode::OK).body == sound);
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
