//! A storage that can only be read: an answer that says so, and a recovery without anybody's help.

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::disk::Disk;
use hythe_acceptance::server::Options;
use reqwest::StatusCode;

use crate::support::{Ledger, await_line, await_ready, await_trouble, bytes, push};

#[tokio::test]
async fn a_read_only_storage_refuses_pushes_tells_which_part_and_recovers_by_itself() {
    let Some(disk) = Disk::of(16) else { return };
    let storage = disk.path().join("blobs");
    let options = Options::default().variable("HYTHE_STORAGE_URL", storage.to_str().unwrap());
    let desk = Desk::with(&options).await;
    let (repository, mut ledger) = (desk.repository("a"), Ledger::default());
    ledger.push_image(&desk, &repository, "before").await;
    let upload = desk.start_upload(&repository).await;
    desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    disk.make_read_only();
    let refused = push(&desk, &repository, &bytes(1, 1000)).await.refused(503, "UNAVAILABLE");
    assert!(refused.text().contains("the storage can only be read; pulls go on"), "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("5"));
    desk.patch(&upload, "3-5", b"def").await.refused(503, "UNAVAILABLE");
    ledger.assert_whole(&desk).await;
    let trouble = await_trouble(&desk, "storage").await;
    assert!(trouble.contains(storage.to_str().unwrap()) && trouble.contains("Read-only"), "{trouble}");
    await_line(&desk.server, &["ERROR", "out of order", "storage"]).await;
    disk.make_writable();
    await_ready(&desk).await;
    await_line(&desk.server, &["well again", "storage"]).await;
    desk.patch(&upload, "3-5", b"def").await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
    ledger.push_image(&desk, &repository, "after").await;
    ledger.assert_whole(&desk).await;
}
