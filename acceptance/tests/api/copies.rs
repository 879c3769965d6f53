//! Copies between repositories, without moving a byte.

use reqwest::{Method, StatusCode};

use crate::SHARED;
use hythe_acceptance::desk::Desk;
use hythe_acceptance::things::field;

const DEVELOPER: i64 = 2;

#[tokio::test]
async fn a_copy_is_complete() {
    let (here, there) = (Desk::at(&SHARED).await, Desk::at(&SHARED).await);
    let (index, parts) = there.push_index("app", "v1").await;
    let path = here.artifacts("deep/copy");
    let from = format!("{path}?from={}:v1", there.repository("app"));
    let made = here.post(&from).await.expect(StatusCode::CREATED);
    let shown = here.get(made.location()).await.expect(StatusCode::OK).json();
    assert_eq!(shown["digest"], index.as_str());
    let repository = here.repository("deep/copy");
    for digest in [&index, &parts[0], &parts[1]] {
        here.get(&format!("/v2/{repository}/manifests/{digest}")).await.expect(StatusCode::OK);
    }
    let manifest = here.get(&format!("/v2/{repository}/manifests/{}", parts[0])).await.json();
    for blob in [&manifest["config"]["digest"], &manifest["layers"][0]["digest"]] {
        let path = format!("/v2/{repository}/blobs/{}", blob.as_str().unwrap());
        here.get(&path).await.expect(StatusCode::OK);
    }
    here.post(&from).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn what_belongs_to_an_artifact_is_copied_with_it() {
    let desk = Desk::at(&SHARED).await;
    let (image, digest) = desk.push_for("app", Some("v1"), "amd64").await;
    let signature = desk.push_accessory("app", &image, "application/vnd.cncf.notary.signature").await;
    let from = format!("{}?from={}@{digest}", desk.artifacts("copy"), desk.repository("app"));
    desk.post(&from).await.expect(StatusCode::CREATED);
    let list = desk.page(&format!("{}?with_accessory=true", desk.artifacts("copy"))).await;
    assert_eq!(field(list[0]["accessories"].as_array().unwrap(), "digest"), [signature]);
    assert_eq!(list[0]["tags"].as_array().unwrap().len(), 0, "a copy by digest has no tag");
}

#[tokio::test]
async fn only_what_one_may_pull_can_be_copied() {
    let (here, secret) = (Desk::at(&SHARED).await, Desk::private_at(&SHARED).await);
    secret.push_for("app", Some("v1"), "amd64").await;
    let developer = here.user(Some(DEVELOPER)).await;
    let copy = |from: String| {
        let path = format!("{}?from={from}", here.artifacts("copy"));
        here.send(here.request_by(&developer, Method::POST, &path))
    };
    copy(format!("{}:v1", secret.repository("app"))).await.refused(403, "FORBIDDEN");
    copy("absent/app:v1".to_owned()).await.refused(403, "FORBIDDEN");
    copy("nonsense".to_owned()).await.refused(400, "BAD_REQUEST");
    here.push_for("app", Some("v1"), "amd64").await;
    copy(format!("{}:v2", here.repository("app"))).await.refused(404, "NOT_FOUND");
    copy(format!("{}:v1", here.repository("app"))).await.expect(StatusCode::CREATED);
}
