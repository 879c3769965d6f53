//! Pulling blobs: headers, ranges, conditions; and deleting them.

use reqwest::{Method, StatusCode};

use crate::support::{Answer, Desk, Shared};

static SHARED: Shared = Shared::new();
const BYTES: &[u8] = b"0123456789abcdefghij";

async fn blob() -> (Desk, String, String) {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let digest = desk.push_blob(&repository, BYTES).await;
    let path = format!("/v2/{repository}/blobs/{digest}");
    (desk, path, digest)
}

async fn ranged(desk: &Desk, path: &str, range: &str) -> Answer {
    desk.send(desk.request(Method::GET, path).header("range", range)).await
}

#[tokio::test]
async fn row_09_the_digest_is_on_every_answer_about_content() {
    let (desk, path, digest) = blob().await;
    let repository = desk.repository("a");
    let upload = desk.start_upload(&repository).await;
    let put = desk.put(&format!("{upload}?digest={digest}"), BYTES).await;
    let image = desk.image(&repository, "row 9").await;
    let pushed = desk.put_manifest(&repository, "1", &image).await;
    let of_image = crate::support::digest(image.to_string().as_bytes());
    let manifest = format!("/v2/{repository}/manifests/1");
    for (answer, wanted) in [
        (put, &digest),
        (desk.get(&path).await, &digest),
        (desk.head(&path).await, &digest),
        (pushed, &of_image),
        (desk.get(&manifest).await, &of_image),
        (desk.head(&manifest).await, &of_image),
    ] {
        assert_eq!(answer.header("docker-content-digest"), Some(wanted.as_str()));
    }
}

#[tokio::test]
async fn row_10_head_has_the_headers_of_get_and_no_body() {
    let (desk, blob, _) = blob().await;
    let repository = desk.repository("a");
    desk.push_image(&repository, "1", "row 10").await;
    for path in [blob, format!("/v2/{repository}/manifests/1")] {
        let (get, head) = (desk.get(&path).await, desk.head(&path).await);
        assert_eq!((get.status, head.status), (200, 200));
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()));
        for name in [
            "content-type",
            "content-length",
            "etag",
            "docker-content-digest",
            "accept-ranges",
            "cache-control",
        ] {
            assert_eq!(get.header(name), head.header(name), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn row_17_nothing_is_redirected_unless_the_operator_says_so() {
    let (desk, path, _) = blob().await;
    for answer in [desk.get(&path).await, ranged(&desk, &path, "bytes=0-1").await] {
        assert!((200..300).contains(&answer.status), "{}", answer.status);
        assert_eq!(answer.header("location"), None);
    }
}

#[tokio::test]
async fn ranges_that_can_be_had_are_206() {
    let (desk, path, digest) = blob().await;
    for (range, part, stated) in [
        ("bytes=0-0", &BYTES[..1], "bytes 0-0/20"),
        ("bytes=5-9", &BYTES[5..10], "bytes 5-9/20"),
        ("bytes=15-", &BYTES[15..], "bytes 15-19/20"),
        ("bytes=-4", &BYTES[16..], "bytes 16-19/20"),
        ("bytes=10-999", &BYTES[10..], "bytes 10-19/20"),
        ("bytes=-999", BYTES, "bytes 0-19/20"),
    ] {
        let answer = ranged(&desk, &path, range).await.expect(StatusCode::PARTIAL_CONTENT);
        assert_eq!((answer.body.as_slice(), answer.header("content-range")), (part, Some(stated)), "{range}");
        assert_eq!(answer.header("docker-content-digest"), Some(digest.as_str()));
    }
}

#[tokio::test]
async fn head_has_no_ranges() {
    let (desk, path, _) = blob().await;
    let asked = desk.request(Method::HEAD, &path).header("range", "bytes=5-9");
    let answer = desk.send(asked).await.expect(StatusCode::OK);
    assert_eq!((answer.header("content-length"), answer.header("content-range")), (Some("20"), None));
}

#[tokio::test]
async fn ranges_that_are_not_understood_are_the_whole() {
    let (desk, path, _) = blob().await;
    for range in ["bytes=0-1,4-5", "lines=0-1", "bytes", "bytes=a-b"] {
        assert_eq!(ranged(&desk, &path, range).await.expect(StatusCode::OK).body, BYTES, "{range}");
    }
}

#[tokio::test]
async fn a_range_past_the_end_is_416_with_the_size() {
    let (desk, path, _) = blob().await;
    for range in ["bytes=20-", "bytes=20-30", "bytes=-0", "bytes=9-5", "bytes=99999999999999999999-"] {
        let refused = ranged(&desk, &path, range).await.refused(416, "RANGE_INVALID");
        assert_eq!(refused.header("content-range"), Some("bytes */20"), "{range}");
    }
}

#[tokio::test]
async fn if_range_with_another_tag_is_the_whole() {
    let (desk, path, digest) = blob().await;
    for (tag, status) in [(format!("\"{digest}\""), 206), ("\"another\"".to_owned(), 200)] {
        let request = desk.request(Method::GET, &path).header("range", "bytes=0-4").header("if-range", tag);
        assert_eq!(desk.send(request).await.status, status);
    }
}

#[tokio::test]
async fn a_blob_in_use_is_kept_and_others_go() {
    let (desk, path, _) = blob().await;
    let repository = desk.repository("a");
    let image = desk.image(&repository, "in use").await;
    let pushed = desk.put_manifest(&repository, "1", &image).await.expect(StatusCode::CREATED);
    let layer = format!("/v2/{repository}/blobs/{}", image["layers"][0]["digest"].as_str().unwrap());
    desk.delete(&layer).await.refused(405, "UNSUPPORTED");
    desk.get(&layer).await.expect(StatusCode::OK);
    desk.delete(&path).await.expect(StatusCode::ACCEPTED);
    desk.get(&path).await.refused(404, "BLOB_UNKNOWN");
    desk.delete(&path).await.refused(404, "BLOB_UNKNOWN");
    desk.delete(pushed.location()).await.expect(StatusCode::ACCEPTED);
    desk.delete(&layer).await.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_blob_is_known_only_where_it_was_pushed() {
    let (desk, path, _) = blob().await;
    let elsewhere = path.replace("/a/blobs/", "/b/blobs/");
    desk.get(&elsewhere).await.refused(404, "BLOB_UNKNOWN");
    desk.push_blob(&desk.repository("b"), b"something").await;
    desk.get(&elsewhere).await.refused(404, "BLOB_UNKNOWN");
}
