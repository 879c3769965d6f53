//! Names: which are taken, and which are refused before anything is looked at.

use reqwest::StatusCode;

use crate::support::{Desk, Raw, Shared, digest};

static SHARED: Shared = Shared::new();

#[tokio::test]
async fn row_30_a_name_of_one_part_is_in_library() {
    let desk = Desk::at(&SHARED).await;
    let digest = desk.push_image("row30", "1", "one part").await;
    let pulled = desk.head("/v2/library/row30/manifests/1").await.expect(StatusCode::OK);
    assert_eq!(pulled.header("docker-content-digest"), Some(digest.as_str()));
    desk.head("/v2/row30/manifests/1").await.expect(StatusCode::OK);
    let token = desk.token(None, &["repository:row30:pull"]).await;
    desk.get_with_token(&token, "/v2/row30/tags/list").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn row_30_names_that_are_legal_are_taken() {
    let desk = Desk::at(&SHARED).await;
    for name in
        ["a", "a.b", "a_b", "a__b", "a---b", "a/b/c/d", "tags", "blobs/uploads", "manifests/list", "0"]
    {
        let repository = desk.repository(name);
        desk.push_image(&repository, "1", "legal").await;
        desk.get(&format!("/v2/{repository}/tags/list")).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn row_30_names_that_are_not_are_refused_in_json() {
    let desk = Desk::at(&SHARED).await;
    let long = "a/".repeat(130) + "a";
    for name in [
        "UPPER/case",
        "p/a..b",
        "p/a_-b",
        "p/-a",
        "p/a-",
        "p/.a",
        "p//a",
        "/p/a",
        "p/a___b",
        "p/%C3%A4",
        "p/a%00b",
        "p/a%0D%0Ab",
        "p/a%20b",
        "../../etc/passwd",
        "p/../q",
        "p/./q",
        "%2e%2e/%2e%2e/etc",
        "p/%2e%2e/q",
        "..%2f..%2fetc",
        "p/a\\b",
        &long,
    ] {
        for (method, rest) in [
            ("GET", "tags/list"),
            ("GET", "manifests/1"),
            ("POST", "blobs/uploads/"),
            ("DELETE", "manifests/1"),
        ] {
            let answer =
                Raw::request(&desk.server, method, &format!("/v2/{name}/{rest}"), "Content-Length: 0\r\n");
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (400, "NAME_INVALID"),
                "{method} {name}/{rest}"
            );
        }
    }
}

#[tokio::test]
async fn row_30_a_project_that_does_not_exist_is_a_clean_404() {
    let desk = Desk::at(&SHARED).await;
    desk.post("/v2/no-such-project/app/blobs/uploads/").await.refused(404, "NAME_UNKNOWN");
    desk.get("/v2/no-such-project/app/tags/list").await.refused(404, "NAME_UNKNOWN");
    desk.get("/v2/no-such-project/app/manifests/1").await.refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn digests_that_are_none_are_refused() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let good = digest(b"x");
    for bad in [
        "sha256:abc",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        &good.to_uppercase(),
        &format!("{good}0"),
        "sha256:",
        "%ff",
        "sha256:..%2f..",
    ] {
        let answer = Raw::request(&desk.server, "GET", &format!("/v2/{repository}/blobs/{bad}"), "");
        assert_eq!(answer.status / 100, 4, "{bad}");
        assert!(["DIGEST_INVALID", "NAME_INVALID", "UNSUPPORTED"].contains(&answer.code().as_str()), "{bad}");
    }
}

#[tokio::test]
async fn paths_and_methods_of_nobody_are_refused_in_json() {
    let desk = Desk::at(&SHARED).await;
    for (method, path, status) in [
        ("GET", "/v2/x", 404),
        ("GET", "/v2/p/a/unknown/1", 404),
        ("GET", "/", 404),
        ("GET", "/v1/_ping", 404),
        ("POST", "/v2/", 405),
        ("PUT", "/v2/p/a/tags/list", 405),
        ("BREW", "/v2/p/a/manifests/1", 405),
        ("PUT", "/service/token", 405),
        ("PUT", "/api/v2.0/users", 405),
        ("GET", "/api/v2.0/users?page_size=x", 400),
        ("GET", "/api/v2.0/users/%ff", 400),
        ("GET", "/api/v2.0/none", 404),
    ] {
        let answer = Raw::request(&desk.server, method, path, "Content-Length: 0\r\n");
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(!answer.code().is_empty());
        assert_eq!(answer.header("allow").is_some(), status == 405, "{method} {path}");
    }
}

#[tokio::test]
async fn a_raw_nul_in_a_path_is_a_400() {
    let desk = Desk::at(&SHARED).await;
    let answer = Raw::exchange(&desk.server, b"GET /v2/p/a\0b/tags/list HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(answer.status, 400);
}
