//! Manifests that are none: a clear refusal, and nothing changes.

use reqwest::StatusCode;

use crate::support::{Desk, OCI_INDEX, OCI_MANIFEST, Shared};

static SHARED: Shared = Shared::new();

async fn refused(bodies: &[Vec<u8>], media_type: &str) {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let before = desk.push_image(&repository, "1", "before").await;
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let answer = desk.put_bytes(&repository, "1", body, media_type).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "MANIFEST_INVALID"),
            "{shown}: {}",
            answer.text()
        );
        assert!(answer.body.len() < 2000, "{shown}: an answer longer than anyone reads");
    }
    let after = desk.head(&format!("/v2/{repository}/manifests/1")).await.expect(StatusCode::OK);
    assert_eq!(after.header("docker-content-digest"), Some(before.as_str()));
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let bodies =
        ["", "null", "[]", "42", "\"text\"", "{", "{\"schemaVersion\":2", "<html></html>", "{\"a\":}"];
    refused(&bodies.map(|body| body.as_bytes().to_vec()), OCI_MANIFEST).await;
}

#[tokio::test]
async fn bad_utf8_is_refused() {
    refused(
        &[b"{\"mediaType\":\"\xff\xfe\"}".to_vec(), b"\xff".to_vec(), b"{\"\xc3\x28\":1}".to_vec()],
        OCI_MANIFEST,
    )
    .await;
}

#[tokio::test]
async fn deep_nesting_is_refused_and_harmless() {
    let deep = |open: &str, close: &str, depth: usize| {
        let config = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        format!("{{\"schemaVersion\":2,\"mediaType\":\"{OCI_MANIFEST}\",\"config\":{config},\"layers\":[]}}")
            .into_bytes()
    };
    refused(&[deep("[", "]", 200), deep("[", "]", 1_000_000), deep("{\"a\":", "}", 600_000)], OCI_MANIFEST)
        .await;
    let unclosed = "[".repeat(4_000_000);
    refused(&[unclosed.clone().into_bytes(), format!("{{\"x\":{unclosed}").into_bytes()], OCI_MANIFEST).await;
}

#[tokio::test]
async fn fields_of_the_wrong_kind_are_refused() {
    let bodies = [
        r#"{"schemaVersion":"2","config":{},"layers":[]}"#,
        r#"{"schemaVersion":3,"config":{},"layers":[]}"#,
        r#"{"schemaVersion":2,"config":7,"layers":[]}"#,
        r#"{"schemaVersion":2,"layers":[]}"#,
        r#"{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:xyz","size":1},"layers":[]}"#,
        r#"{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":-1},"layers":[]}"#,
    ];
    refused(&bodies.map(|body| body.as_bytes().to_vec()), OCI_MANIFEST).await;
}

#[tokio::test]
async fn what_could_be_read_as_two_kinds_is_refused() {
    let both = br#"{"schemaVersion":2,"manifests":[],"config":{},"layers":[]}"#.to_vec();
    refused(std::slice::from_ref(&both), OCI_MANIFEST).await;
    refused(&[both], OCI_INDEX).await;
}
