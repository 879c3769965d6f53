//! HTTP itself: interim answers, HTTP/2 plain and over TLS, one port for all.

use std::process::Command;

use hythe_acceptance::server::{Options, Server};
use reqwest::{Method, StatusCode, Version};

use crate::support::{Answer, Desk, Raw, Shared, basic, builder, digest};

static SHARED: Shared = Shared::new();

fn expecting(server: &Server, path: &str, authorization: &str) -> Raw {
    let host = server.host();
    Raw::connect(server).send(format!(
        "PATCH {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\nExpect: 100-continue\r\n{authorization}\r\n"
    ))
}

#[tokio::test]
async fn row_34_a_body_is_asked_for_only_from_those_who_may_send_it() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    let mut stranger = expecting(&desk.server, &upload, "");
    assert_eq!(stranger.head().status, 401);
    let authorization = format!("Authorization: {}\r\n", basic(&desk.server.administrator()));
    let mut known = expecting(&desk.server, &upload, &authorization);
    assert_eq!(known.head().status, 100);
    assert_eq!(known.send("abcdef").answer().status, 202);
    let mut unknown = expecting(&desk.server, &format!("{upload}0"), &authorization);
    assert_eq!(unknown.head().status, 404);
}

#[tokio::test]
async fn row_34_http_2_by_prior_knowledge_pushes_and_pulls() {
    let desk = Desk::at(&SHARED).await;
    let desk = Desk { http: builder().http2_prior_knowledge().build().unwrap(), ..desk };
    let bytes = vec![5_u8; 6 * 1024 * 1024];
    let repository = desk.repository("a");
    let pushed = desk.push_blob(&repository, &bytes).await;
    let path = format!("/v2/{repository}/blobs/{pushed}");
    let answer = desk.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    assert_eq!(Answer::read(answer).await.body, bytes);
    let realm = desk.send(desk.anonymous(Method::GET, "/v2/")).await;
    let host = desk.server.host();
    assert!(realm.header("www-authenticate").unwrap().contains(&format!("realm=\"http://{host}/")));
}

#[tokio::test]
async fn tls_on_the_same_port_speaks_both_versions_and_says_https() {
    let desk = Desk::at(&SHARED).await;
    let host = desk.server.host();
    let url = format!("https://{host}/v2/");
    for (client, version) in [(builder().http1_only(), Version::HTTP_11), (builder(), Version::HTTP_2)] {
        let answer = client.build().unwrap().get(&url).send().await.unwrap();
        assert_eq!(answer.version(), version);
        let answer = Answer::read(answer).await.refused(401, "UNAUTHORIZED");
        let said = answer.header("www-authenticate").unwrap();
        assert!(said.contains(&format!("realm=\"https://{host}/service/token\"")), "{said}");
    }
}

#[tokio::test]
async fn row_36_what_was_pushed_is_there_for_the_next_request() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    for number in 0..10 {
        let image = desk.image(&repository, &format!("row 36 {number}")).await;
        let elsewhere =
            Desk { http: builder().build().unwrap(), server: desk.server.clone(), project: String::new() };
        elsewhere.put_manifest(&repository, "1", &image).await.expect(StatusCode::CREATED);
        let pulled = desk.get(&format!("/v2/{repository}/manifests/1")).await;
        assert_eq!(digest(&pulled.body), digest(image.to_string().as_bytes()));
    }
}

/// Two nodes need one PostgreSQL, which the test run brings up and names in `HYTHE_TEST_POSTGRES`.
#[tokio::test]
async fn row_36_a_blob_pushed_to_one_node_is_there_on_another() {
    let Ok(server) = std::env::var("HYTHE_TEST_POSTGRES") else {
        eprintln!("not run: HYTHE_TEST_POSTGRES does not name a PostgreSQL server to make databases in");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let name = format!("acceptance_{}", std::process::id());
    let made = hythe_acceptance::client::Client::new("psql", folder.path());
    made.args([server.as_str(), "-qc", &format!("CREATE DATABASE {name}")]).succeeds();
    // The first address with a port in a server's log is taken for its own, so the database's is written as a name.
    let database = format!("{}/{name}", server.rsplit_once('/').unwrap().0).replace("127.0.0.1", "localhost");
    let node = |name: &str| {
        let options =
            Options::default().variable("HYTHE_NODE", name).variable("HYTHE_DATABASE_URL", &database);
        options.variable("HYTHE_STORAGE_URL", &folder.path().join("blobs").to_string_lossy())
    };
    let one = Desk::with(&node("one")).await;
    let two =
        Desk { server: node("two").start().into(), http: one.http.clone(), project: one.project.clone() };
    let repository = one.repository("a");
    for number in 0..10 {
        let image = one.image(&repository, &format!("two nodes {number}")).await;
        two.put_manifest(&repository, "1", &image).await.expect(StatusCode::CREATED);
        assert_eq!(
            one.get(&format!("/v2/{repository}/manifests/1")).await.body,
            image.to_string().as_bytes()
        );
    }
    let upload = one.start_upload(&repository).await;
    one.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    two.patch(&upload, "3-4", b"de").await.expect(StatusCode::ACCEPTED);
    one.put(&format!("{upload}?digest={}", digest(b"abcdef")), "f").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let upload = desk.start_upload(&repository).await;
    let bytes = vec![b'x'; 24 * 1024 * 1024];
    for _ in 0..4 {
        let manifest = format!("/v2/{repository}/manifests/1");
        let put = desk.request(Method::PUT, &manifest).body(bytes.clone());
        desk.send(put).await.refused(413, "SIZE_INVALID");
        desk.send(desk.anonymous(Method::PATCH, &upload).body(bytes.clone()))
            .await
            .refused(401, "UNAUTHORIZED");
        desk.patch(&upload, &format!("5-{}", bytes.len() + 4), &bytes).await.refused(416, "RANGE_INVALID");
    }
}

#[tokio::test]
async fn a_refusal_leaves_the_connection_to_the_next_request() {
    let desk = Desk::at(&SHARED).await;
    let host = desk.server.host();
    for path in ["/v2/a/b/blobs/uploads/", "/api/v2.0/projects", "/no/such/page"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\n\r\n");
        let mut refused = Raw::connect(&desk.server).send(head);
        assert!(refused.next_answer().status >= 400, "{path}");
        let next = format!("abcdefGET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(refused.send(next).answer().status, 200, "{path}");
    }
}

#[tokio::test]
async fn who_waits_to_be_asked_for_a_body_and_is_refused_is_told_that_the_connection_ends() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    let mut stranger = expecting(&desk.server, &upload, "");
    assert_eq!(stranger.next_answer().header("connection"), Some("close"));
    let authorization = format!("Authorization: {}\r\n", basic(&desk.server.administrator()));
    let mut known = expecting(&desk.server, &upload, &authorization);
    assert_eq!(known.head().status, 100);
    assert_eq!(known.send("abcdef").answer().header("connection"), None);
}

/// curl takes an answer that is followed by the end of its stream, while it sends, for a broken stream.
#[tokio::test]
async fn a_refusal_reaches_curl_that_is_still_sending_over_http_2() {
    let desk = Desk::at(&SHARED).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    let body = tempfile::NamedTempFile::new().unwrap();
    body.as_file().set_len(3 * 1024 * 1024).unwrap();
    let sent = Command::new("curl")
        .args([
            "--silent",
            "--request",
            "PATCH",
            "--http2-prior-knowledge",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ])
        .arg("--upload-file")
        .args([body.path().as_os_str(), desk.url(&upload).as_ref()])
        .output();
    let sent = sent.unwrap();
    assert!(sent.status.success(), "curl ended with {}", sent.status);
    assert_eq!(String::from_utf8_lossy(&sent.stdout), "401");
}

/// RFC 9112 section 3.2.
#[tokio::test]
async fn a_request_names_the_server_once() {
    let desk = Desk::at(&SHARED).await;
    for (head, status) in [
        ("GET /livez HTTP/1.1\r\n\r\n", 400),
        ("GET /v2/ HTTP/1.1\r\nHost: one\r\nHost: other\r\n\r\n", 400),
        ("GET /v2/ HTTP/1.0\r\nHost: one\r\nHost: other\r\n\r\n", 400),
        ("GET /livez HTTP/1.1\r\nHost: one\r\n\r\n", 200),
        ("GET /livez HTTP/1.0\r\n\r\n", 200),
    ] {
        let answer = Raw::exchange(&desk.server, head);
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, status, "{head:?}: {text}");
        assert_eq!(text.contains("one Host header"), status == 400, "{head:?}: {text}");
    }
}
