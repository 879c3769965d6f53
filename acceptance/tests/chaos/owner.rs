//! Clients that own their images: they delete and undelete them, and push anew what the registry says it still has, while
//! garbage collection takes away what is not needed.

use std::time::Duration;

use hythe_acceptance::desk::digest;
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::hand::{Hand, Outcome, outcome, whole};
use crate::history::What;
use crate::record::{Rotated, count};

const REPOSITORY: &str = "passing";
/// Of this one retention keeps what was pushed last.
pub(crate) const ROTATING: &str = "rotating";
/// So many.
pub(crate) const ROTATED: usize = 20;
/// What is older is left to the look at everything in the end.
const REMEMBERED: usize = 40;

/// An image that was pushed, there or not.
struct Image {
    digest: String,
    path: String,
    config: Json,
}

/// Goes on until the run is over.
pub(crate) async fn run(mut hand: Hand) {
    let mut images: Vec<Image> = Vec::new();
    while !hand.ground.is_over() {
        let first = images.len().saturating_sub(REMEMBERED);
        let chosen = (!images.is_empty()).then(|| first + hand.dice.below(images.len() - first));
        let image = chosen.map(|at| &images[at]);
        match (hand.dice.below(12), image) {
            (0..=1, Some(image)) => {
                let config = image.config.clone();
                images.extend(push_again(&mut hand, &config).await);
            }
            (2..=4, Some(image)) => delete(&hand, image).await,
            (5, Some(image)) => restore(&hand, image).await,
            (6..=8, Some(image)) => hand.pull(&image.path).await,
            (9, _) => rotate(&mut hand).await,
            _ => images.extend(push(&mut hand).await),
        }
        hand.rest(Duration::from_millis(60)).await;
    }
}

async fn push(hand: &mut Hand) -> Option<Image> {
    let config = hand.push_some_blob(&hand.repository(REPOSITORY)).await?;
    Some(push_of(hand, config).await)
}

/// An image of a blob that the registry says it has: it is not sent again, and that must be enough.
async fn push_again(hand: &mut Hand, config: &Json) -> Option<Image> {
    let blob = config["digest"].as_str().unwrap();
    let path = format!("/v2/{}/blobs/{blob}", hand.repository(REPOSITORY));
    match hand.is_there(&path).await {
        Some(true) => {
            count(&hand.ground.done.told);
            Some(push_of(hand, config.clone()).await)
        }
        _ => None,
    }
}

async fn push_of(hand: &mut Hand, config: Json) -> Image {
    let image = hand.image(&config);
    let digest = digest(image.as_bytes());
    let path = format!("/v2/{}/manifests/{digest}", hand.repository(REPOSITORY));
    hand.push_image(&path, &image).await;
    Image { digest, path, config }
}

async fn delete(hand: &Hand, image: &Image) {
    let begun = hand.ground.now();
    let sent = hand.request(Method::DELETE, &image.path).send().await;
    let answered = match outcome(sent, StatusCode::ACCEPTED).await {
        Outcome::Done => true,
        Outcome::Open => false,
        Outcome::Refused(StatusCode::NOT_FOUND, _) => return,
        Outcome::Refused(status, words) => {
            return hand.accuse(&format!("a delete was refused: {status} {words}"));
        }
    };
    hand.ground.write_down(&image.path, begun, answered, What::Write(None), hand.number);
}

/// Nothing else brings back what was deleted.
async fn restore(hand: &Hand, image: &Image) {
    let begun = hand.ground.now();
    let wanted = json!({ "repository": hand.repository(REPOSITORY), "digest": image.digest });
    let sent = hand.request(Method::POST, "/api/v2.0/trash/restore").json(&wanted).send().await;
    let answered = match whole(sent).await {
        None => false,
        Some((status, _)) if status.is_server_error() => false,
        Some((StatusCode::OK, body)) if brings_back(&body, &image.digest) => {
            count(&hand.ground.done.restored);
            true
        }
        // It is not in the trash, or is there already.
        Some((StatusCode::OK | StatusCode::NOT_FOUND, _)) => return,
        Some((status, body)) => {
            let words = String::from_utf8_lossy(&body);
            return hand.accuse(&format!("a restore was refused: {status} {words}"));
        }
    };
    let what = What::Write(Some(image.digest.clone()));
    hand.ground.write_down(&image.path, begun, answered, what, hand.number);
}

fn brings_back(body: &[u8], digest: &str) -> bool {
    let restored: Json = serde_json::from_slice(body).unwrap();
    restored["manifests"].as_array().is_some_and(|all| all.iter().any(|one| one == digest))
}

/// A tag that is pushed once, and that retention takes when enough others came after it.
async fn rotate(hand: &mut Hand) {
    let repository = hand.repository(ROTATING);
    let Some(config) = hand.push_some_blob(&repository).await else { return };
    let image = hand.image(&config);
    let path =
        format!("/v2/{repository}/manifests/once-{}-{}", hand.number, &digest(image.as_bytes())[7..19]);
    let begun = hand.ground.now();
    let outcome = hand.push_image(&path, &image).await;
    let ended = match outcome {
        Outcome::Done => Some(hand.ground.now()),
        _ => None,
    };
    hand.ground.record.lock().unwrap().rotated.push(Rotated { path: path.clone(), begun, ended });
    hand.pull(&path).await;
}
