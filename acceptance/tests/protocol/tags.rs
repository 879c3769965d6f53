//! Tags: several in one push, deleting, and what they pointed to before.

use reqwest::{Method, StatusCode};

use crate::support::{Desk, Shared, digest};

static SHARED: Shared = Shared::new();

#[tokio::test]
async fn one_push_by_digest_sets_many_tags() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let image = desk.image(&repository, "many tags").await;
    let name = digest(image.to_string().as_bytes());
    let pushed =
        desk.put_manifest(&repository, &format!("{name}?tag=one&tag=two&tag=one&tag=3.0"), &image).await;
    let pushed = pushed.expect(StatusCode::CREATED);
    let told: Vec<_> = pushed.headers.get_all("oci-tag").iter().map(|tag| tag.to_str().unwrap()).collect();
    assert_eq!(told, ["one", "two", "3.0"]);
    for tag in told {
        let pulled = desk.head(&format!("/v2/{repository}/manifests/{tag}")).await.expect(StatusCode::OK);
        assert_eq!(pulled.header("docker-content-digest"), Some(name.as_str()));
    }
}

#[tokio::test]
async fn a_bad_tag_among_many_sets_none() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let image = desk.image(&repository, "bad tag").await;
    let name = digest(image.to_string().as_bytes());
    let refused = desk.put_manifest(&repository, &format!("{name}?tag=good&tag=.bad"), &image).await;
    refused.refused(400, "TAG_INVALID");
    desk.get(&format!("/v2/{repository}/manifests/good")).await.refused(404, "MANIFEST_UNKNOWN");
    for tag in [".bad", "-bad", "b%20d", "ü", &"x".repeat(129)] {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let put = desk.request(Method::PUT, &path).body(image.to_string());
        desk.send(put).await.refused(400, "TAG_INVALID");
    }
    desk.put_manifest(&repository, &"x".repeat(128), &image).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_deleted_tag_leaves_its_manifest_and_a_deleted_manifest_takes_its_tags() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let digest = desk.push_image(&repository, "1", "deleted").await;
    desk.push_image(&repository, "2", "deleted").await;
    let path = |reference: &str| format!("/v2/{repository}/manifests/{reference}");
    desk.delete(&path("1")).await.expect(StatusCode::ACCEPTED);
    desk.delete(&path("1")).await.refused(404, "MANIFEST_UNKNOWN");
    desk.get(&path(&digest)).await.expect(StatusCode::OK);
    desk.get(&path("2")).await.expect(StatusCode::OK);
    desk.delete(&path(&digest)).await.expect(StatusCode::ACCEPTED);
    desk.delete(&path(&digest)).await.refused(404, "MANIFEST_UNKNOWN");
    desk.get(&path("2")).await.refused(404, "MANIFEST_UNKNOWN");
    let listed = desk.get(&format!("/v2/{repository}/tags/list")).await.expect(StatusCode::OK);
    assert_eq!(listed.json()["tags"], serde_json::json!([]));
}

#[tokio::test]
async fn history_tells_what_a_tag_pointed_to_and_by_whom() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("deep/app");
    let first = desk.push_image(&repository, "1", "history 1").await;
    let second = desk.push_image(&repository, "1", "history 2").await;
    desk.delete(&format!("/v2/{repository}/manifests/1")).await.expect(StatusCode::ACCEPTED);
    for encoded in ["deep%2Fapp", "deep%252Fapp"] {
        let path = format!("/api/v2.0/projects/{}/repositories/{encoded}/tags/1/history", desk.project);
        let events = desk.get(&path).await.expect(StatusCode::OK).json();
        let told: Vec<_> = events.as_array().unwrap().iter().collect();
        let of = |key: &str| told.iter().map(|event| event[key].as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(of("operation"), ["delete", "push", "push"]);
        assert_eq!(of("digest"), [&second, &second, &first]);
        assert_eq!(of("operator"), ["admin"; 3]);
    }
}
