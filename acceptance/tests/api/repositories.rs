//! Repositories: who sees which, what is said about them, and where a blob can be mounted from.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::SHARED;
use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::things::field;

const GUEST: i64 = 3;

#[tokio::test]
async fn everybody_sees_what_they_may_see() {
    let (open, shut) = (Desk::at(&SHARED).await, Desk::private_at(&SHARED).await);
    open.start_upload(&open.repository("app")).await;
    shut.start_upload(&shut.repository("app")).await;
    let (guest, stranger) = (shut.user(Some(GUEST)).await, shut.user(None).await);
    let all = "/api/v2.0/repositories?page_size=0";
    let names = async |request| {
        let answer = open.send(request).await.expect(StatusCode::OK);
        field(answer.json().as_array().unwrap(), "name")
    };
    let (public, private) = (open.repository("app"), shut.repository("app"));
    for (seen, sees_private) in [
        (names(open.anonymous(Method::GET, all)).await, false),
        (names(open.request_by(&stranger, Method::GET, all)).await, false),
        (names(open.request_by(&guest, Method::GET, all)).await, true),
        (names(open.request(Method::GET, all)).await, true),
    ] {
        assert!(seen.contains(&public), "{seen:?}");
        assert_eq!(seen.contains(&private), sees_private, "{seen:?}");
    }
    let of_private = format!("/api/v2.0/projects/{}/repositories", shut.project);
    shut.send(shut.request_by(&stranger, Method::GET, &of_private)).await.refused(403, "FORBIDDEN");
    shut.send(shut.anonymous(Method::GET, &of_private)).await.refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn names_with_slashes_are_taken_in_both_encodings() {
    let desk = Desk::at(&SHARED).await;
    desk.start_upload(&desk.repository("a/b/c")).await;
    for name in ["a%252Fb%252Fc", "a%2Fb%2Fc", "a%2fb%2fc"] {
        let path = format!("/api/v2.0/projects/{}/repositories/{name}", desk.project);
        let shown = desk.get(&path).await.expect(StatusCode::OK).json();
        assert_eq!(shown["name"], desk.repository("a/b/c"));
    }
}

#[tokio::test]
async fn a_list_is_filtered_and_ordered() {
    let desk = Desk::at(&SHARED).await;
    for name in ["web", "api", "web-admin"] {
        desk.start_upload(&desk.repository(name)).await;
    }
    let path = |query: &str| format!("/api/v2.0/projects/{}/repositories?{query}", desk.project);
    let full = |names: &[&str]| names.iter().map(|name| desk.repository(name)).collect::<Vec<_>>();
    for (query, expected) in [
        ("", full(&["api", "web", "web-admin"])),
        ("sort=-name", full(&["web-admin", "web", "api"])),
        ("sort=creation_time", full(&["web", "api", "web-admin"])),
        ("sort=-creation_time", full(&["web-admin", "api", "web"])),
        ("q=name=~WEB", full(&["web", "web-admin"])),
    ] {
        assert_eq!(field(&desk.page(&path(query)).await, "name"), expected, "{query}");
    }
    let one = desk.page(&path(&format!("q=name={}", desk.repository("web")))).await;
    assert_eq!(one.len(), 1);
    for query in ["sort=-pull_count", "sort=update_time"] {
        assert_eq!(desk.page(&path(query)).await.len(), 3, "{query}");
    }
    desk.get(&path("sort=size")).await.refused(400, "BAD_REQUEST");
    desk.get(&path("q=owner=me")).await.refused(400, "BAD_REQUEST");
}

#[tokio::test]
async fn a_blob_tells_where_it_can_be_mounted_from() {
    let (open, shut) = (Desk::at(&SHARED).await, Desk::private_at(&SHARED).await);
    let words = format!("a blob of {}", open.project);
    shut.push_blob(&shut.repository("app"), words.as_bytes()).await;
    open.push_blob(&open.repository("app"), words.as_bytes()).await;
    let path = format!("/api/v2.0/repositories?q=blob_digest={}&page_size=10", digest(words.as_bytes()));
    let seen = open.send(open.anonymous(Method::GET, &path)).await.expect(StatusCode::OK).json();
    assert_eq!(field(seen.as_array().unwrap(), "name"), [open.repository("app")]);
    assert_eq!(open.page(&path).await.len(), 2);
    open.get("/api/v2.0/repositories?q=blob_digest=x").await.refused(400, "BAD_REQUEST");
}

#[tokio::test]
async fn a_repository_is_described_and_deleted() {
    let desk = Desk::at(&SHARED).await;
    desk.push_for("app", Some("v1"), "amd64").await;
    let change = |body| desk.send(desk.request(Method::PUT, &desk.path("app")).json(&body));
    change(json!({ "description": "what runs" })).await.expect(StatusCode::OK);
    let shown = desk.get(&desk.path("app")).await.json();
    assert_eq!((&shown["description"], &shown["artifact_count"]), (&json!("what runs"), &json!(1)));
    change(json!({ "description": "x".repeat(20_000) })).await.refused(400, "BAD_REQUEST");
    change(json!({ "description": 1 })).await.refused(400, "BAD_REQUEST");
    desk.delete(&desk.path("app")).await.expect(StatusCode::OK);
    desk.get(&desk.path("app")).await.refused(404, "NOT_FOUND");
    desk.delete(&desk.path("app")).await.refused(404, "NOT_FOUND");
}
