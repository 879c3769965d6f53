//! A certificate that is exchanged on disk: new connections see it, a broken pair is refused and said.

use std::fs;
use std::path::Path;

use hythe_acceptance::certificates::Certificates;
use hythe_acceptance::desk::{Desk, builder};
use hythe_acceptance::server::Options;
use reqwest::{Certificate, Client, Method, StatusCode};

use crate::support::{await_line, eventually};

#[tokio::test]
async fn a_changed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [used, second, third] = ["used", "second", "third"].map(|name| folder.path().join(name));
    let [_, _, _] = [&used, &second, &third].map(|folder| Certificates::make(folder));
    let first = trusting(&used);
    let desk = Desk::with(&Options::default().certificate(&Certificates::at(&used))).await;
    assert!(is_trusted(&desk, &first).await);

    let successor = trusting(&second);
    replace(&second, &used, &["server.crt", "server.key"]);
    eventually("the second certificate is shown", async || is_trusted(&desk, &successor).await.then_some(()))
        .await;
    assert!(!is_trusted(&desk, &first).await);
    await_line(&desk.server, &["the certificate has changed and is in use", "server.crt"]).await;

    // A certificate without its key, as a half-finished exchange leaves it.
    replace(&third, &used, &["server.crt"]);
    let said = await_line(&desk.server, &["ERROR", "the one before it stays in use", "server.crt"]).await;
    assert!(said.contains("cannot be used with the key in") && said.contains("server.key"), "{said}");
    assert!(is_trusted(&desk, &successor).await);
    fs::write(used.join("server.crt"), "not a certificate").unwrap();
    await_line(&desk.server, &["ERROR", "holds no certificate in PEM form"]).await;
    assert!(is_trusted(&desk, &successor).await);

    let last = trusting(&third);
    replace(&third, &used, &["server.crt", "server.key"]);
    eventually("the third certificate is shown", async || is_trusted(&desk, &last).await.then_some(())).await;
    desk.get("/v2/").await.expect(StatusCode::OK);
}

/// A client that trusts the authority of this folder and no other.
fn trusting(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("trusted/ca.crt")).unwrap()
}

/// Whether a new connection is shown a certificate of this authority.
async fn is_trusted(desk: &Desk, authority: &[u8]) -> bool {
    let authority = Certificate::from_pem(authority).unwrap();
    let client: Client =
        builder().tls_danger_accept_invalid_certs(false).tls_certs_only([authority]).build().unwrap();
    client.request(Method::GET, format!("https://{}/livez", desk.server.host())).send().await.is_ok()
}

/// Puts files in the place of others, each in one step.
fn replace(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        fs::copy(from.join(name), to.join("next")).unwrap();
        fs::rename(to.join("next"), to.join(name)).unwrap();
    }
}
