//! Every way in which a registry can disappoint a client, each by a server that does just that.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::*;

/// Answers every connection with the same bytes; the port is its own.
pub(in super::super) fn answer_with(answer: impl Fn(u16) -> String + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 2048];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer(port).as_bytes());
        }
    });
    port
}

pub(in super::super) fn install_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

async fn found(url: &str) -> Vec<Finding> {
    install_provider();
    check(url).await
}

const END: &str = "content-length: 0\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn an_http_registry_asked_by_https_is_explained_in_dockers_own_words() {
    let port = answer_with(|_| format!("HTTP/1.1 200 OK\r\n{END}"));
    let findings = found(&format!("127.0.0.1:{port}")).await;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].status, Status::Fail);
    assert_eq!(
        findings[0].finding,
        format!(
            "https://127.0.0.1:{port}/ speaks http and not https; clients say: http: server gave HTTP response to HTTPS client"
        )
    );
    let remedy = findings[0].remedy.clone().unwrap();
    for words in ["insecure-registries", "registries.conf.d", "hosts.toml"] {
        assert!(remedy.contains(words), "{remedy}");
    }
}

#[tokio::test]
async fn a_registry_that_sends_its_clients_elsewhere_is_caught() {
    let port = answer_with(|port| {
        format!(
            "HTTP/1.1 401 Unauthorized\r\ndocker-distribution-api-version: registry/2.0\r\n\
             www-authenticate: Bearer realm=\"https://127.0.0.1:{port}/service/token\",service=\"hythe\"\r\n{END}"
        )
    });
    let findings = found(&format!("http://127.0.0.1:{port}")).await;
    assert_eq!(findings[0].status, Status::Ok);
    let realm = format!("https://127.0.0.1:{port}/service/token");
    assert_eq!(
        findings[1].finding,
        format!("clients that ask http://127.0.0.1:{port}/ are sent to {realm} for a token: another scheme")
    );
    assert_eq!((findings[1].status, findings[2].status), (Status::Warn, Status::Fail));
}

#[tokio::test]
async fn a_right_registry_is_told_so() {
    let port = answer_with(|port| {
        format!(
            "HTTP/1.1 401 Unauthorized\r\ndocker-distribution-api-version: registry/2.0\r\n\
             www-authenticate: Bearer realm=\"http://127.0.0.1:{port}/service/token\",service=\"hythe\"\r\n{END}"
        )
    });
    let findings = found(&format!("http://127.0.0.1:{port}")).await;
    assert!(findings.iter().all(|finding| finding.status == Status::Ok), "{findings:?}");
    assert_eq!(findings.len(), 4);
}

#[tokio::test]
async fn something_else_on_the_port_is_no_registry() {
    let port = answer_with(|_| format!("HTTP/1.1 404 Not Found\r\n{END}"));
    let findings = found(&format!("http://127.0.0.1:{port}")).await;
    assert_eq!(findings[0].finding, format!("http://127.0.0.1:{port}/ answers 404 Not Found to GET /v2/"));
    assert_eq!(findings[0].status, Status::Fail);
}

#[tokio::test]
async fn nobody_there_is_a_failure_with_the_reason() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let findings = found(&format!("http://127.0.0.1:{port}")).await;
    assert!(findings[0].finding.contains("Connection refused"), "{findings:?}");
    assert!(found("gopher://x").await[0].finding.contains("is not the address of a registry"));
}

#[test]
fn clocks_that_are_apart_are_told_by_how_much() {
    let mut headers = HeaderMap::new();
    headers.insert(DATE, "Fri, 15 Jan 2027 08:00:00 GMT".parse().unwrap());
    let at = |seconds| skew(&headers, UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(at(1_800_000_010), None);
    assert_eq!(at(1_800_000_090).unwrap().finding, "the registry's clock is 90 s behind this machine's");
    assert_eq!(at(1_799_999_910).unwrap().finding, "the registry's clock is 90 s ahead of this machine's");
}

#[test]
fn only_ones_own_machine_is_asked_by_http_first() {
    for (url, own) in [
        ("http://localhost:5000", true),
        ("http://127.0.0.1", true),
        ("http://[::1]:5000", true),
        ("http://hub:5000", false),
    ] {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), own, "{url}");
    }
}
