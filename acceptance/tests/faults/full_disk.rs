//! A full disk: pushes are refused and told why, pulls go on, and room is all it takes to recover.

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::disk::Disk;
use hythe_acceptance::server::Options;
use reqwest::StatusCode;

use crate::support::{Ledger, await_line, await_ready, await_trouble, bytes, push};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_full_disk_refuses_pushes_until_there_is_room_and_pulls_go_on() {
    let Some(disk) = Disk::of(32) else { return };
    let desk = Desk::with(&Options::default().data(&disk.path().join("data"))).await;
    let (repository, mut ledger) = (desk.repository("a"), Ledger::default());
    ledger.push_image(&desk, &repository, "before").await;
    ledger.push(&desk, &repository, bytes(1, MIB)).await;
    disk.fill();
    for seed in 2..5 {
        let refused = push(&desk, &repository, &bytes(seed, 2 * MIB)).await.refused(507, "STORAGE_FULL");
        assert!(
            refused.text().contains("full; pulls go on, pushes have to wait for room"),
            "{}",
            refused.text()
        );
        ledger.assert_whole(&desk).await;
    }
    let folder = disk.path().to_str().unwrap();
    await_line(&desk.server, &["WARN", "a request could not be served", folder, "request_id"]).await;
    disk.make_room();
    ledger.push(&desk, &repository, bytes(6, 2 * MIB)).await;
    ledger.push_image(&desk, &repository, "after").await;
    ledger.assert_whole(&desk).await;
}

#[tokio::test]
async fn an_upload_that_met_a_full_storage_goes_on_where_it_was_safe() {
    let Some(disk) = Disk::of(16) else { return };
    let storage = disk.path().join("blobs");
    let options = Options::default().variable("HYTHE_STORAGE_URL", storage.to_str().unwrap());
    let desk = Desk::with(&options).await;
    let repository = desk.repository("a");
    let (first, second) = (bytes(1, MIB), bytes(2, MIB));
    let upload = desk.start_upload(&repository).await;
    let range = format!("0-{}", MIB - 1);
    desk.patch(&upload, &range, &first).await.expect(StatusCode::ACCEPTED);
    disk.fill();
    let next = format!("{MIB}-{}", 2 * MIB - 1);
    let refused = desk.patch(&upload, &next, &second).await.refused(507, "STORAGE_FULL");
    assert!(refused.text().contains("the storage is full"), "{}", refused.text());
    assert_eq!(desk.get(&upload).await.header("range"), Some(range.as_str()));
    let trouble = await_trouble(&desk, "storage").await;
    let place = storage.to_str().unwrap();
    assert!(trouble.contains(place) && trouble.contains("is full (0 bytes left): free space"), "{trouble}");
    disk.make_room();
    desk.patch(&upload, &next, &second).await.expect(StatusCode::ACCEPTED);
    let whole = [first, second].concat();
    desk.put(&format!("{upload}?digest={}", digest(&whole)), "").await.expect(StatusCode::CREATED);
    let mut ledger = Ledger::default();
    ledger.enter_blob(&repository, whole);
    ledger.assert_whole(&desk).await;
    await_ready(&desk).await;
}
