//! Pulls are counted, some seconds later.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;

use crate::SHARED;
use hythe_acceptance::desk::Desk;

const PATIENCE: Duration = Duration::from_secs(60);
const NEVER: &str = "0001-01-01T00:00:00Z";

#[tokio::test]
async fn pulls_are_counted_and_looks_are_not() {
    let desk = Desk::at(&SHARED).await;
    let (_, digest) = desk.push_for("app", Some("v1"), "amd64").await;
    desk.push_for("app", Some("v2"), "arm64").await;
    let manifest = |reference: &str| format!("/v2/{}/manifests/{reference}", desk.repository("app"));
    desk.head(&manifest("v1")).await.expect(StatusCode::OK);
    for reference in ["v1", &digest, "v1"] {
        desk.get(&manifest(reference)).await.expect(StatusCode::OK);
    }
    let begun = Instant::now();
    let mut repository = Value::Null;
    while repository["pull_count"] != 3 && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(200)).await;
        repository = desk.get(&desk.path("app")).await.json();
    }
    assert_eq!(repository["pull_count"], 3);
    let pulled = desk.get(&format!("{}/v1", desk.artifacts("app"))).await.json();
    let other = desk.get(&format!("{}/v2", desk.artifacts("app"))).await.json();
    assert_ne!(pulled["pull_time"], NEVER);
    assert_ne!(pulled["tags"][0]["pull_time"], NEVER);
    assert_eq!((&other["pull_time"], &other["tags"][0]["pull_time"]), (&NEVER.into(), &NEVER.into()));
    let last = desk.page(&format!("{}?sort=-pull_time", desk.artifacts("app"))).await;
    assert_eq!(last[0]["digest"], digest.as_str());
}
