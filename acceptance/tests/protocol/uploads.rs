//! Blob uploads as clients do them: in one request, in two, in chunks, as a stream.

use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};

use crate::support::{Desk, Raw, Shared, basic, digest, sha512};

static SHARED: Shared = Shared::new();

#[tokio::test]
async fn row_11_range_of_an_empty_upload_is_0_0() {
    let desk = Desk::at(&SHARED).await;
    let started = desk.post(&format!("/v2/{}/blobs/uploads/", desk.repository("a"))).await;
    assert_eq!(started.header("range"), Some("0-0"));
    assert_eq!(started.header("content-length"), Some("0"));
    let status = desk.get(started.location()).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(status.header("range"), Some("0-0"));
    let appended = desk.patch(started.location(), "0-0", b"x").await.expect(StatusCode::ACCEPTED);
    assert_eq!(appended.header("range"), Some("0-0"));
}

#[tokio::test]
async fn row_12_content_range_is_inclusive_with_and_without_unit() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    for (sent, bytes, stands) in [
        ("0-3", "abcd", "0-3"),
        ("bytes=4-7", "efgh", "0-7"),
        ("bytes 8-9/*", "ij", "0-9"),
        ("10-10", "k", "0-10"),
    ] {
        let appended = desk.patch(&upload, sent, bytes.as_bytes()).await.expect(StatusCode::ACCEPTED);
        assert_eq!(appended.header("range"), Some(stands));
    }
    let done = desk.put(&format!("{upload}?digest={}", digest(b"abcdefghijk")), "").await;
    done.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn row_13_a_stream_without_length_or_place_is_appended() {
    let desk = Desk::at(&SHARED).await;
    let (upload, host) = (desk.start_upload(&desk.repository("a")).await, desk.server.host());
    let authorization = basic(&desk.server.administrator());
    for (chunks, stands) in [("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "0-4"), ("1\r\nf\r\n0\r\n\r\n", "0-5")] {
        let request = format!(
            "PATCH {upload} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
        );
        let answer = Raw::exchange(&desk.server, request);
        assert_eq!((answer.status, answer.header("range")), (202, Some(stands)));
    }
    let status = desk.get(&upload).await;
    assert_eq!(status.header("range"), Some("0-5"), "asking must not cancel");
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn row_13_a_chunk_out_of_order_is_416_and_the_session_goes_on() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    desk.patch(&upload, "0-3", b"abcd").await.expect(StatusCode::ACCEPTED);
    for (range, bytes) in
        [("6-7", "gh"), ("0-3", "abcd"), ("2-5", "cdef"), ("4-9", "ef"), ("junk", "ef"), ("5-4", "ef")]
    {
        let refused = desk.patch(&upload, range, bytes.as_bytes()).await.refused(416, "RANGE_INVALID");
        assert_eq!(refused.header("range"), Some("0-3"), "{range}");
        assert_eq!(refused.location(), upload, "{range}");
    }
    desk.patch(&upload, "4-5", b"ef").await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn row_14_the_closing_put_may_bring_the_last_bytes() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let upload = desk.start_upload(&repository).await;
    desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    let path = format!("{upload}?digest={}", digest(b"abcdef"));
    let last = desk.request(Method::PUT, &path).header("content-range", "3-5").body("def");
    desk.send(last).await.expect(StatusCode::CREATED);
    let upload = desk.start_upload(&repository).await;
    let path = format!("{upload}?digest={}", digest(b"whole"));
    let typed = desk.request(Method::PUT, &path).header("content-type", "application/octet-stream");
    desk.send(typed.body("whole")).await.expect(StatusCode::CREATED);
    assert_eq!(desk.get(&format!("/v2/{repository}/blobs/{}", digest(b"abcdef"))).await.text(), "abcdef");
}

#[tokio::test]
async fn row_15_post_with_digest_is_a_whole_push() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let path = format!("/v2/{repository}/blobs/uploads/?digest={}", digest(b"single"));
    let pushed =
        desk.send(desk.request(Method::POST, &path).body("single")).await.expect(StatusCode::CREATED);
    assert_eq!(pushed.location(), format!("/v2/{repository}/blobs/{}", digest(b"single")));
    assert_eq!(desk.get(pushed.location()).await.text(), "single");
    let refused = desk.send(desk.request(Method::POST, &path).body("another")).await;
    refused.refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn row_28_sha512_is_a_name_like_sha256() {
    let desk = Desk::at(&SHARED).await;
    let (repository, bytes) = (desk.repository("a"), b"named twice");
    let started = desk.post(&format!("/v2/{repository}/blobs/uploads/?digest-algorithm=sha512")).await;
    let upload = started.expect(StatusCode::ACCEPTED).location().to_owned();
    desk.patch(&upload, "0-4", &bytes[..5]).await.expect(StatusCode::ACCEPTED);
    let pushed = desk.put(&format!("{upload}?digest={}", sha512(bytes)), &bytes[5..]).await;
    let pushed = pushed.expect(StatusCode::CREATED);
    assert_eq!(pushed.header("docker-content-digest"), Some(sha512(bytes).as_str()));
    assert_eq!(desk.get(pushed.location()).await.body, bytes);
    let by_256 = format!("/v2/{repository}/blobs/{}", digest(bytes));
    desk.get(&by_256).await.refused(404, "BLOB_UNKNOWN");
    desk.push_blob(&repository, bytes).await;
    assert_eq!(desk.get(&by_256).await.body, bytes);
}

#[tokio::test]
async fn row_28_a_sha256_session_may_end_with_sha512() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    for (algorithm, name) in [("", sha512(b"abcdef")), ("?digest-algorithm=sha512", digest(b"abcdef"))] {
        let started = desk.post(&format!("/v2/{repository}/blobs/uploads/{algorithm}")).await;
        let upload = started.location().to_owned();
        desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
        let pushed = desk.put(&format!("{upload}?digest={name}"), "def").await.expect(StatusCode::CREATED);
        assert_eq!(desk.get(pushed.location()).await.text(), "abcdef");
    }
    let path = format!("/v2/{repository}/blobs/uploads/?digest-algorithm=md5");
    desk.post(&path).await.refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn row_29_blobs_of_no_bytes_and_of_two() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    for bytes in [&b""[..], b"{}"] {
        let pushed = desk.push_blob(&repository, bytes).await;
        let path = format!("/v2/{repository}/blobs/{pushed}");
        let pulled = desk.get(&path).await.expect(StatusCode::OK);
        assert_eq!(pulled.body, bytes);
        assert_eq!(pulled.header("content-length"), Some(bytes.len().to_string().as_str()));
        let single = format!("/v2/{repository}/blobs/uploads/?digest={}", sha512(bytes));
        let request = desk.request(Method::POST, &single).header("content-length", bytes.len());
        desk.send(request.body(bytes.to_vec())).await.expect(StatusCode::CREATED);
    }
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    desk.head(&format!("/v2/{repository}/blobs/{empty}")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn row_32_too_many_uploads_are_429_with_a_time_to_wait() {
    let desk = Desk::with(&Options::default().variable("HYTHE_REGISTRY_UPLOADS_PER_CLIENT", "1")).await;
    let repository = desk.repository("a");
    let first = desk.start_upload(&repository).await;
    let refused =
        desk.post(&format!("/v2/{repository}/blobs/uploads/")).await.refused(429, "TOOMANYREQUESTS");
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    desk.delete(&first).await.expect(StatusCode::NO_CONTENT);
    desk.start_upload(&repository).await;
}

#[tokio::test]
async fn row_35_the_same_blob_in_parallel_sessions_is_201_for_all() {
    let desk = Desk::at(&SHARED).await;
    let (repository, bytes) = (desk.repository("a"), vec![7_u8; 300_000]);
    let mut puts = Vec::new();
    for _ in 0..8 {
        let upload = desk.start_upload(&repository).await;
        puts.push((format!("{upload}?digest={}", digest(&bytes)), upload));
    }
    let sent = puts.iter().map(|(path, _)| desk.put(path, bytes.clone()));
    for answer in futures_util::future::join_all(sent).await {
        answer.expect(StatusCode::CREATED);
    }
    assert_eq!(desk.get(&format!("/v2/{repository}/blobs/{}", digest(&bytes))).await.body, bytes);
}

#[tokio::test]
async fn an_upload_that_was_cancelled_is_unknown() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    desk.delete(&upload).await.expect(StatusCode::NO_CONTENT);
    desk.get(&upload).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    desk.patch(&upload, "3-5", b"def").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    desk.put(&format!("{upload}?digest={}", digest(b"abc")), "").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    desk.delete(&upload).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn an_upload_is_known_only_in_its_repository() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    desk.push_blob(&desk.repository("b"), b"b").await;
    let elsewhere = upload.replace("/a/blobs/", "/b/blobs/");
    desk.get(&elsewhere).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    desk.delete(&elsewhere).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    desk.get(&upload).await.expect(StatusCode::NO_CONTENT);
    desk.get(&format!("/v2/{}/blobs/uploads/not-an-id", desk.repository("a")))
        .await
        .refused(404, "BLOB_UPLOAD_UNKNOWN");
}
