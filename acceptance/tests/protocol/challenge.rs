//! The challenge of a 401, by which clients learn to sign in, and the base of the API.

use reqwest::{Method, StatusCode};

use crate::support::{Desk, Raw, Shared, digest};

static SHARED: Shared = Shared::new();

fn challenge_of(desk: &Desk, request: &str) -> String {
    let host = desk.server.host();
    let answer = Raw::exchange(
        &desk.server,
        format!("{request} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"),
    );
    assert_eq!(answer.status, 401, "{:?}", answer.head);
    let lines = answer.lines("www-authenticate");
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].to_owned()
}

#[tokio::test]
async fn row_01_challenge_is_one_bearer_line_all_quoted() {
    let desk = Desk::private_at(&SHARED).await;
    let (host, repository) = (desk.server.host(), desk.repository("app"));
    assert_eq!(
        challenge_of(&desk, "GET /v2/"),
        format!("Bearer realm=\"http://{host}/service/token\",service=\"hythe-registry\"")
    );
    assert_eq!(
        challenge_of(&desk, &format!("GET /v2/{repository}/manifests/1")),
        format!(
            "Bearer realm=\"http://{host}/service/token\",service=\"hythe-registry\",scope=\"repository:{repository}:pull\""
        )
    );
}

#[tokio::test]
async fn row_01_podman_learns_to_sign_in_at_the_base() {
    let desk = Desk::at(&SHARED).await;
    let refused = desk.send(desk.anonymous(Method::GET, "/v2/")).await.refused(401, "UNAUTHORIZED");
    assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer realm="));
    assert_eq!(desk.get("/v2/").await.expect(StatusCode::OK).text(), "{}");
    assert_eq!(desk.get("/v2").await.status, 200);
}

#[tokio::test]
async fn row_02_one_repository_in_a_challenge_even_for_a_mount() {
    let desk = Desk::private_at(&SHARED).await;
    let (from, to) = (desk.repository("from"), desk.repository("to"));
    let said =
        challenge_of(&desk, &format!("POST /v2/{to}/blobs/uploads/?mount={}&from={from}", digest(b"a")));
    assert_eq!(said.matches("repository:").count(), 1, "{said}");
    assert!(said.contains(&format!("scope=\"repository:{to}:pull,push\"")), "{said}");
}

#[tokio::test]
async fn row_02_a_token_that_is_too_small_is_told_so_in_one_scope() {
    let desk = Desk::private_at(&SHARED).await;
    let (administrator, repository) = (desk.server.administrator(), desk.repository("app"));
    let token = desk.token(Some(&administrator), &[&format!("repository:{repository}:pull")]).await;
    let path = format!("/v2/{repository}/blobs/uploads/");
    let refused = desk.send(desk.anonymous(Method::POST, &path).bearer_auth(token)).await;
    let refused = refused.refused(401, "UNAUTHORIZED");
    let said = refused.header("www-authenticate").unwrap();
    assert!(said.contains("error=\"insufficient_scope\""), "{said}");
    assert!(said.contains(&format!("scope=\"repository:{repository}:pull,push\"")), "{said}");
}

#[tokio::test]
async fn row_08_api_version_is_stated_with_and_without_sign_in() {
    let desk = Desk::at(&SHARED).await;
    let stranger = desk.send(desk.anonymous(Method::GET, "/v2/")).await.expect(StatusCode::UNAUTHORIZED);
    let known = desk.get("/v2/").await.expect(StatusCode::OK);
    for answer in [stranger, known] {
        assert_eq!(answer.header("docker-distribution-api-version"), Some("registry/2.0"));
    }
}
