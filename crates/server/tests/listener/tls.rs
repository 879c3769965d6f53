//! Certificates: versions, resumption, reload.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use hythe_server::listener::{Options, SelfSigned, Tls, TlsError, self_signed, self_signed_names};
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::house::{House, handshake, mirror, open, open_with, tls_client, within};

#[tokio::test]
async fn tls_1_2_and_1_3_are_both_spoken() {
    let house = open(mirror(), Options::default());
    for version in [&TLS12, &TLS13] {
        let stream = handshake(&house, &tls_client(&[version], &[])).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
    }
}

#[tokio::test]
async fn alpn_prefers_http2_and_follows_the_client() {
    let house = open(mirror(), Options::default());
    for (offered, chosen) in [(&["http/1.1", "h2"][..], "h2"), (&["http/1.1"], "http/1.1")] {
        let stream = handshake(&house, &tls_client(&[&TLS13], offered)).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(chosen.as_bytes()));
    }
    let unknown = handshake(&house, &tls_client(&[&TLS13], &["spdy/3"])).await;
    assert!(unknown.is_err());
}

#[tokio::test]
async fn a_second_handshake_resumes_the_first() {
    let house = open(mirror(), Options::default());
    for version in [&TLS12, &TLS13] {
        let client = tls_client(&[version], &[]);
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut stream = handshake(&house, &client).await.unwrap();
            // Tickets of TLS 1.3 arrive after the handshake.
            stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
            within(20, stream.read_to_end(&mut Vec::new())).await.unwrap();
            kinds.push(stream.get_ref().1.handshake_kind());
        }
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
    }
}

#[tokio::test]
async fn a_changed_certificate_is_taken_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let house = open_from(folder.path(), &made());
    let first = leaf(&house).await;
    write(folder.path(), &made());
    let second = changed_from(&house, &first).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_swapped_symbolic_link_is_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for version in ["one", "two"] {
        fs::create_dir(at(version)).unwrap();
        write(&at(version), &made());
    }
    // As Kubernetes mounts a secret: the files are links into a folder that is a link, which is swapped.
    symlink("one", at("data")).unwrap();
    for file in ["cert.pem", "key.pem"] {
        symlink(Path::new("data").join(file), at(file)).unwrap();
    }
    let house = open_files(folder.path());
    let first = leaf(&house).await;
    symlink("two", at("next")).unwrap();
    fs::rename(at("next"), at("data")).unwrap();
    changed_from(&house, &first).await;
}

#[tokio::test]
async fn a_broken_pair_leaves_the_old_one_in_place_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let house = open_from(folder.path(), &made());
    let first = leaf(&house).await;
    let (one, two) = (made(), made());
    write(folder.path(), &SelfSigned { certificate_pem: one.certificate_pem.clone(), key_pem: two.key_pem });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(leaf(&house).await, first);
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(leaf(&house).await, first);
    write(folder.path(), &one);
    changed_from(&house, &first).await;
}

#[test]
fn what_is_wrong_with_a_pair_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    let error = |tls: Result<Tls, TlsError>| tls.unwrap_err().to_string();
    assert!(error(Tls::from_files(&certificate, &key)).contains("cannot read /"));
    let (one, two) = (made(), made());
    assert!(error(Tls::from_pem("", &one.key_pem)).contains("holds no certificate"));
    assert!(error(Tls::from_pem(&one.certificate_pem, "")).contains("holds no private key"));
    assert!(error(Tls::from_pem(&one.certificate_pem, &two.key_pem)).contains("cannot be used with the key"));
}

#[test]
fn self_made_names_are_those_a_node_is_reached_by() {
    let listen = ["0.0.0.0:5000", "10.1.2.3:5000"].map(|address| address.parse::<SocketAddr>().unwrap());
    let names = self_signed_names(&listen);
    for name in ["localhost", "127.0.0.1", "::1", "10.1.2.3"] {
        assert!(names.iter().any(|known| known == name), "{name} is missing in {names:?}");
    }
    assert!(!names.iter().any(|name| name == "0.0.0.0"));
    self_signed(&names).unwrap();
}

#[tokio::test]
async fn a_self_made_certificate_is_trusted_once_it_is_listed() {
    let names = self_signed_names(&[]);
    let made = self_signed(&names).unwrap();
    let tls = Tls::from_pem(&made.certificate_pem, &made.key_pem).unwrap();
    let house = open_with(mirror(), Options::default(), Some(tls));
    let root = reqwest::Certificate::from_pem(made.certificate_pem.as_bytes()).unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
    for name in ["localhost", "127.0.0.1"] {
        let url = format!("https://{name}:{}/", house.address.port());
        assert!(client.get(url).send().await.unwrap().status().is_success());
    }
}

fn made() -> SelfSigned {
    self_signed(&["localhost".to_owned()]).unwrap()
}

fn write(folder: &Path, pair: &SelfSigned) {
    fs::write(folder.join("cert.pem"), &pair.certificate_pem).unwrap();
    fs::write(folder.join("key.pem"), &pair.key_pem).unwrap();
}

fn open_from(folder: &Path, pair: &SelfSigned) -> House {
    write(folder, pair);
    open_files(folder)
}

fn open_files(folder: &Path) -> House {
    let tls = Tls::from_files(&folder.join("cert.pem"), &folder.join("key.pem")).unwrap();
    let options = Options { certificate_poll: Duration::from_millis(20), ..Options::default() };
    open_with(mirror(), options, Some(tls))
}

/// The certificate that a new connection is shown.
async fn leaf(house: &House) -> Vec<u8> {
    let stream = handshake(house, &tls_client(&[&TLS13], &[])).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

async fn changed_from(house: &House, old: &[u8]) -> Vec<u8> {
    within(20, async {
        loop {
            let shown = leaf(house).await;
            if shown != old {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}
