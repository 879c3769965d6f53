//! Immutable tag rules: tags that exist and match stay as they are, whichever way somebody tries.

use hythe_acceptance::answer::Answer;
use hythe_acceptance::desk::Desk;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::SHARED;

fn rule(kind: &str, decoration: &str, pattern: &str, repositories: &str) -> Value {
    json!({
        "disabled": false, "action": "immutable", "template": "immutable_template",
        "tag_selectors": [{ "kind": kind, "decoration": decoration, "pattern": pattern }],
        "scope_selectors": { "repository": [
            { "kind": "doublestar", "decoration": "repoMatches", "pattern": repositories }
        ] },
    })
}

fn path(desk: &Desk) -> String {
    format!("/api/v2.0/projects/{}/immutabletagrules", desk.project)
}

async fn make(desk: &Desk, rule: &Value) -> Answer {
    desk.post_json(&path(desk), rule).await
}

async fn put(desk: &Desk, path: &str, rule: &Value) -> Answer {
    desk.send(desk.request(Method::PUT, path).json(rule)).await
}

#[tokio::test]
async fn a_protected_tag_is_neither_moved_nor_deleted() {
    let desk = Desk::at(&SHARED).await;
    let (first, digest) = desk.push_for("app", Some("v1"), "amd64").await;
    desk.push_for("app", Some("dev"), "amd64").await;
    let made = make(&desk, &rule("doublestar", "matches", "v*", "app")).await.expect(StatusCode::CREATED);
    let (other, _) = desk.push_for("app", Some("dev"), "arm64").await;
    let repository = desk.repository("app");
    let refused = desk.put_manifest(&repository, "v1", &other).await.refused(412, "DENIED");
    assert!(refused.text().contains("immutable"), "{}", refused.text());
    desk.put_manifest(&repository, "v1", &first).await.expect(StatusCode::CREATED);
    desk.put_manifest(&repository, "v2", &other).await.expect(StatusCode::CREATED);
    desk.put_manifest(&repository, "v2", &first).await.refused(412, "DENIED");
    let v2 = desk.get(&format!("/v2/{repository}/manifests/v2")).await.expect(StatusCode::OK);
    assert_eq!(v2.json(), other);
    desk.delete(&format!("/v2/{repository}/manifests/v1")).await.refused(412, "DENIED");
    desk.delete(&format!("/v2/{repository}/manifests/absent")).await.refused(404, "MANIFEST_UNKNOWN");
    desk.delete(&format!("/v2/{repository}/manifests/{digest}")).await.refused(412, "DENIED");
    let artifact = format!("{}/{digest}", desk.artifacts("app"));
    desk.delete(&format!("{artifact}/tags/v1")).await.refused(412, "PRECONDITION");
    desk.delete(&artifact).await.refused(412, "PRECONDITION");
    desk.delete(&desk.path("app")).await.refused(412, "PRECONDITION");
    let tags = desk.page(&format!("{artifact}/tags")).await;
    assert_eq!((&tags[0]["name"], &tags[0]["immutable"]), (&json!("v1"), &json!(true)));
    let shown = desk.get(&format!("{artifact}?with_tag=true")).await.json();
    assert_eq!(shown["tags"][0]["immutable"], true);
    desk.delete(made.location()).await.expect(StatusCode::OK);
    desk.delete(made.location()).await.refused(404, "NOT_FOUND");
    desk.delete(&desk.path("app")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_rule_is_for_what_its_selectors_say_and_while_it_is_enabled() {
    let desk = Desk::at(&SHARED).await;
    let (one, _) = desk.push_for("app", None, "amd64").await;
    let (other, _) = desk.push_for("app", None, "arm64").await;
    let repository = desk.repository("app");
    let moved = |tag: &'static str| {
        let (desk, repository, one, other) = (&desk, &repository, &one, &other);
        async move {
            desk.put_manifest(repository, tag, one).await.expect(StatusCode::CREATED);
            desk.put_manifest(repository, tag, other).await.status
        }
    };
    let made = make(&desk, &rule("semver", "matches", ">=1.0", "**")).await.expect(StatusCode::CREATED);
    assert_eq!((moved("v1.2").await, moved("v0.9").await, moved("latest").await), (412, 201, 201));
    let mut disabled = rule("semver", "matches", ">=1.0", "**");
    disabled["disabled"] = json!(true);
    put(&desk, made.location(), &disabled).await.expect(StatusCode::OK);
    assert_eq!(moved("v1.3").await, 201);
    put(&desk, made.location(), &json!({ "disabled": false })).await.expect(StatusCode::OK);
    assert_eq!(moved("v1.6").await, 412, "switched on again with the selectors that it had");
    put(&desk, made.location(), &rule("regex", "excludes", "test-.*", "other")).await.expect(StatusCode::OK);
    assert_eq!(moved("v1.4").await, 201, "another repository");
    put(&desk, made.location(), &rule("regex", "excludes", "test-.*", "a*")).await.expect(StatusCode::OK);
    assert_eq!((moved("v1.5").await, moved("test-1").await), (412, 201));
}

#[tokio::test]
async fn rules_are_listed_and_what_makes_no_sense_is_refused() {
    let desk = Desk::at(&SHARED).await;
    let wanted = rule("doublestar", "matches", "v*", "**");
    let made = make(&desk, &wanted).await.expect(StatusCode::CREATED);
    make(&desk, &wanted).await.refused(409, "CONFLICT");
    let listed = desk.page(&path(&desk)).await;
    assert_eq!(listed.len(), 1);
    assert!(made.location().ends_with(&format!("/{}", listed[0]["id"])));
    for (field, value) in [("action", "immutable"), ("template", "immutable_template")] {
        assert_eq!(listed[0][field], value);
    }
    assert_eq!(listed[0]["tag_selectors"], wanted["tag_selectors"]);
    assert_eq!(listed[0]["scope_selectors"], wanted["scope_selectors"]);
    for bad in [
        rule("glob", "matches", "v*", "**"),
        rule("doublestar", "repoMatches", "v*", "**"),
        rule("regex", "matches", "(", "**"),
        json!({ "tag_selectors": [] }),
    ] {
        make(&desk, &bad).await.refused(400, "BAD_REQUEST");
    }
    put(&desk, &format!("{}/987654321", path(&desk)), &wanted).await.refused(404, "NOT_FOUND");
    let elsewhere = Desk::at(&SHARED).await;
    let id = listed[0]["id"].as_i64().unwrap();
    elsewhere.delete(&format!("{}/{id}", path(&elsewhere))).await.refused(404, "NOT_FOUND");
}
