//! Pulls and pushes over time, and the growth of the storage.

use std::time::{Duration, Instant};

use hythe_acceptance::desk::Desk;
use hythe_acceptance::server::Options;
use reqwest::StatusCode;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
const PATH: &str = "/api/v2.0/statistics/activity";

#[tokio::test]
async fn what_was_pulled_and_pushed_is_told_by_hours_and_days() {
    let desk = Desk::with(&Options::default()).await;
    let fresh = desk.get(PATH).await.json();
    assert_eq!(fresh.as_array().unwrap().len(), 30);
    assert_eq!((&fresh[29]["pushes"], &fresh[29]["storage"]), (&0.into(), &0.into()), "{fresh}");
    assert!(fresh[0].get("storage").is_none(), "nobody had looked: {fresh}");

    desk.push_for("app", Some("v1"), "amd64").await;
    desk.push_for("app", Some("v2"), "arm64").await;
    for _ in 0..3 {
        let manifest = format!("/v2/{}/manifests/v1", desk.repository("app"));
        desk.get(&manifest).await.expect(StatusCode::OK);
    }
    let begun = Instant::now();
    let mut today = Value::Null;
    while (&today["pulls"], &today["pushes"]) != (&3.into(), &2.into()) {
        assert!(begun.elapsed() < PATIENCE, "{today}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        today = desk.get(&format!("{PATH}?count=1")).await.json()[0].take();
    }
    let whole = desk.get("/api/v2.0/statistics").await.json()["total_storage_consumption"].clone();
    assert!(whole.as_i64().unwrap() > 0 && today["storage"] == whole, "{today} {whole}");
    let hours = desk.get(&format!("{PATH}?step=hour&count=2")).await.json();
    let pulls: i64 = hours.as_array().unwrap().iter().map(|hour| hour["pulls"].as_i64().unwrap()).sum();
    assert_eq!((hours.as_array().unwrap().len(), pulls), (2, 3), "{hours}");
}

#[tokio::test]
async fn points_that_cannot_be_are_refused() {
    let desk = Desk::at(&crate::SHARED).await;
    for query in ["count=0", "count=401", "count=-1", "step=week"] {
        let answer = desk.get(&format!("{PATH}?{query}")).await;
        answer.expect(StatusCode::BAD_REQUEST);
    }
}
