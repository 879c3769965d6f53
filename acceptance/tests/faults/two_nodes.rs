//! Two nodes on one PostgreSQL and one storage: any of them goes on with what another began, also when that one dies.

use std::path::Path;

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::server::Options;
use hythe_acceptance::stores;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{await_line, bytes, eventually, kill, moved, server_of, stalled_patch};

const PART: usize = 6 << 20;

#[tokio::test]
async fn an_upload_is_begun_on_one_node_and_finished_on_another_after_the_first_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nodes) = Nodes::on_folder(folder.path()) else { return };
    goes_on_elsewhere(&nodes).await;
}

#[tokio::test]
async fn an_upload_to_cephfs_is_begun_on_one_node_and_finished_on_another_after_the_first_was_killed() {
    let Some(nodes) = Nodes::on_shared_folder() else { return };
    goes_on_elsewhere(&nodes).await;
}

#[tokio::test]
async fn on_cephfs_a_tag_and_a_blob_of_one_node_are_on_the_other_at_once() {
    let Some(nodes) = Nodes::on_shared_folder() else { return };
    let (one, two) = nodes.start().await;
    let repository = one.repository("a");
    for number in 0..20 {
        let (here, there) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let layer = bytes(number, 100_000);
        let blob = here.push_blob(&repository, &layer).await;
        let pulled = there.get(&format!("/v2/{repository}/blobs/{blob}")).await.expect(StatusCode::OK);
        assert!(pulled.body == layer, "blob {number} was not on the other node at once");
    }
}

#[tokio::test]
async fn an_upload_to_s3_is_begun_on_one_node_and_finished_on_another_after_the_first_was_killed() {
    let Some(nodes) = Nodes::on_s3() else { return };
    goes_on_elsewhere(&nodes).await;
}

#[tokio::test]
async fn an_upload_that_a_dying_node_was_writing_to_is_free_when_its_lease_has_run_out() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nodes) = Nodes::on_folder(folder.path()) else { return };
    let (one, two) = nodes.start().await;
    let repository = one.repository("a");
    let upload = one.start_upload(&repository).await;
    one.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    let _cut = stalled_patch(&one, &upload, 6, "xyz");
    eventually("node one holds the upload", async || {
        let refused = two.patch(&upload, "3-5", b"def").await;
        (refused.status == 409).then(|| refused.refused(409, "BLOB_UPLOAD_INVALID"))
    })
    .await;
    kill(one);
    let taken = eventually("node two gets the upload", async || {
        let answer = two.patch(&upload, "3-5", b"def").await;
        (answer.status != 409).then_some(answer)
    })
    .await;
    assert_eq!(taken.expect(StatusCode::ACCEPTED).header("range"), Some("0-5"));
    let pushed =
        two.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
    assert_eq!(two.get(pushed.location()).await.text(), "abcdef");
}

#[tokio::test]
async fn a_token_and_a_tag_of_one_node_are_good_on_the_other_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nodes) = Nodes::on_folder(folder.path()) else { return };
    let (one, two) = nodes.start().await;
    let repository = one.repository("a");
    let scope = format!("repository:{repository}:pull,push");
    let manifest = format!("/v2/{repository}/manifests/moving");
    let (token, administrator) =
        (one.token(Some(&one.server.administrator()), &[&scope]).await, one.server.administrator());
    for number in 0..20 {
        let (here, there) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let pushed = here.push_image(&repository, "moving", &format!("image {number}")).await;
        let pulled = there.get_with_token(&token, &manifest).await.expect(StatusCode::OK);
        assert_eq!(digest(&pulled.body), pushed, "image {number} was not on the other node at once");
    }
    let back = two.token(Some(&administrator), &[&scope]).await;
    one.get_with_token(&back, &manifest).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn every_node_is_listed_with_what_it_can_reach_and_one_that_was_stopped_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nodes) = Nodes::on_folder(folder.path()) else { return };
    let (one, two) = nodes.start().await;
    let listed = eventually("both nodes are listed", async || {
        let listed = one.get("/api/v2.0/nodes").await.expect(StatusCode::OK).json();
        (listed.as_array().unwrap().len() == 2).then_some(listed)
    })
    .await;
    for (node, name, here) in [(&listed[0], "one", true), (&listed[1], "two", false)] {
        assert_eq!(
            (&node["name"], &node["state"], &node["here"]),
            (&json!(name), &json!("serving"), &json!(here))
        );
        assert_eq!(node["clock_offset_ms"], 0);
        let parts: Vec<_> = node["components"].as_array().unwrap().iter().map(|part| &part["name"]).collect();
        assert_eq!(parts, ["database", "storage"]);
    }
    let mut gone = server_of(two);
    gone.signal("TERM");
    assert!(gone.ended().success());
    let listed = one.get("/api/v2.0/nodes").await.json();
    assert_eq!((&listed[0]["state"], &listed[1]["state"]), (&json!("serving"), &json!("stopped")));
    one.send(one.anonymous(Method::GET, "/api/v2.0/nodes")).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_node_with_another_key_refuses_to_start_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nodes) = Nodes::on_folder(folder.path()) else { return };
    let _one = Desk::with(&nodes.node("one")).await;
    let other = "a2V5IG9mIGFub3RoZXIgcmVnaXN0cnksIG5vdCBvdXI=";
    let (code, words) = nodes.node("two").variable("HYTHE_SECRETS_KEY", other).refuses();
    let last = words.lines().last().unwrap();
    assert_eq!(code, 1, "{words}");
    assert!(last.contains("does not open the secrets in the database"), "{words}");
    assert!(last.contains("give this node the same secrets.key_file as the others"), "{words}");
    assert!(!words.contains(other), "{words}");
}

/// Begun on one, continued on the other, the first killed, finished on the second.
async fn goes_on_elsewhere(nodes: &Nodes) {
    let (one, two) = nodes.start().await;
    let repository = one.repository("a");
    let whole = bytes(7, 3 * PART);
    let part = |number: usize| {
        (format!("{}-{}", number * PART, (number + 1) * PART - 1), &whole[number * PART..(number + 1) * PART])
    };
    let upload = one.start_upload(&repository).await;
    for (number, desk) in [&one, &two].into_iter().enumerate() {
        let (range, bytes) = part(number);
        desk.patch(&upload, &range, bytes).await.expect(StatusCode::ACCEPTED);
    }
    let (range, last) = part(2);
    assert_eq!(one.get(&upload).await.header("range"), Some(format!("0-{}", 2 * PART - 1).as_str()));
    kill(one);
    two.patch(&upload, &range, last).await.expect(StatusCode::ACCEPTED);
    let pushed =
        two.put(&format!("{upload}?digest={}", digest(&whole)), "").await.expect(StatusCode::CREATED);
    assert!(two.get(pushed.location()).await.body == whole);
    let third = moved(&two.project, &nodes.node("three"));
    assert!(third.get(pushed.location()).await.expect(StatusCode::OK).body == whole);
    await_line(&third.server, &["\"node\":\"three\""]).await;
}

/// What the nodes share, and where each of them sees the folder, if they share one.
struct Nodes {
    shared: Options,
    folders: Vec<String>,
}

impl Nodes {
    /// A folder, and a new database; nothing, and a line that says so, where no PostgreSQL was started for the tests.
    fn on_folder(folder: &Path) -> Option<Nodes> {
        let blobs = folder.join("blobs").to_str().unwrap().to_owned();
        Some(Nodes { shared: Nodes::on_database()?, folders: vec![blobs] })
    }

    /// A folder that each node reaches through a mount of its own, and a new database.
    fn on_shared_folder() -> Option<Nodes> {
        let Some(folders) = stores::shared_folder() else {
            eprintln!("NOT RUN: HYTHE_TEST_SHARED_FOLDERS names no mounts; cargo xtask test mounts CephFS");
            return None;
        };
        Some(Nodes { shared: Nodes::on_database()?, folders: folders.into() })
    }

    /// A part of a bucket, and a new database.
    fn on_s3() -> Option<Nodes> {
        let Some(variables) = stores::s3() else {
            eprintln!("NOT RUN: HYTHE_TEST_S3 names no bucket; cargo xtask test starts a server with one");
            return None;
        };
        let database = Nodes::on_database()?;
        let shared = variables.iter().fold(database, |options, (name, value)| options.variable(name, value));
        Some(Nodes { shared, folders: Vec::new() })
    }

    fn on_database() -> Option<Options> {
        let database = stores::postgres();
        if database.is_none() {
            eprintln!("NOT RUN: HYTHE_TEST_POSTGRES names no server; cargo xtask test starts one");
        }
        Some(Options::default().variable("HYTHE_DATABASE_URL", &database?))
    }

    /// The first node sees the folder its way, the others theirs.
    fn node(&self, name: &str) -> Options {
        let node = self.shared.clone().variable("HYTHE_NODE", name);
        let folder = if name == "one" { self.folders.first() } else { self.folders.last() };
        folder.into_iter().fold(node, |node, folder| node.variable("HYTHE_STORAGE_URL", folder))
    }

    /// Two of them, with a project that both know.
    async fn start(&self) -> (Desk, Desk) {
        let one = Desk::with(&self.node("one")).await;
        let two = moved(&one.project, &self.node("two"));
        (one, two)
    }
}
