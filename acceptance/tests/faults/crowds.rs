//! Many clients at once: the same blob, the same tag.

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::server::Options;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{another, bytes, files, push};

const CLIENTS: usize = 50;
const WRITERS: usize = 20;

#[tokio::test]
async fn fifty_clients_push_the_same_blob_and_one_copy_is_kept() {
    let desk = Desk::with(&Options::default()).await;
    let (repository, blob) = (desk.repository("a"), bytes(1, 1 << 20));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (desk, repository, blob) = (another(&desk), repository.clone(), blob.clone());
        clients.spawn(async move { push(&desk, &repository, &blob).await });
    }
    for answer in clients.join_all().await {
        assert_eq!(
            answer.expect(StatusCode::CREATED).header("docker-content-digest"),
            Some(digest(&blob).as_str())
        );
    }
    let pulled = desk.get(&format!("/v2/{repository}/blobs/{}", digest(&blob))).await.expect(StatusCode::OK);
    assert!(pulled.body == blob);
    assert_eq!(files(&desk.server.data().join("blobs/blobs")).len(), 1, "the other copies were not needed");
}

#[tokio::test]
async fn twenty_clients_push_one_tag_and_the_last_that_was_committed_wins() {
    let desk = Desk::with(&Options::default()).await;
    let repository = desk.repository("a");
    let image = desk.image(&repository, "the same").await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (desk, repository, mut image) = (another(&desk), repository.clone(), image.clone());
        image["annotations"] = serde_json::json!({ "writer": writer.to_string() });
        writers.spawn(async move {
            let begun = std::time::Instant::now();
            desk.put_manifest(&repository, "shared", &image).await.expect(StatusCode::CREATED);
            Acknowledged {
                digest: digest(image.to_string().as_bytes()),
                begun,
                ended: std::time::Instant::now(),
            }
        });
    }
    let acknowledged = writers.join_all().await;
    let history = history(&desk, "shared").await;
    let mut told: Vec<&str> = history.iter().map(|event| event["digest"].as_str().unwrap()).collect();
    let last = desk.head(&format!("/v2/{repository}/manifests/shared")).await.expect(StatusCode::OK);
    assert_eq!(
        last.header("docker-content-digest"),
        Some(told[0]),
        "the newest event is what the tag points to"
    );
    assert_in_order(&acknowledged, &told);
    told.sort_unstable();
    let mut promised: Vec<&str> = acknowledged.iter().map(|one| one.digest.as_str()).collect();
    promised.sort_unstable();
    assert_eq!(told, promised, "every push that got 201 is in the history, once");
    for one in &acknowledged {
        desk.get(&format!("/v2/{repository}/manifests/{}", one.digest)).await.expect(StatusCode::OK);
    }
}

/// A push that got 201.
struct Acknowledged {
    digest: String,
    begun: std::time::Instant,
    ended: std::time::Instant,
}

/// Who began after another had his 201 stands before him in the history, which is newest first.
fn assert_in_order(acknowledged: &[Acknowledged], newest_first: &[&str]) {
    let place = |one: &Acknowledged| newest_first.iter().position(|digest| *digest == one.digest).unwrap();
    for early in acknowledged {
        for late in acknowledged.iter().filter(|late| late.begun > early.ended) {
            assert!(place(late) < place(early), "{} was pushed over by its predecessor", late.digest);
        }
    }
}

async fn history(desk: &Desk, tag: &str) -> Vec<Value> {
    let path = format!("/api/v2.0/projects/{}/repositories/a/tags/{tag}/history?page_size=100", desk.project);
    desk.get(&path).await.expect(StatusCode::OK).json().as_array().unwrap().clone()
}
