//! The orderly end: who may finish, who is told to go, who is cut.

use std::io;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::stream;
use hythe_server::listener::{Drained, Options};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::house::{House, client, is_closed, mirror, open, read_until, within};

/// A third of what a drain may take: who waits for its end was not let go at once.
const AT_ONCE: Duration = Duration::from_secs(10);

/// `GET /slow` sends what the test says, until it hangs up.
fn slow() -> (Router, mpsc::Sender<&'static str>) {
    let (said, to_say) = mpsc::channel::<&'static str>(1);
    let to_say = std::sync::Arc::new(std::sync::Mutex::new(Some(to_say)));
    let tell = move || {
        let to_say = to_say.lock().unwrap().take().unwrap();
        let words = stream::unfold(to_say, |mut to_say| async {
            let word = to_say.recv().await?;
            Some((Ok::<_, io::Error>(Bytes::from(word)), to_say))
        });
        std::future::ready(Body::from_stream(words))
    };
    (mirror().route("/slow", get(tell)), said)
}

async fn ask(house: &House, path: &str, answer: &str) -> TcpStream {
    let mut stream = house.connect().await;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).await.unwrap();
    read_until(&mut stream, answer).await;
    stream
}

#[tokio::test]
async fn idle_connections_end_at_once() {
    let mut house = open(mirror(), Options::default());
    let mut used = ask(&house, "/", "sendfile").await;
    let mut fresh = house.connect().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begin = Instant::now();
    house.shut_down();
    assert!(is_closed(&mut used).await && is_closed(&mut fresh).await);
    assert_eq!(house.drained().await, Drained { finished: 0, cut: 0 });
    assert!(begin.elapsed() < AT_ONCE, "took {:?}", begin.elapsed());
}

#[tokio::test]
async fn idle_http2_and_tls_connections_end_at_once() {
    let mut house = open(mirror(), Options::default());
    let clients = [client().http2_prior_knowledge().build().unwrap(), client().build().unwrap()];
    for (client, scheme) in clients.iter().zip(["http", "https"]) {
        client.get(house.url(scheme, "/")).send().await.unwrap().bytes().await.unwrap();
    }
    let begin = Instant::now();
    house.shut_down();
    assert_eq!(house.drained().await, Drained { finished: 0, cut: 0 });
    assert!(begin.elapsed() < AT_ONCE, "took {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_running_transfer_ends_and_nobody_else_gets_in() {
    let (router, said) = slow();
    let mut house = open(router, Options::default());
    said.send("first").await.unwrap();
    let mut stream = ask(&house, "/slow", "first").await;
    house.shut_down();
    within(20, async { while TcpStream::connect(house.address).await.is_ok() {} }).await;
    said.send("second").await.unwrap();
    drop(said);
    read_until(&mut stream, "second\r\n0\r\n\r\n").await;
    assert!(is_closed(&mut stream).await);
    assert_eq!(house.drained().await, Drained { finished: 1, cut: 0 });
}

#[tokio::test]
async fn a_new_request_on_a_live_connection_is_refused() {
    let (router, said) = slow();
    let mut house = open(router, Options::default());
    let client = client().http2_prior_knowledge().build().unwrap();
    said.send("first").await.unwrap();
    let mut running = client.get(house.url("http", "/slow")).send().await.unwrap();
    assert_eq!(running.chunk().await.unwrap().unwrap(), "first");
    house.shut_down();
    within(20, async { while TcpStream::connect(house.address).await.is_ok() {} }).await;
    match client.get(house.url("http", "/")).send().await {
        Ok(refused) => assert_eq!(refused.status(), 503),
        // The client has heard the goodbye and tried a new connection.
        Err(error) => assert!(error.is_connect(), "{error:?}"),
    }
    said.send("second").await.unwrap();
    assert_eq!(running.chunk().await.unwrap().unwrap(), "second");
    drop(said);
    assert!(running.bytes().await.unwrap().is_empty());
    assert_eq!(house.drained().await, Drained { finished: 1, cut: 0 });
}

#[tokio::test]
async fn a_request_whose_headers_end_after_the_shutdown_is_refused_with_one_line() {
    let mut house = open(mirror(), Options::default());
    let mut stream = house.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    house.shut_down();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(b" h\r\n\r\n").await.unwrap();
    let answer = read_until(&mut stream, "\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert!(is_closed(&mut stream).await);
    house.drained().await;
}

#[tokio::test]
async fn the_deadline_cuts_what_is_left() {
    let (router, said) = slow();
    let drain_timeout = Duration::from_millis(300);
    let mut house = open(router, Options { drain_timeout, ..Options::default() });
    said.send("first").await.unwrap();
    let mut stream = ask(&house, "/slow", "first").await;
    let begin = Instant::now();
    house.shut_down();
    assert_eq!(house.drained().await, Drained { finished: 0, cut: 1 });
    assert!((drain_timeout..AT_ONCE).contains(&begin.elapsed()), "took {:?}", begin.elapsed());
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn a_second_signal_cuts_at_once() {
    let (router, said) = slow();
    let mut house = open(router, Options::default());
    said.send("first").await.unwrap();
    let _stream = ask(&house, "/slow", "first").await;
    let begin = Instant::now();
    house.shut_down();
    tokio::time::sleep(Duration::from_millis(50)).await;
    house.cut();
    assert_eq!(house.drained().await, Drained { finished: 0, cut: 1 });
    assert!(begin.elapsed() < AT_ONCE, "took {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_slow_reader_gets_all_of_what_was_under_way() {
    const LEN: usize = 32 << 20;
    let body = || std::future::ready(Bytes::from(vec![7; LEN]));
    let mut house = open(Router::new().route("/", get(body)), Options::default());
    let mut answer = client().build().unwrap().get(house.url("http", "/")).send().await.unwrap();
    house.shut_down();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut got = 0;
    while let Some(chunk) = answer.chunk().await.unwrap() {
        got += chunk.len();
    }
    assert_eq!(got, LEN);
    assert_eq!(house.drained().await.cut, 0);
}

/// Both signals may have come before anybody looks. What is looked at first is chance: several times.
#[tokio::test]
async fn a_cut_without_an_end_before_it_ends_at_once() {
    for _ in 0..8 {
        let (router, said) = slow();
        let mut house = open(router, Options::default());
        said.send("first").await.unwrap();
        let _stream = ask(&house, "/slow", "first").await;
        let begin = Instant::now();
        house.cut();
        assert_eq!(house.drained().await.cut, 1);
        assert!(begin.elapsed() < AT_ONCE, "took {:?}", begin.elapsed());
    }
}
