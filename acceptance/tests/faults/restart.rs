//! A restart: tokens, refresh tokens and half-finished uploads are good afterwards.

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::server::Options;
use reqwest::StatusCode;

use crate::support::{kill, moved, server_of};

#[tokio::test]
async fn tokens_refresh_tokens_and_uploads_survive_an_orderly_restart() {
    survives(|desk| {
        let mut server = server_of(desk);
        server.signal("TERM");
        assert!(server.ended().success());
    })
    .await;
}

#[tokio::test]
async fn tokens_refresh_tokens_and_uploads_survive_a_power_cut() {
    survives(kill).await;
}

async fn survives(end: impl Fn(Desk)) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default().data(&folder.path().join("data"));
    let desk = Desk::with(&options).await;
    let repository = desk.repository("a");
    desk.push_image(&repository, "1", "kept").await;
    let (scope, administrator) = (format!("repository:{repository}:pull"), desk.server.administrator());
    let token = desk.token(Some(&administrator), &[&scope]).await;
    let signed_in = desk.ask_token(Some(&administrator), "service=hythe-registry&offline_token=true").await;
    let refresh_token = signed_in.json()["refresh_token"].as_str().unwrap().to_owned();
    let upload = desk.start_upload(&repository).await;
    desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    let project = desk.project.clone();
    end(desk);

    let desk = moved(&project, &options);
    let manifest = format!("/v2/{repository}/manifests/1");
    desk.get_with_token(&token, &manifest).await.expect(StatusCode::OK);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh_token),
        ("service", "hythe-registry"),
        ("scope", &scope),
    ];
    let fresh = desk.ask_token_by_form(&form).await.expect(StatusCode::OK);
    let fresh = fresh.json()["access_token"].as_str().unwrap().to_owned();
    desk.get_with_token(&fresh, &manifest).await.expect(StatusCode::OK);
    desk.patch(&upload, "3-5", b"def").await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
}
