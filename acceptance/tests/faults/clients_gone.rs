//! Clients that vanish or dawdle: what was safe is kept, and nobody holds a connection for ever.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::raw::Raw;
use hythe_acceptance::server::{Options, Server};
use reqwest::StatusCode;

use crate::support::{await_range, bytes, head, stalled_patch};

#[tokio::test]
async fn a_push_whose_client_vanishes_is_kept_as_far_as_it_came_and_can_be_gone_on_with() {
    let desk = Desk::with(&Options::default()).await;
    let repository = desk.repository("a");
    let whole = bytes(1, 3 << 20);
    let upload = desk.start_upload(&repository).await;
    let request = head(&desk, "PATCH", &upload, &format!("Content-Length: {}\r\n", whole.len()));
    let half = whole.len() / 2;
    let sent = [request.as_bytes(), &whole[..half]].concat();
    Raw::connect(&desk.server).send(sent).hang_up();
    let kept = desk_range(&desk, &upload, half).await;
    let rest = format!("{kept}-{}", whole.len() - 1);
    desk.patch(&upload, &rest, &whole[kept..]).await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(&whole)), "").await.expect(StatusCode::CREATED);
    let pulled = desk.get(&format!("/v2/{repository}/blobs/{}", digest(&whole))).await;
    assert!(pulled.expect(StatusCode::OK).body == whole);
}

/// How many bytes the server has kept of `at_most` that were sent before the connection broke, once it is done with them.
async fn desk_range(desk: &Desk, upload: &str, at_most: usize) -> usize {
    let range = crate::support::eventually("the upload has kept something", async || {
        let range = desk.get(upload).await.header("range").unwrap().to_owned();
        (range != "0-0").then_some(range)
    })
    .await;
    let kept = range.split_once('-').unwrap().1.parse::<usize>().unwrap() + 1;
    assert!(kept <= at_most, "{kept} bytes were kept of {at_most}");
    kept
}

#[tokio::test]
async fn a_push_that_stands_still_is_broken_off_and_its_bytes_are_kept() {
    let desk = Desk::with(&Options::default().variable("HYTHE_SERVER_BODY_TIMEOUT_SECONDS", "1")).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    let begun = Instant::now();
    let stalled = stalled_patch(&desk, &upload, 6, "abc");
    let answer = stalled.answer();
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(15));
    await_range(&desk, &upload, "0-2").await;
    desk.patch(&upload, "3-5", b"def").await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let desk = Desk::with(&Options::default().variable("HYTHE_SERVER_HEADER_TIMEOUT_SECONDS", "1")).await;
    let mut dripping = TcpStream::connect(desk.server.host()).unwrap();
    dripping.write_all(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n").unwrap();
    let begun = Instant::now();
    // A byte now and then must not buy more time.
    while begun.elapsed() < Duration::from_secs(10) && dripping.write_all(b"X: y\r\n").is_ok() {
        std::thread::sleep(Duration::from_millis(100));
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(8), "{took:?}");
    assert_eq!(refused(&desk).await, Some("header_timeout"));
}

#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let desk = Desk::with(&Options::default().variable("HYTHE_SERVER_HEADER_TIMEOUT_SECONDS", "1")).await;
    closes_within(connect(&desk.server), 1, 8);
}

#[tokio::test]
async fn a_connection_with_no_further_request_is_closed() {
    let desk = Desk::with(&Options::default().variable("HYTHE_SERVER_IDLE_TIMEOUT_SECONDS", "1")).await;
    let mut connection = connect(&desk.server);
    connection.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    closes_within(connection, 1, 8);
}

#[tokio::test]
async fn a_pull_that_nobody_takes_is_broken_off() {
    let desk = Desk::with(&Options::default().variable("HYTHE_SERVER_WRITE_TIMEOUT_SECONDS", "1")).await;
    let repository = desk.repository("a");
    // More than the buffers of both ends of a connection hold.
    let blob = bytes(1, 24 << 20);
    desk.push_blob(&repository, &blob).await;
    let path = format!("/v2/{repository}/blobs/{}", digest(&blob));
    let mut connection = connect(&desk.server);
    connection.write_all(head(&desk, "GET", &path, "").as_bytes()).unwrap();
    std::thread::sleep(Duration::from_secs(4));
    let mut taken = Vec::new();
    let _ = connection.read_to_end(&mut taken);
    assert!(!taken.is_empty() && taken.len() < blob.len(), "{} bytes came", taken.len());
}

fn connect(server: &Server) -> TcpStream {
    let connection = TcpStream::connect(server.host()).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    connection
}

/// Reads until the other side closes.
fn closes_within(mut connection: TcpStream, at_least: u64, at_most: u64) {
    let begun = Instant::now();
    connection.read_to_end(&mut Vec::new()).unwrap();
    let took = begun.elapsed();
    assert!(
        took.as_millis() as u64 + 100 >= at_least * 1000 && took < Duration::from_secs(at_most),
        "{took:?}"
    );
}

/// Why connections were given up, by the metrics.
async fn refused(desk: &Desk) -> Option<&'static str> {
    let metrics = desk.get("/metrics").await.text();
    ["header_timeout", "write_timeout"]
        .into_iter()
        .find(|reason| metrics.contains(&format!("hythe_connections_refused_total{{reason=\"{reason}\"}}")))
}
