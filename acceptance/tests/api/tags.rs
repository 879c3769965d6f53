//! Tags of an artifact: listed, made, deleted.

use reqwest::StatusCode;
use serde_json::json;

use crate::SHARED;
use hythe_acceptance::desk::Desk;
use hythe_acceptance::things::field;

#[tokio::test]
async fn tags_are_made_and_deleted() {
    let desk = Desk::at(&SHARED).await;
    let (_, digest) = desk.push_for("app", Some("v1"), "amd64").await;
    desk.push_for("app", Some("other"), "arm64").await;
    let tags = format!("{}/{digest}/tags", desk.artifacts("app"));
    let make = |name: &str| {
        let (desk, tags, body) = (&desk, &tags, json!({ "name": name }));
        async move { desk.post_json(tags, &body).await }
    };
    let made = make("stable").await.expect(StatusCode::CREATED);
    make("stable").await.refused(409, "CONFLICT");
    make("other").await.refused(409, "CONFLICT");
    make("not a tag").await.refused(400, "BAD_REQUEST");
    desk.post_json(&tags, &json!({})).await.refused(400, "BAD_REQUEST");
    assert_eq!(field(&desk.page(&tags).await, "name"), ["stable", "v1"]);
    assert_eq!(field(&desk.page(&format!("{tags}?sort=-name")).await, "name"), ["v1", "stable"]);
    assert_eq!(field(&desk.page(&format!("{tags}?sort=push_time")).await, "name"), ["v1", "stable"]);
    assert_eq!(field(&desk.page(&format!("{tags}?q=name=~TAB")).await, "name"), ["stable"]);
    desk.get(&format!("/v2/{}/manifests/stable", desk.repository("app"))).await.expect(StatusCode::OK);
    desk.delete(&format!("{tags}/other")).await.refused(404, "NOT_FOUND");
    desk.delete(made.location()).await.expect(StatusCode::OK);
    desk.delete(made.location()).await.refused(404, "NOT_FOUND");
    desk.get(&format!("{}/{digest}", desk.artifacts("app"))).await.expect(StatusCode::OK);
    let history = desk.page(&format!("{}/tags/stable/history", desk.path("app"))).await;
    assert_eq!(field(&history, "operation"), ["delete", "push"]);
}
