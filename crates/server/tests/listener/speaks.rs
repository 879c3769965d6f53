//! Everything that the one port understands, and what it says to the rest.

use hythe_server::listener::Options;
use tokio::io::AsyncWriteExt;

use super::house::{client, handshake, is_closed, mirror, open, open_with, read_until, say, tls_client};

#[tokio::test(flavor = "multi_thread")]
async fn plain_http1() {
    let house = open(mirror(), Options::default());
    let answer = client().build().unwrap().get(house.url("http", "/")).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_11);
    assert_eq!(answer.text().await.unwrap(), format!("http Http1 sendfile=true {}", house.address));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http2_by_prior_knowledge() {
    let house = open(mirror(), Options::default());
    let client = client().http2_prior_knowledge().build().unwrap();
    let answer = client.get(house.url("http", "/")).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.text().await.unwrap(), format!("http Http2 sendfile=false {}", house.address));
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_on_the_same_port_with_http1_and_http2() {
    let house = open(mirror(), Options::default());
    let answer = client().build().unwrap().get(house.url("https", "/")).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.text().await.unwrap(), format!("https Http2 sendfile=false {}", house.address));
    let answer = client().http1_only().build().unwrap().get(house.url("https", "/")).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_11);
    assert_eq!(answer.text().await.unwrap(), format!("https Http1 sendfile=false {}", house.address));
}

#[tokio::test]
async fn a_request_in_single_bytes_is_understood() {
    let house = open(mirror(), Options::default());
    let mut stream = house.connect().await;
    stream.set_nodelay(true).unwrap();
    for byte in b"\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n" {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(read_until(&mut stream, "sendfile").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn other_protocols_are_told_what_this_port_speaks() {
    let house = open(mirror(), Options::default());
    for garbage in
        [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"\x00\x01\x02", b"EHLO mail.example.com\r\n", b"\n\n\nx\n"]
    {
        let answer = say(&house, garbage).await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(
            answer
                .ends_with("this port speaks HTTP/1.1, HTTP/2 and TLS; what arrived here is none of them\n")
        );
    }
}

#[tokio::test]
async fn a_request_that_hyper_cannot_parse_is_a_400() {
    let house = open(mirror(), Options::default());
    let answer = say(&house, b"GET / HTTP/1.1\r\nbad header\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn tls_garbage_ends_only_its_own_connection() {
    let house = open(mirror(), Options::default());
    for _ in 0..50 {
        let mut stream = house.connect().await;
        stream.write_all(b"\x16\x03\x01\x00\x05GET /\x16\x16\x16\x16").await.unwrap();
        assert!(is_closed(&mut stream).await);
    }
    let good = tls_client(rustls::ALL_VERSIONS, &[]);
    handshake(&house, &good).await.unwrap();
}

#[tokio::test]
async fn with_tls_off_a_handshake_is_answered_in_plain_text() {
    let house = open_with(mirror(), Options::default(), None);
    let answer = say(&house, b"\x16\x03\x01\x00\x05hello").await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.ends_with("TLS is turned off here\n"), "{answer}");
}
