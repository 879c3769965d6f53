//! The doctor's page of the API before faults that were made on purpose.

use std::fs;
use std::path::Path;
use std::time::Duration;

use hythe_acceptance::certificates::Certificates;
use hythe_acceptance::desk::Desk;
use hythe_acceptance::server::{Options, PASSWORD};
use hythe_acceptance::stores;
use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::doctor::{Nginx, RIGHT, finding, findings};
use crate::support::Place;

/// What the node behind this address answers to its administrator.
async fn diagnose(http: &Client, base: &str, asked: Option<&str>) -> Value {
    let query = asked.map_or_else(String::new, |asked| format!("?url={asked}"));
    let request = http.get(format!("{base}/api/v2.0/doctor{query}"));
    let answer = request.basic_auth("admin", Some(PASSWORD)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn diagnose_at(desk: &Desk) -> Value {
    diagnose(&desk.http, &format!("http://{}", desk.server.host()), None).await
}

#[track_caller]
fn assert_told(answer: &Value, check: &str, status: &str, words: &str) {
    let told = finding(answer, check, words).unwrap_or_else(|| panic!("{answer:#}"));
    assert_eq!(told["status"], status, "{told}");
    assert_eq!(told["remedy"].is_string(), status != "ok", "{told}");
}

#[tokio::test]
async fn a_registry_that_is_well_is_told_so_by_every_check() {
    let place = Place::new();
    let desk = place.serve().await;
    desk.push_image(&desk.repository("app"), "v1", "here").await;
    let answer = diagnose_at(&desk).await;
    for (check, words) in [
        ("nodes", "1 node serves"),
        ("database", "which is this version's"),
        ("storage", "was durable after"),
        ("belonging", "newest blobs of the database are in the storage of this node"),
        ("address", "is told http://127.0.0.1"),
    ] {
        assert_told(&answer, check, "ok", words);
    }
    let troubles = findings(&answer).filter(|finding| finding["status"] != "ok");
    // What the disk of this machine still holds is not the registry's.
    let troubles = troubles.filter(|finding| finding["kind"] != "storage_nearly_full").count();
    assert_eq!(troubles, 0, "{answer:#}");
}

#[tokio::test]
async fn blobs_that_are_gone_and_a_storage_that_is_gone_are_told_apart() {
    let place = Place::new();
    let desk = place.serve().await;
    desk.push_image(&desk.repository("app"), "v1", "here").await;
    let blobs = place.storage().join("blobs");
    let hidden = place.path("hidden");
    fs::rename(&blobs, &hidden).unwrap();
    assert_told(&diagnose_at(&desk).await, "belonging", "fail", "none of the 2 newest blobs");
    remove_one(&hidden);
    let _ = fs::remove_dir_all(&blobs);
    fs::rename(&hidden, &blobs).unwrap();
    assert_told(&diagnose_at(&desk).await, "belonging", "warn", "1 of the 2 newest blobs");
    fs::remove_dir_all(place.storage()).unwrap();
    let answer = diagnose_at(&desk).await;
    assert_told(&answer, "storage", "fail", "the storage folder of this node cannot be used");
    assert_eq!(answer["status"], "fail");
}

/// Removes the first file that it finds.
fn remove_one(folder: &Path) -> bool {
    let mut entries = fs::read_dir(folder).unwrap().flatten();
    entries.any(|entry| match entry.file_type().unwrap().is_dir() {
        true => remove_one(&entry.path()),
        false => fs::remove_file(entry.path()).is_ok(),
    })
}

#[tokio::test]
async fn a_proxy_that_hides_what_the_client_asked_is_told_by_what_it_does_not_say() {
    let place = Place::new();
    let desk = place.serve().await;
    let nodes = [desk.server.host()];
    let certificates = Certificates::make(&place.path("certificates"));
    let http = Client::builder().danger_accept_invalid_certs(true).build().unwrap();
    let told_by = async |lines: &str| {
        let proxy = Nginx::before(&nodes, Some(&certificates), lines);
        let base = format!("https://{}", proxy.host());
        diagnose(&http, &base, Some(&base)).await
    };
    let silent = told_by("proxy_set_header Host $http_host;").await;
    assert_told(&silent, "address", "warn", "for a token, because 127.0.0.1 says no X-Forwarded-Proto");
    let nameless = told_by("proxy_set_header X-Forwarded-Proto $scheme;").await;
    assert_told(&nameless, "address", "warn", "127.0.0.1 says no X-Forwarded-Host, and Host: nodes");
    assert_told(&told_by(RIGHT).await, "address", "ok", "are sent back there");
}

#[tokio::test]
async fn a_proxy_that_is_not_believed_is_told_by_its_address() {
    let place = Place::new();
    let server = place.options().variable("HYTHE_SERVER_TRUSTED_PROXIES", "192.0.2.0/24").start();
    let certificates = Certificates::make(&place.path("certificates"));
    let proxy = Nginx::before(&[server.host()], Some(&certificates), RIGHT);
    let http = Client::builder().danger_accept_invalid_certs(true).build().unwrap();
    let base = format!("https://{}", proxy.host());
    let answer = diagnose(&http, &base, Some(&base)).await;
    assert_told(&answer, "address", "warn", "127.0.0.1 says otherwise and is not in server.trusted_proxies");
}

#[tokio::test]
async fn a_node_that_was_killed_is_missed() {
    let Some(database) = stores::postgres() else { return };
    let mut place = Place::new();
    place.use_database(&database);
    let desk = place.serve().await;
    let named: Options = place.options().data(&place.path("other")).variable("HYTHE_NODE", "second");
    let second = named.start();
    await_told(&desk, "2 nodes serve").await;
    second.signal("KILL");
    let answer = await_told(&desk, "node second is lost: it has not shown itself for").await;
    assert_eq!(answer["status"], "warn", "{answer:#}");
    let _back = named.start();
    await_told(&desk, "2 nodes serve").await;
}

/// Nodes show themselves every few seconds, and are missed some seconds later.
async fn await_told(desk: &Desk, words: &str) -> Value {
    for _ in 0..60 {
        let answer = diagnose_at(desk).await;
        if finding(&answer, "nodes", words).is_some() {
            return answer;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("nobody said: {words}");
}

#[tokio::test]
async fn with_a_login_the_command_shows_what_the_registry_finds_itself() {
    let place = Place::new();
    let desk = place.serve().await;
    let url = format!("http://{}", desk.server.host());
    let stranger = place.doctor(&url);
    assert_told(&stranger, "registry", "ok", "it was not asked what it finds itself");
    place.log_in(&url);
    let answer = place.doctor(&url);
    assert_told(&answer, "registry nodes", "ok", "1 node serves");
    assert_told(&answer, "registry address", "ok", &format!("clients that ask {url} are sent back there"));
    fs::remove_dir_all(place.storage()).unwrap();
    assert_told(&place.doctor(&url), "registry storage", "fail", "cannot be used");
}

#[tokio::test]
async fn a_storage_to_which_clients_are_sent_and_cannot_come_is_found() {
    let Some(bucket) = stores::s3() else { return };
    let place = Place::new();
    let endpoint = &bucket.iter().find(|(name, _)| *name == "HYTHE_STORAGE_S3_ENDPOINT").unwrap().1;
    let storage = [endpoint.strip_prefix("http://").unwrap().to_owned()];
    // Nodes sign in a header, links in their query.
    let shut = Nginx::before(
        &storage,
        None,
        "client_max_body_size 0; proxy_set_header Host $http_host; if ($args ~ X-Amz-Signature) { return 444; }",
    );
    for (endpoint, status, words) in [
        (endpoint.clone(), "ok", "which gives them out to this machine"),
        (format!("http://{}", shut.host()), "fail", "which cannot be reached from here"),
    ] {
        let options =
            bucket.iter().fold(place.options(), |options, (name, value)| options.variable(name, value));
        let server = options
            .variable("HYTHE_STORAGE_S3_ENDPOINT", &endpoint)
            .variable("HYTHE_STORAGE_REDIRECT", "true")
            .start();
        let url = format!("http://{}", server.host());
        place.log_in(&url);
        assert_told(&place.doctor(&url), "link", status, words);
    }
}
