//! Quotas: what a project may hold, counted exactly and refused in time.

use hythe_acceptance::answer::Answer;
use hythe_acceptance::desk::{Desk, digest};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::SHARED;

async fn quota(desk: &Desk) -> Value {
    let project = desk.get(&format!("/api/v2.0/projects/{}", desk.project)).await.expect(StatusCode::OK);
    desk.get(&path(project.json()["project_id"].as_i64().unwrap())).await.expect(StatusCode::OK).json()
}

fn path(id: i64) -> String {
    format!("/api/v2.0/quotas/{id}")
}

async fn used(desk: &Desk) -> i64 {
    quota(desk).await["used"]["storage"].as_i64().unwrap()
}

async fn set(desk: &Desk, bytes: i64) -> Answer {
    let id = quota(desk).await["id"].as_i64().unwrap();
    let body = json!({ "hard": { "storage": bytes } });
    desk.send(desk.request(Method::PUT, &path(id)).json(&body)).await
}

fn bytes(seed: u8, length: usize) -> Vec<u8> {
    vec![seed; length]
}

#[tokio::test]
async fn what_is_pushed_counts_once_and_what_is_deleted_no_more() {
    let desk = Desk::at(&SHARED).await;
    assert_eq!(used(&desk).await, 0);
    let (_, first) = desk.push_for("one", Some("v1"), "amd64").await;
    let once = used(&desk).await;
    desk.push_for("two", Some("v1"), "amd64").await;
    assert_eq!(used(&desk).await, once, "the same image in another repository");
    desk.delete(&format!("{}/{first}", desk.artifacts("one"))).await.expect(StatusCode::OK);
    assert_eq!(used(&desk).await, once);
    desk.delete(&format!("{}/{first}", desk.artifacts("two"))).await.expect(StatusCode::OK);
    assert_eq!(used(&desk).await, 0);
    let id = quota(&desk).await["id"].as_i64().unwrap();
    let recount = desk.post_json(&format!("{}/recount", path(id)), &Value::Null).await.expect(StatusCode::OK);
    assert_eq!(recount.json(), json!({ "missing": 0, "stale": 0, "difference": 0 }));
}

#[tokio::test]
async fn a_push_over_the_quota_is_refused_in_harbors_words() {
    let desk = Desk::at(&SHARED).await;
    set(&desk, 100_000).await.expect(StatusCode::OK);
    let repository = desk.repository("app");
    desk.push_blob(&repository, &bytes(1, 60_000)).await;
    let large = bytes(2, 50_000);
    let upload = desk.start_upload(&repository).await;
    let refused =
        desk.put(&format!("{upload}?digest={}", digest(&large)), large.clone()).await.refused(403, "DENIED");
    let said = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert_eq!(
        said,
        "adding 48.8 KiB of storage resource, which when updated to current usage of 58.6 KiB will exceed the \
         configured upper limit of 97.7 KiB."
    );
    desk.get(&upload).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    desk.push_blob(&desk.repository("other"), &bytes(1, 60_000)).await;
    assert_eq!(used(&desk).await, 60_000, "what the project has is no more");
    set(&desk, -1).await.expect(StatusCode::OK);
    desk.push_blob(&repository, &large).await;
}

/// The client is told before it has sent a byte: the connection is read no further than the head.
#[tokio::test]
async fn a_refusal_does_not_wait_for_the_bytes() {
    let desk = Desk::at(&SHARED).await;
    set(&desk, 1000).await.expect(StatusCode::OK);
    let repository = desk.repository("app");
    let never =
        || reqwest::Body::wrap_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    for method in [Method::PATCH, Method::PUT] {
        let upload = desk.start_upload(&repository).await;
        let to = if method == Method::PUT { format!("{upload}?digest={}", digest(b"never")) } else { upload };
        let ask = desk.request(method.clone(), &to).header("content-length", 5000).body(never());
        let answer = tokio::time::timeout(std::time::Duration::from_secs(20), desk.send(ask)).await.unwrap();
        answer.refused(403, "DENIED");
    }
}

#[tokio::test]
async fn a_quota_is_a_number_that_an_administrator_sets() {
    let desk = Desk::at(&SHARED).await;
    for bad in [0, -2, (1 << 50) + 1] {
        set(&desk, bad).await.refused(400, "BAD_REQUEST");
    }
    set(&desk, 5_000_000).await.expect(StatusCode::OK);
    assert_eq!(quota(&desk).await["hard"]["storage"], 5_000_000);
    let summary = desk.get(&format!("/api/v2.0/projects/{}/summary", desk.project)).await.json();
    assert_eq!(summary["quota"]["hard"]["storage"], 5_000_000);
    let project = format!("/api/v2.0/projects/{}", desk.project);
    desk.send(desk.request(Method::PUT, &project).json(&json!({ "storage_limit": -1 })))
        .await
        .expect(StatusCode::OK);
    assert_eq!(quota(&desk).await["hard"]["storage"], -1);
    desk.send(desk.request(Method::PUT, &path(0)).json(&json!({ "hard": { "storage": 1 } })))
        .await
        .refused(404, "NOT_FOUND");
    let member = desk.user(Some(1)).await;
    let id = quota(&desk).await["id"].as_i64().unwrap();
    let body = json!({ "hard": { "storage": -1 } });
    desk.send(desk.request_by(&member, Method::PUT, &path(id)).json(&body)).await.refused(403, "FORBIDDEN");
}

#[tokio::test]
async fn new_projects_get_what_the_configuration_says_and_limits_can_be_switched_off() {
    let desk = Desk::with(&hythe_acceptance::server::Options::default()).await;
    let configure = |body: Value| {
        let ask = desk.request(Method::PUT, "/api/v2.0/configurations").json(&body);
        let desk = &desk;
        async move { desk.send(ask).await.expect(StatusCode::OK) }
    };
    configure(json!({ "storage_per_project": 1000 })).await;
    for (name, given, limit) in
        [("first", None, 1000), ("second", Some(0), 1000), ("third", Some(-1), -1), ("fourth", Some(7), 7)]
    {
        let body = json!({ "project_name": name, "storage_limit": given });
        desk.post_json("/api/v2.0/projects", &body).await.expect(StatusCode::CREATED);
        let summary = desk.get(&format!("/api/v2.0/projects/{name}/summary")).await.json();
        assert_eq!(summary["quota"]["hard"]["storage"], limit, "{name}");
    }
    let large = bytes(3, 2000);
    let upload = desk.start_upload("first/app").await;
    desk.put(&format!("{upload}?digest={}", digest(&large)), large.clone()).await.refused(403, "DENIED");
    configure(json!({ "quota_per_project_enable": false })).await;
    desk.push_blob("first/app", &large).await;
    configure(json!({ "quota_per_project_enable": true })).await;
    let upload = desk.start_upload("first/app").await;
    desk.put(&format!("{upload}?digest={}", digest(b"more")), *b"more").await.refused(403, "DENIED");
}
