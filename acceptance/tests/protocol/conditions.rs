//! Conditional requests: compare-and-set for tags, and not sending twice what a client has.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{Answer, Desk, OCI_MANIFEST, Shared};

static SHARED: Shared = Shared::new();

async fn put_if(desk: &Desk, image: &Value, header: &str, value: impl AsRef<[u8]>) -> Answer {
    let path = format!("/v2/{}/manifests/1", desk.repository("a"));
    let put =
        desk.request(Method::PUT, &path).header("content-type", OCI_MANIFEST).header(header, value.as_ref());
    desk.send(put.body(image.to_string())).await
}

#[tokio::test]
async fn a_tag_moves_only_from_where_the_client_saw_it() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let (one, two) = (desk.image(&repository, "one").await, desk.image(&repository, "two").await);
    let made = put_if(&desk, &one, "if-none-match", "*").await.expect(StatusCode::CREATED);
    let of_one = made.header("etag").unwrap();
    put_if(&desk, &two, "if-none-match", "*").await.expect(StatusCode::PRECONDITION_FAILED);
    let moved = put_if(&desk, &two, "if-match", of_one).await.expect(StatusCode::CREATED);
    let refused = put_if(&desk, &one, "if-match", of_one).await.expect(StatusCode::PRECONDITION_FAILED);
    let now = moved.header("docker-content-digest").unwrap();
    assert!(refused.text().contains(now), "{}", refused.text());
    let stands = desk.head(&format!("/v2/{repository}/manifests/1")).await;
    assert_eq!(stands.header("docker-content-digest"), Some(now));
}

#[tokio::test]
async fn a_tag_that_must_exist_is_not_made() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let (one, two) = (desk.image(&repository, "one").await, desk.image(&repository, "two").await);
    let refused = put_if(&desk, &one, "if-match", "*").await.expect(StatusCode::PRECONDITION_FAILED);
    assert!(refused.text().contains("tag 1 does not exist"), "{}", refused.text());
    put_if(&desk, &one, "if-none-match", "*").await.expect(StatusCode::CREATED);
    put_if(&desk, &two, "if-match", "*").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_condition_that_cannot_be_kept_is_not_passed_over() {
    let desk = Desk::at(&SHARED).await;
    let image = desk.image(&desk.repository("a"), "conditions").await;
    for (header, value) in [
        ("if-match", b"junk".as_slice()),
        ("if-match", b"\"junk\""),
        ("if-match", b"\xff"),
        ("if-none-match", b"\"junk\""),
        ("if-none-match", b"\xff"),
    ] {
        put_if(&desk, &image, header, value).await.refused(400, "MANIFEST_INVALID");
    }
    desk.get(&format!("/v2/{}/manifests/1", desk.repository("a"))).await.refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn of_many_who_expect_the_same_one_wins() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let mut images = Vec::new();
    for number in 0..6 {
        images.push(desk.image(&repository, &format!("racer {number}")).await);
    }
    let puts = images.iter().map(|image| put_if(&desk, image, "if-none-match", "*"));
    let mut statuses: Vec<_> = futures_util::future::join_all(puts).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 412, 412, 412, 412, 412]);
}

#[tokio::test]
async fn what_a_client_has_is_304_without_a_body() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let digest = desk.push_image(&repository, "1", "cached").await;
    let blob = desk.push_blob(&repository, b"cached blob").await;
    for (path, name) in [
        (format!("/v2/{repository}/manifests/1"), &digest),
        (format!("/v2/{repository}/blobs/{blob}"), &blob),
    ] {
        for method in [Method::GET, Method::HEAD] {
            for known in
                [format!("\"{name}\""), format!("W/\"{name}\""), format!("\"x\", \"{name}\""), "*".to_owned()]
            {
                let asked = desk.request(method.clone(), &path).header("if-none-match", known);
                let answer = desk.send(asked).await.expect(StatusCode::NOT_MODIFIED);
                assert_eq!(answer.header("etag"), Some(format!("\"{name}\"").as_str()));
                assert!(answer.body.is_empty());
            }
            let asked = desk.request(method.clone(), &path).header("if-none-match", "\"other\"");
            desk.send(asked).await.expect(StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn what_has_no_content_has_no_length() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let blob = format!("/v2/{repository}/blobs/{}", desk.push_blob(&repository, b"here").await);
    let etag = desk.head(&blob).await.header("etag").unwrap().to_owned();
    let asked =
        desk.request(Method::HEAD, &blob).header("if-none-match", "\"other\"").header("if-none-match", etag);
    let unchanged = desk.send(asked).await.expect(StatusCode::NOT_MODIFIED);
    assert_eq!(unchanged.header("content-length"), None);
    assert!(unchanged.header("cache-control").unwrap().contains("immutable"));
    let status = desk.get(&desk.start_upload(&repository).await).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(status.header("content-length"), None);
}
