//! Clients that fight over tags: they push, pull, tag anew and delete, and nothing of theirs is ever collected.

use std::time::Duration;

use hythe_acceptance::desk::digest;
use reqwest::{Method, StatusCode};
use serde_json::Value as Json;

use crate::hand::{Hand, Outcome, outcome};
use crate::history::What;

/// Tags that all of them fight over.
const TAGS: usize = 12;
const REPOSITORY: &str = "chaos";
/// Blobs that each of them keeps; then its images are of one of these, so that an hour's blobs fit on the disk.
const BLOBS: usize = 400;

/// The path of one of the tags.
fn path(project: &str, tag: usize) -> String {
    format!("/v2/{project}/{REPOSITORY}/manifests/tag-{tag}")
}

/// Goes on until the run is over.
pub(crate) async fn run(mut hand: Hand) {
    let mut blobs = Vec::new();
    while !hand.ground.is_over() {
        let tag = hand.dice.below(TAGS);
        match hand.dice.below(10) {
            0..=4 => push(&mut hand, tag, &mut blobs).await,
            5..=8 => hand.pull(&path(&hand.ground.project, tag)).await,
            _ => delete(&hand, tag).await,
        }
        hand.rest(Duration::from_millis(30)).await;
    }
}

/// An image of its own under a tag of everybody's. A blob stays once its image was acknowledged.
async fn push(hand: &mut Hand, tag: usize, blobs: &mut Vec<Json>) {
    let repository = hand.repository(REPOSITORY);
    let config = if blobs.len() < BLOBS {
        hand.push_some_blob(&repository).await
    } else {
        Some(blobs[hand.dice.below(BLOBS)].clone())
    };
    let Some(config) = config else { return };
    let image = hand.image(&config);
    if let Outcome::Done = hand.push_image(&path(&hand.ground.project, tag), &image).await {
        hand.ground.keep(format!("/v2/{repository}/manifests/{}", digest(image.as_bytes())));
        if blobs.len() < BLOBS {
            hand.ground.keep(format!("/v2/{repository}/blobs/{}", config["digest"].as_str().unwrap()));
            blobs.push(config);
        }
    }
}

async fn delete(hand: &Hand, tag: usize) {
    let project = &hand.ground.project;
    let tag_path =
        format!("/api/v2.0/projects/{project}/repositories/{REPOSITORY}/artifacts/tag-{tag}/tags/tag-{tag}");
    let begun = hand.ground.now();
    let answered = match outcome(hand.request(Method::DELETE, &tag_path).send().await, StatusCode::OK).await {
        Outcome::Done => true,
        Outcome::Open => false,
        // There is no such tag, or it was moved between the two looks at it: nothing is known, and nothing happened.
        Outcome::Refused(StatusCode::NOT_FOUND, _) => return,
        Outcome::Refused(status, words) => {
            return hand.accuse(&format!("a delete was refused: {status} {words}"));
        }
    };
    hand.ground.write_down(&path(project, tag), begun, answered, What::Write(None), hand.number);
}
