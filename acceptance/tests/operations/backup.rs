//! Backups, taken while a server serves, put into databases of both kinds.

use std::fs;

use hythe_acceptance::desk::Desk;
use hythe_acceptance::{desk, stores};
use reqwest::StatusCode;

use crate::support::{Place, mode};

/// Asks with a token of before, so that the keys must be the same, and for bytes that rows must lead to.
async fn still_there(desk: &Desk, token: &str, repository: &str, digest: &str) {
    let manifest = desk.get_with_token(token, &format!("/v2/{repository}/manifests/v1")).await;
    let manifest = manifest.expect(StatusCode::OK);
    assert_eq!(desk::digest(&manifest.body), digest);
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.body).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    desk.get_with_token(token, &format!("/v2/{repository}/blobs/{layer}")).await.expect(StatusCode::OK);
}

async fn pushed(desk: &Desk) -> (String, String, String) {
    let repository = desk.repository("app");
    let digest = desk.push_image(&repository, "v1", "first").await;
    let scope = format!("repository:{repository}:pull");
    let token = desk.token(Some(&desk.server.administrator()), &[&scope]).await;
    (repository, digest, token)
}

#[tokio::test]
async fn a_backup_taken_while_serving_is_restored_to_a_new_database() {
    let mut place = Place::new();
    let desk = place.serve().await;
    let (repository, digest, token) = pushed(&desk).await;
    let file = place.path("saved.gz");
    let said = place.run(&["backup", "saved.gz"]).succeeds();
    assert!(said.contains("rows of") && said.contains("blobs are not"), "{said}");
    assert_eq!(mode(&file), 0o600);
    let bytes = fs::read(&file).unwrap();
    let refused = place.run(&["backup", "saved.gz"]).fails();
    assert!(refused.contains("it exists") && fs::read(&file).unwrap() == bytes, "{refused}");

    let refused = place.run(&["restore", "saved.gz"]).fails();
    assert!(refused.contains("in use by process"), "{refused}");
    let project = desk.project.clone();
    drop(desk);
    let refused = place.run(&["restore", "saved.gz"]).fails();
    assert!(refused.contains("not empty"), "{refused}");

    place.use_database(&format!("sqlite://{}", place.path("new.db").display()));
    fs::write(place.path("cut.gz"), &bytes[..bytes.len() - 100]).unwrap();
    let refused = place.run(&["restore", "cut.gz"]).fails();
    assert!(refused.contains("cut.gz: the backup is not usable"), "{refused}");
    place.run(&["restore", "saved.gz"]).succeeds();
    still_there(&place.serve_again(&project), &token, &repository, &digest).await;
}

#[tokio::test]
async fn a_single_node_grows_up_and_goes_on_with_the_same_rows_and_keys() {
    let Some(postgres) = stores::postgres() else { return };
    let mut place = Place::new();
    let desk = place.serve().await;
    let (repository, digest, token) = pushed(&desk).await;
    let refused = place.run(&["move", "--to", &postgres]).fails();
    assert!(refused.contains("in use by process"), "{refused}");
    let project = desk.project.clone();
    drop(desk);
    let said = place.run(&["move", "--to", &postgres]).succeeds();
    assert!(said.contains("Set database.url"), "{said}");
    let left: Vec<_> =
        fs::read_dir(place.path("data")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["secrets.key"], "what was in between is removed, and the key goes on being used");
    place.use_database(&postgres);
    let desk = place.serve_again(&project);
    still_there(&desk, &token, &repository, &digest).await;
    desk.push_image(&repository, "v2", "numbers go on behind those of before").await;
    place.run(&["backup", "grown.gz"]).succeeds();
    let back = format!("sqlite://{}", place.path("back.db").display());
    let refused = place.run(&["move", "--to", &back]).fails();
    assert!(refused.contains("nodes serve from this database: "), "{refused}");
    drop(desk);

    place.use_database(&format!("sqlite://{}", place.path("small.db").display()));
    place.run(&["restore", "grown.gz"]).succeeds();
    let desk = place.serve_again(&project);
    still_there(&desk, &token, &repository, &digest).await;
    desk.push_image(&repository, "v3", "and here too").await;
}

#[tokio::test]
async fn a_move_says_what_is_wrong_with_its_target_and_keeps_its_password_to_itself() {
    let place = Place::new();
    drop(place.serve().await);
    let refused = place.run(&["move", "--to", "mysql://u:secret@h/d"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("MySQL") && !refused.err.contains("secret"), "{refused:?}");
    let refused = place.run(&["move", "--to", "postgres://u:secret@127.0.0.1:1/d"]).fails();
    assert!(refused.contains("127.0.0.1:1/d cannot be reached") && !refused.contains("secret"), "{refused}");
}
