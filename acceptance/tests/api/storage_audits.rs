//! The audit of the storage over the API: asked for, done by a node, read.

use std::time::{Duration, Instant};

use hythe_acceptance::desk::Desk;
use reqwest::{Method, StatusCode};
use serde_json::Value;

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
