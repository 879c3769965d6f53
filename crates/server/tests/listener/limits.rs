//! What a stranger may hold of us: headers, time, connections, windows.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Extension;
use axum::routing::{get, post};
use futures_util::stream;
use hythe_server::listener::{ConnectionInfo, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::house::{client, is_closed, mirror, open, read_until, say, within};

const SHORT: Duration = Duration::from_millis(300);
const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n";

#[tokio::test]
async fn headers_above_the_limit_are_a_431() {
    let house = open(mirror(), Options { max_header_bytes: 16 * 1024, ..Options::default() });
    let request = |len| format!("GET / HTTP/1.1\r\nconnection: close\r\nx: {}\r\n\r\n", "a".repeat(len));
    let answer = say(&house, request(15 * 1024).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = say(&house, request(17 * 1024).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn http2_headers_above_the_limit_are_refused() {
    let house = open(mirror(), Options { max_header_bytes: 16 * 1024, ..Options::default() });
    let client = client().http2_prior_knowledge().build().unwrap();
    let ask = |len| client.get(house.url("http", "/")).header("x", "a".repeat(len)).send();
    assert_eq!(ask(12 * 1024).await.unwrap().status(), 200);
    let refused = ask(17 * 1024).await;
    assert!(refused.is_err() || refused.unwrap().status() == 431);
}

#[tokio::test]
async fn slow_headers_end_the_connection_however_they_trickle() {
    let house = open(mirror(), Options { header_timeout: SHORT, ..Options::default() });
    let begin = Instant::now();
    let mut silent = house.connect().await;
    let mut loris = house.connect().await;
    loris.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
    let (mut reading, mut writing) = loris.into_split();
    let trickle = tokio::spawn(async move {
        while writing.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(is_closed(&mut silent).await);
    let _ = within(20, reading.read_to_end(&mut Vec::new())).await;
    within(20, trickle).await.unwrap();
    assert!((SHORT..SHORT * 3).contains(&begin.elapsed()), "took {:?}", begin.elapsed());
}

#[tokio::test]
async fn slow_headers_of_a_second_request_end_the_connection_too() {
    let house = open(mirror(), Options { header_timeout: SHORT, ..Options::default() });
    let mut stream = house.connect().await;
    stream.write_all(ASK).await.unwrap();
    read_until(&mut stream, "sendfile").await;
    tokio::time::sleep(SHORT * 2).await;
    let begin = Instant::now();
    stream.write_all(b"GET / HT").await.unwrap();
    assert!(is_closed(&mut stream).await);
    assert!((SHORT..SHORT * 2).contains(&begin.elapsed()), "took {:?}", begin.elapsed());
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout_but_not_the_idle_timeout() {
    let options = Options { header_timeout: SHORT, idle_timeout: SHORT * 3, ..Options::default() };
    let house = open(mirror(), options);
    let mut stream = house.connect().await;
    for _ in 0..2 {
        stream.write_all(ASK).await.unwrap();
        read_until(&mut stream, "sendfile").await;
        tokio::time::sleep(SHORT * 2).await;
    }
    let begin = Instant::now();
    assert!(is_closed(&mut stream).await);
    assert!((SHORT / 2..SHORT * 2).contains(&begin.elapsed()), "took {:?}", begin.elapsed());
}

#[tokio::test]
async fn an_idle_http2_connection_ends() {
    let house = open(mirror(), Options { idle_timeout: SHORT, ..Options::default() });
    let mut stream = house.connect().await;
    // The preface, empty settings, then `GET / http h` on stream 1 with static header table entries.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    stream.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x84\x86\x41\x01h").await.unwrap();
    // Our goodbye is acknowledged by nobody; it must not matter.
    let begin = Instant::now();
    within(9, stream.read_to_end(&mut Vec::new())).await.unwrap();
    assert!(begin.elapsed() > SHORT, "took {:?}", begin.elapsed());
}

#[tokio::test]
async fn an_http2_connection_between_requests_has_no_header_timeout() {
    let options = Options { header_timeout: SHORT, ..Options::default() };
    let peer = |Extension(info): Extension<ConnectionInfo>| async move { info.peer.to_string() };
    let house = open(Router::new().route("/", get(peer)), options);
    let client = client().http2_prior_knowledge().build().unwrap();
    let ask = async || client.get(house.url("http", "/")).send().await.unwrap().text().await.unwrap();
    let first = ask().await;
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(ask().await, first, "windows and pings between requests are no headers");
}

#[tokio::test]
async fn a_body_that_stalls_is_an_error_to_the_handler() {
    async fn take(body: Body) -> String {
        match axum::body::to_bytes(body, usize::MAX).await {
            Ok(bytes) => format!("{} bytes", bytes.len()),
            Err(error) => std::error::Error::source(&error).map_or_else(String::new, ToString::to_string),
        }
    }
    let house = open(
        Router::new().route("/", post(take)),
        Options { body_timeout: Duration::from_secs(1), ..Options::default() },
    );
    let head = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\nconnection: close\r\n\r\n";
    let answer = say(&house, format!("{head}0123456789").as_bytes()).await;
    assert!(answer.ends_with("10 bytes"), "{answer}");
    let mut stream = house.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    // Longer than the limit altogether, but never without a byte for as long.
    for byte in b"01" {
        tokio::time::sleep(Duration::from_millis(700)).await;
        stream.write_all(&[*byte]).await.unwrap();
    }
    let answer = read_until(&mut stream, "seconds").await;
    assert!(answer.ends_with("no byte of the request body came for 1 seconds"), "{answer}");
}

fn endless() -> Router {
    let chunk = Bytes::from(vec![7; 64 * 1024]);
    let body = move || {
        let chunks = stream::repeat(Ok::<_, std::convert::Infallible>(chunk.clone()));
        std::future::ready(Body::from_stream(chunks))
    };
    Router::new().route("/", get(body))
}

#[tokio::test]
async fn a_client_that_stops_reading_is_cut() {
    let house = open(endless(), Options { write_timeout: SHORT, ..Options::default() });
    let mut stream = house.connect().await;
    stream.write_all(ASK).await.unwrap();
    // Reading now and then keeps it going beyond the timeout.
    for _ in 0..4 {
        tokio::time::sleep(SHORT / 2).await;
        stream.read_exact(&mut vec![0; 16 << 20]).await.unwrap();
    }
    tokio::time::sleep(SHORT * 3).await;
    assert!(is_closed(&mut stream).await, "the rest of an endless body means that it was not cut");
}

#[tokio::test]
async fn an_http2_client_that_opens_no_window_is_cut() {
    let house = open(endless(), Options { write_timeout: SHORT, ..Options::default() });
    let client = client().http2_prior_knowledge().build().unwrap();
    let mut answer = client.get(house.url("http", "/")).send().await.unwrap();
    for _ in 0..10 {
        answer.chunk().await.unwrap().unwrap();
    }
    tokio::time::sleep(SHORT * 4).await;
    let end = within(20, async { while let Ok(Some(_)) = answer.chunk().await {} });
    end.await;
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_room_comes_back() {
    let house = open(mirror(), Options { max_connections: 2, ..Options::default() });
    let mut guests = Vec::new();
    for _ in 0..2 {
        let mut stream = house.connect().await;
        stream.write_all(ASK).await.unwrap();
        read_until(&mut stream, "sendfile").await;
        guests.push(stream);
    }
    let answer = say(&house, ASK).await;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.ends_with("please try again\n"), "{answer}");
    let mut encrypted = house.connect().await;
    encrypted.write_all(b"\x16\x03\x01").await.unwrap();
    assert_eq!(
        encrypted.read(&mut [0; 16]).await.unwrap_or(0),
        0,
        "plain text means nothing to a TLS client"
    );
    guests.pop();
    within(20, async { while !answers(&house).await {} }).await;
}

async fn answers(house: &super::house::House) -> bool {
    let client = client().build().unwrap();
    client.get(house.url("http", "/")).send().await.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_idle_connections_leave_room_for_work() {
    let house = open(mirror(), Options::default());
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(house.connect().await);
    }
    assert!(answers(&house).await);
}
