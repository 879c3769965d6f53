//! Uploads that go wrong: nothing is lost that was safe, and nothing is kept that was wrong.

use std::time::Duration;

use reqwest::StatusCode;

use crate::support::{Desk, Raw, Shared, basic, digest};

static SHARED: Shared = Shared::new();

fn head(desk: &Desk, method: &str, path: &str, headers: &str) -> String {
    let (host, authorization) = (desk.server.host(), basic(&desk.server.administrator()));
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n{headers}\r\n")
}

/// The upload's `Range` once nobody writes to it.
async fn settled(desk: &Desk, upload: &str, wanted: &str) {
    for _ in 0..100 {
        if desk.get(upload).await.header("range") == Some(wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?} and not {wanted}", desk.get(upload).await.header("range"));
}

#[tokio::test]
async fn a_wrong_digest_changes_nothing() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let upload = desk.start_upload(&repository).await;
    desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    let wrong = digest(b"something else");
    desk.put(&format!("{upload}?digest={wrong}"), "def").await.refused(400, "DIGEST_INVALID");
    assert_eq!(desk.get(&upload).await.header("range"), Some("0-2"));
    desk.get(&format!("/v2/{repository}/blobs/{wrong}")).await.refused(404, "BLOB_UNKNOWN");
    desk.put(&upload, "def").await.refused(400, "DIGEST_INVALID");
    let right = format!("{upload}?digest={}", digest(b"abcdef"));
    let pushed = desk.put(&right, "def").await.expect(StatusCode::CREATED);
    assert_eq!(desk.get(pushed.location()).await.text(), "abcdef");
}

#[tokio::test]
async fn a_truncated_chunk_is_kept_as_far_as_it_came() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    let cut = head(&desk, "PATCH", &upload, "Content-Length: 10\r\n") + "def";
    let connection = Raw::connect(&desk.server).send(cut);
    tokio::time::sleep(Duration::from_millis(200)).await;
    connection.hang_up();
    settled(&desk, &upload, "0-5").await;
    desk.patch(&upload, "6-7", b"gh").await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdefgh")), "").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_truncated_closing_put_can_be_gone_on_with() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    let path = format!("{upload}?digest={}", digest(b"abcdef"));
    let connection =
        Raw::connect(&desk.server).send(head(&desk, "PUT", &path, "Content-Length: 6\r\n") + "abcd");
    tokio::time::sleep(Duration::from_millis(200)).await;
    connection.hang_up();
    settled(&desk, &upload, "0-3").await;
    desk.put(&path, "ef").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_stream_that_is_not_as_long_as_its_place_changes_nothing() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    for body in ["3\r\nabc\r\n0\r\n\r\n", "9\r\nabcdefghi\r\n0\r\n\r\n"] {
        let headers = "Content-Range: 0-5\r\nTransfer-Encoding: chunked\r\n";
        let answer = Raw::exchange(&desk.server, head(&desk, "PATCH", &upload, headers) + body);
        assert_eq!((answer.status, answer.code().as_str()), (416, "RANGE_INVALID"));
        assert_eq!((answer.header("range"), answer.header("location")), (Some("0-0"), Some(upload.as_str())));
        assert_eq!(desk.get(&upload).await.header("range"), Some("0-0"), "{body}");
    }
    desk.patch(&upload, "0-5", b"abcdef").await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn two_clients_on_one_upload_do_not_mix() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    let slow =
        Raw::connect(&desk.server).send(head(&desk, "PATCH", &upload, "Content-Length: 6\r\n") + "abc");
    tokio::time::sleep(Duration::from_millis(200)).await;
    desk.patch(&upload, "0-2", b"xyz").await.refused(409, "BLOB_UPLOAD_INVALID");
    desk.delete(&upload).await.refused(409, "BLOB_UPLOAD_INVALID");
    let answer = slow.send("def").answer();
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-5")));
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_failed_single_post_leaves_no_upload_behind() {
    let options = hythe_acceptance::server::Options::default();
    let desk = Desk::with(&options.variable("HYTHE_REGISTRY_UPLOADS_PER_CLIENT", "1")).await;
    let repository = desk.repository("a");
    let path = format!("/v2/{repository}/blobs/uploads/?digest={}", digest(b"a"));
    for _ in 0..3 {
        let wrong = desk.request(reqwest::Method::POST, &path).body("b");
        desk.send(wrong).await.refused(400, "DIGEST_INVALID");
    }
    desk.start_upload(&repository).await;
}
