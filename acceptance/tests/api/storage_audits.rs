//! The audit of the storage over the API: asked for, done by a node, read.

use std::time::{Duration, Instant};

use hythe_acceptance::desk::Desk;
use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::SHARED;

#[tokio::test]
async fn an_audit_is_asked_for_and_read() {
    let desk = Desk::at(&SHARED).await;
    desk.push_image(&desk.repository("app"), "v1", "audited").await;
    let asked = desk
        .request(Method::POST, "/api/v2.0/system/storage-audit")
        .json(&serde_json::json!({ "rehash": true }));
    let asked = desk.send(asked).await.expect(StatusCode::CREATED);
    let at = asked.location().to_owned();
    let begun = Instant::now();
    let audit = loop {
        let audit: Value = desk.get(&at).await.expect(StatusCode::OK).json();
        if audit.get("finish_time").is_some() {
            break audit;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{audit}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(
        (&audit["state"], &audit["parameters"]["rehash"]),
        (&"succeeded".into(), &true.into()),
        "{audit}"
    );
    assert!(
        audit["counts"]["stored"].as_u64().unwrap() >= 2
            && audit["counts"]["read_bytes"].as_u64().unwrap() > 20
    );
    let log = desk.get(&format!("{at}/log")).await.expect(StatusCode::OK);
    assert!(log.text().contains("0 faults"), "{}", log.text());
    let all: Value = desk.get("/api/v2.0/system/storage-audit").await.expect(StatusCode::OK).json();
    assert!(all.as_array().unwrap().contains(&audit), "{all}");
    desk.get("/api/v2.0/system/storage-audit/999999").await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn audits_are_scheduled_begun_by_their_schedule_and_ended() {
    const SCHEDULE: &str = "/api/v2.0/system/storage-audit/schedule";
    let desk = Desk::with(&Options::default()).await;
    let read = async || desk.get(SCHEDULE).await.expect(StatusCode::OK).json();
    let set = async |method: Method, body: Value| desk.send(desk.request(method, SCHEDULE).json(&body)).await;
    assert_eq!(read().await["schedule"]["type"], "None");
    let weekly = json!({
        "schedule": { "type": "Custom", "cron": "0 0 4 * * 0", "time_zone": "Europe/Berlin" },
        "parameters": { "rehash": true, "rate": 50 },
    });
    set(Method::POST, weekly).await.expect(StatusCode::CREATED);
    let kept = read().await;
    assert_eq!(
        (&kept["schedule"]["cron"], &kept["schedule"]["time_zone"]),
        (&"0 0 4 * * 0".into(), &"Europe/Berlin".into())
    );
    let parameters: Value = serde_json::from_str(kept["job_parameters"].as_str().unwrap()).unwrap();
    assert_eq!((&parameters["rehash"], &parameters["rate"]), (&true.into(), &50.into()));
    set(Method::PUT, json!({ "schedule": { "type": "None" } })).await.expect(StatusCode::OK);
    assert_eq!(read().await["schedule"]["type"], "None");
    let begun =
        set(Method::POST, json!({ "schedule": { "type": "Manual" } })).await.expect(StatusCode::CREATED);
    desk.get(begun.location()).await.expect(StatusCode::OK);
    let wrong = json!({ "schedule": { "type": "Daily" }, "parameters": { "rate": "fast" } });
    set(Method::PUT, wrong).await.expect(StatusCode::BAD_REQUEST);
}
