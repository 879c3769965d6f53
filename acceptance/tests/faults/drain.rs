//! The orderly end: what runs may end, what is new is refused, and what takes too long is cut.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::raw::Raw;
use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};

use crate::support::{another, await_line, eventually, moved, server_of, stalled_patch};

#[tokio::test]
async fn after_sigterm_a_transfer_ends_and_new_connections_are_refused() {
    ends_after_its_transfer("TERM").await;
}

#[tokio::test]
async fn after_sigint_a_transfer_ends_and_new_connections_are_refused() {
    ends_after_its_transfer("INT").await;
}

async fn ends_after_its_transfer(signal: &str) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default().data(&folder.path().join("data"));
    let desk = Desk::with(&options).await;
    let repository = desk.repository("a");
    let upload = desk.start_upload(&repository).await;
    let running = stalled_patch(&desk, &upload, 6, "abc");
    tokio::time::sleep(Duration::from_millis(200)).await;
    desk.server.signal(signal);
    await_line(&desk.server, &["stopping", &format!("SIG{signal}"), "running transfers may end"]).await;
    refuses_new_connections(&desk).await;
    let answer = running.send("def").answer();
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-5")));
    let project = desk.project.clone();
    let mut server = server_of(desk);
    assert_eq!(server.ended().code(), Some(0));
    await_line(&server, &["stopped", "\"finished\":1", "\"cut\":0"]).await;
    drop(server);
    let desk = moved(&project, &options);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_node_that_gives_notice_says_so_and_serves_on_until_its_time_is_up() {
    let options = Options::default().variable("HYTHE_SERVER_NOTICE_SECONDS", "5");
    let desk = Desk::with(&options).await;
    let repository = desk.repository("a");
    desk.push_image(&repository, "v1", "an image").await;
    let begun = Instant::now();
    desk.server.signal("TERM");
    eventually("the node says that it leaves", async || {
        let told = desk.send(desk.anonymous(Method::GET, "/readyz")).await;
        (told.status == 503 && told.json()["status"] == "leaving").then_some(())
    })
    .await;
    // On a connection that is there already, and on a new one.
    desk.get(&format!("/v2/{repository}/manifests/v1")).await.expect(StatusCode::OK);
    another(&desk).push_image(&repository, "v2", "another").await;
    assert!(begun.elapsed() < Duration::from_secs(5), "the machine is too slow for this test");
    refuses_new_connections(&desk).await;
    assert!(begun.elapsed() >= Duration::from_millis(4900), "{:?}", begun.elapsed());
    assert_eq!(server_of(desk).ended().code(), Some(0));
}

#[tokio::test]
async fn what_is_not_done_by_the_deadline_is_cut_and_counted_and_can_be_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        Options::default().data(&folder.path().join("data")).variable("HYTHE_SERVER_DRAIN_SECONDS", "1");
    let begun = cut_by(&options, |_| {}).await;
    assert!(begun >= Duration::from_millis(900) && begun < Duration::from_secs(10), "{begun:?}");
}

#[tokio::test]
async fn a_second_signal_cuts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default().data(&folder.path().join("data"));
    let took = cut_by(&options, |desk| desk.server.signal("INT")).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// Stops a server amid a push; how long it took to end. The push is gone on with at its successor.
async fn cut_by(options: &Options, then: impl FnOnce(&Desk)) -> Duration {
    let desk = Desk::with(options).await;
    let upload = desk.start_upload(&desk.repository("a")).await;
    let running: Raw = stalled_patch(&desk, &upload, 6, "abc");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    desk.server.signal("TERM");
    await_line(&desk.server, &["stopping", "SIGTERM"]).await;
    then(&desk);
    let project = desk.project.clone();
    let mut server = server_of(desk);
    assert_eq!(server.ended().code(), Some(0));
    let took = begun.elapsed();
    await_line(&server, &["stopped", "\"finished\":0", "\"cut\":1"]).await;
    drop((server, running));
    goes_on(&moved(&project, options), &upload).await;
    took
}

/// The upload is nobody's, and its row states the bytes that had come.
async fn goes_on(desk: &Desk, upload: &str) {
    assert_eq!(desk.get(upload).await.header("range"), Some("0-2"));
    desk.patch(upload, "3-5", b"def").await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
}

async fn refuses_new_connections(desk: &Desk) {
    eventually("new connections are refused", async || {
        TcpStream::connect(desk.server.host()).is_err().then_some(())
    })
    .await;
}
