//! `kill -9` under load: what was acknowledged is there and whole, and no file is without a row.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use hythe_acceptance::desk::{self, Desk, digest};
use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Ledger, another, bytes, eventually, files, moved, server_of};

const PUSHERS: u64 = 8;

#[tokio::test]
async fn what_got_201_outlives_a_kill_under_load_and_every_file_has_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default().data(&folder.path().join("data"));
    let mut desk = Desk::with(&options).await;
    let (project, mut ledger) = (desk.project.clone(), Ledger::default());
    for round in 0..3 {
        let before = ledger.len();
        kill_under_load(desk, round, &mut ledger).await;
        assert!(ledger.len() > before, "nothing was acknowledged in this round");
        desk = moved(&project, &options);
        ledger.assert_whole(&desk).await;
    }
    let mut server = server_of(desk);
    server.signal("TERM");
    assert!(server.ended().success());
    drop(server);
    let data = folder.path().join("data");
    assert_eq!(nameless(&data), BTreeSet::new(), "files that no row names");
    expire_uploads(&data);
    let desk = moved(&project, &options);
    eventually("the janitor has cleaned away the uploads", async || uploads(&data).is_empty().then_some(()))
        .await;
    assert_eq!(present(&data), named_by_blobs(&data));
    ledger.assert_whole(&desk).await;
}

/// Several clients push, each image after image, until the server is killed in the midst of it.
async fn kill_under_load(desk: Desk, round: u64, ledger: &mut Ledger) {
    let mut pushers = JoinSet::new();
    for pusher in 0..PUSHERS {
        pushers.spawn(push_until_refused(another(&desk), round * 1_000_000 + pusher * 10_000));
    }
    tokio::time::sleep(Duration::from_millis(1500 + 217 * round)).await;
    desk.server.signal("KILL");
    for pushed in pushers.join_all().await {
        ledger.enter(pushed);
    }
    server_of(desk).ended();
}

async fn push_until_refused(desk: Desk, seed: u64) -> Ledger {
    let mut ledger = Ledger::default();
    let repository = desk.repository(&format!("r{seed}"));
    for number in seed.. {
        let blob = bytes(number, 20_000 + usize::try_from(number % 7).unwrap() * 60_000);
        if push_image(&desk, &repository, &format!("t{number}"), blob, &mut ledger).await.is_none() {
            break;
        }
    }
    ledger
}

/// Pushes a blob and an image of it; enters what was acknowledged. Nothing, once the server is gone.
async fn push_image(
    desk: &Desk,
    repository: &str,
    tag: &str,
    blob: Vec<u8>,
    ledger: &mut Ledger,
) -> Option<()> {
    let begun = desk.request(Method::POST, &format!("/v2/{repository}/blobs/uploads/")).send().await.ok()?;
    assert_eq!(begun.status(), StatusCode::ACCEPTED);
    let upload = begun.headers()["location"].to_str().unwrap().to_owned();
    let middle = blob.len() / 2;
    created(desk.request(Method::PATCH, &upload).body(blob[..middle].to_vec()), StatusCode::ACCEPTED).await?;
    let put = desk.request(Method::PUT, &format!("{upload}?digest={}", digest(&blob)));
    created(put.body(blob[middle..].to_vec()), StatusCode::CREATED).await?;
    let image = json!({
        "schemaVersion": 2,
        "mediaType": desk::OCI_MANIFEST,
        "config": desk::descriptor("application/vnd.example.config", &blob),
        "layers": [],
    });
    ledger.enter_blob(repository, blob);
    let manifest = image.to_string();
    let put = desk.request(Method::PUT, &format!("/v2/{repository}/manifests/{tag}"));
    let put = put.header("content-type", desk::OCI_MANIFEST).body(manifest.clone());
    created(put, StatusCode::CREATED).await?;
    ledger.enter_tag(repository, tag, digest(manifest.as_bytes()));
    Some(())
}

async fn created(request: reqwest::RequestBuilder, wanted: StatusCode) -> Option<()> {
    let answer = request.send().await.ok()?;
    assert_eq!(answer.status(), wanted);
    Some(())
}

/// Files in the storage that neither a blob's nor an upload's row names.
fn nameless(data: &Path) -> BTreeSet<String> {
    let uploads = uploads(data);
    let mut named = named_by_blobs(data);
    named.extend(uploads.iter().map(|(id, _)| format!("uploads/{}/{id}", &id[id.len() - 2..])));
    named.extend(uploads.iter().filter_map(|(id, digest)| Some(published(digest.as_deref()?, id))));
    present(data).difference(&named).cloned().collect()
}

/// Where an upload publishes its bytes.
fn published(digest: &str, id: &str) -> String {
    let (algorithm, hex) = digest.split_once(':').unwrap();
    format!("blobs/{algorithm}/{}/{}/{hex}.{id}", &hex[..2], &hex[2..4])
}

/// Every file of the storage but those that it is probed with and the journal's notes.
fn present(data: &Path) -> BTreeSet<String> {
    let root = data.join("blobs");
    let relative = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    files(&root)
        .iter()
        .map(|path| relative(path))
        .filter(|path| !path.starts_with("uploads/probe-") && !path.starts_with("notes/"))
        .collect()
}

fn named_by_blobs(data: &Path) -> BTreeSet<String> {
    let rows = rows(data, "SELECT location, NULL FROM blob");
    rows.into_iter().map(|(location, _)| location).collect()
}

/// The uploads that have a row, with the digest that is noted there.
fn uploads(data: &Path) -> Vec<(String, Option<String>)> {
    rows(data, "SELECT id, digest FROM upload")
}

fn rows(data: &Path, query: &str) -> Vec<(String, Option<String>)> {
    let database = open(data);
    let mut statement = database.prepare(query).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Lets a week pass for the uploads that were left behind, and the leases of the dead run out.
fn expire_uploads(data: &Path) {
    let expired = open(data).execute("UPDATE upload SET expires_at = 1, leased_until = 0", []).unwrap();
    assert!(expired > 0, "no upload was under way when the server was killed");
}

fn open(data: &Path) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(data.join("hythe.db")).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database
}
