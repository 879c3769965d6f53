//! The audit of the storage, after real damage to real files.

use std::fs;
use std::path::{Path, PathBuf};

use hythe_acceptance::desk::{self, Desk};
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{Place, Ran};

const NOW: [&str; 2] = ["--min-age-hours", "0"];

impl Place {
    fn audit(&self, flags: &[&str]) -> Ran {
        self.run(&[&["storage", "audit"], flags, &NOW].concat())
    }
}

/// The file that holds the layer of the image of these words.
fn layer_file(place: &Place, words: &str) -> PathBuf {
    let digest = desk::digest(format!("layer of {words}").as_bytes());
    let hex = digest.strip_prefix("sha256:").unwrap();
    let folder = place.storage().join("blobs/sha256").join(&hex[..2]).join(&hex[2..4]);
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(hex)).unwrap()
}

async fn pulls(desk: &Desk, words: &str) -> bool {
    let layer = format!("layer of {words}");
    let answer =
        desk.get(&format!("/v2/{}/blobs/{}", desk.repository("app"), desk::digest(layer.as_bytes()))).await;
    answer.status == StatusCode::OK && answer.body == layer.as_bytes()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[3] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// One of each fault.
fn damage(place: &Place) {
    fs::remove_file(layer_file(place, "gone")).unwrap();
    fs::write(layer_file(place, "short"), "lay").unwrap();
    flip_a_byte(&layer_file(place, "rotten"));
    let copied = layer_file(place, "copied");
    fs::copy(&copied, copied.with_extension("0191f0000000700080000000000000aa")).unwrap();
    fs::remove_file(copied).unwrap();
    let nobody = "ab".repeat(32);
    write(
        &place.storage().join(format!("blobs/sha256/ab/ab/{nobody}.0191f0000000700080000000000000bb")),
        "nobody's",
    );
    write(&place.storage().join("uploads/cc/0191f0000000700080000000000000cc"), "left over");
    write(&place.storage().join("blobs/readme"), "somebody else's");
}

#[tokio::test]
async fn every_kind_of_damage_is_named_and_repaired_where_that_is_possible() {
    let place = Place::new();
    let desk = place.serve().await;
    let repository = desk.repository("app");
    for words in ["gone", "short", "rotten", "copied", "whole"] {
        desk.push_image(&repository, words, words).await;
    }
    assert!(place.audit(&["--rehash"]).succeeds().contains("0 orphans, 0 leftovers, 0 missing"));
    damage(&place);

    let seen = place.audit(&[]);
    assert_eq!(seen.code, 3, "{seen:?}");
    let of = |word: &str| seen.out.lines().filter(|line| line.starts_with(word)).collect::<Vec<_>>();
    assert_eq!((of("missing").len(), of("wrong size").len(), of("rotten").len()), (2, 1, 0), "{seen:?}");
    assert_eq!((of("orphan").len(), of("leftover").len()), (3, 1), "{seen:?}");
    assert!(of("missing").iter().all(|line| line.contains(&format!("needed by {repository}"))), "{seen:?}");
    assert!(of("wrong size")[0].contains("3 bytes in place of 14"), "{seen:?}");
    assert!(place.storage().join("uploads/cc/0191f0000000700080000000000000cc").exists(), "it only looked");

    let repaired: Value =
        serde_json::from_str(&place.audit(&["--repair", "--rehash", "--output", "json"]).out).unwrap();
    let counts = &repaired["counts"];
    assert_eq!(
        (&counts["rotten"], &counts["repaired"], &counts["missing"]),
        (&1.into(), &3.into(), &2.into()),
        "{repaired}"
    );
    assert!(pulls(&desk, "copied").await && pulls(&desk, "whole").await);
    assert!(!place.storage().join("uploads/cc/0191f0000000700080000000000000cc").exists());

    let left = place.audit(&["--rehash"]);
    assert_eq!(left.code, 3);
    assert!(
        left.out.contains("1 orphans, 0 leftovers, 2 missing, 1 of the wrong size, 0 rotten"),
        "{left:?}"
    );
    fs::remove_file(place.storage().join("blobs/readme")).unwrap();
    for words in ["gone", "short", "rotten"] {
        assert!(!pulls(&desk, words).await);
        desk.push_image(&repository, words, words).await;
        assert!(pulls(&desk, words).await, "the push has mended {words}");
    }
    place.audit(&["--rehash"]).succeeds();
}

#[tokio::test]
async fn an_upload_under_way_and_a_young_file_are_left_alone() {
    let place = Place::new();
    let desk = place.serve().await;
    let upload = desk.start_upload(&desk.repository("app")).await;
    desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    place.audit(&["--repair"]).succeeds();
    let digest = desk::digest(b"abc");
    desk.put(&format!("{upload}?digest={digest}"), "").await.expect(StatusCode::CREATED);
    let nobody = "ab".repeat(32);
    write(
        &place.storage().join(format!("blobs/sha256/ab/ab/{nobody}.0191f0000000700080000000000000bb")),
        "young",
    );
    assert!(place.run(&["storage", "audit", "--repair"]).succeeds().contains("0 orphans"));
}

#[tokio::test]
async fn nodes_audit_by_themselves_where_the_command_says_so_and_no_more_where_it_says_none() {
    let place = Place::new();
    let desk = place.serve().await;
    let schedule = async || {
        let kept = desk.get("/api/v2.0/system/storage-audit/schedule").await.expect(StatusCode::OK);
        kept.json()["schedule"].clone()
    };
    let told =
        place.audit(&["--rehash", "--schedule", "0 4 * * 0", "--time-zone", "Europe/Berlin"]).succeeds();
    assert!(told.starts_with("Nodes audit the storage by themselves, next at 20"), "{told}");
    assert_eq!(
        (&schedule().await["cron"], &schedule().await["time_zone"]),
        (&"0 4 * * 0".into(), &"Europe/Berlin".into())
    );
    assert!(place.audit(&["--schedule", "sometimes"]).fails().contains("is no cron expression"));
    place.audit(&["--schedule", "none"]).succeeds();
    assert_eq!(schedule().await["type"], "None");
}
