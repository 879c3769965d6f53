//! skopeo again: plain HTTP and TLS on one port, and people who are nobody.

use hythe_acceptance::certificates::Certificates;
use hythe_acceptance::images;
use hythe_acceptance::server::Options;
use hythe_acceptance::workbench::Workbench;
use tempfile::TempDir;

use crate::skopeo::Skopeo;

#[test]
fn a_certificate_is_verified_and_plain_http_still_answers() {
    let home = TempDir::with_prefix("hythe-tls-").unwrap();
    let certificates = Certificates::make(home.path());
    let bench = Workbench::with(&Options::default().certificate(&certificates), home);
    let admin = bench.server.administrator().credentials();
    let push = |verification: &[&str]| {
        let skopeo = bench.client("skopeo").args(["copy", "--dest-creds", &admin]).args(verification);
        let source = format!("oci:{}", images::busybox().reference());
        skopeo.args([source, format!("docker://{}", bench.image("library/tls:1"))])
    };
    let refused = push(&[]).fails();
    assert!(refused.contains("x509") || refused.contains("certificate"), "{refused}");
    push(&["--dest-cert-dir", &certificates.trusted().to_string_lossy()]).succeeds();
    let ask = |url: String| {
        let curl =
            bench.client("curl").args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]);
        curl.arg("--cacert").arg(certificates.trusted().join("ca.crt")).arg(url).succeeds()
    };
    assert_eq!(ask(format!("http://{}/v2/", bench.server.host())), "401");
    assert_eq!(ask(format!("https://{}/v2/", bench.server.host())), "401");
}

#[test]
fn nobody_pulls_from_a_public_project_and_pushes_nothing() {
    let skopeo = Skopeo::signed_in();
    skopeo.push(&images::busybox(), "library/public:1").succeeds();
    let anonymous = |verb: &str| skopeo.bench.client("skopeo").arg(verb);
    let read = anonymous("inspect")
        .args(["--tls-verify=false", "--no-creds"])
        .arg(skopeo.remote("library/public:1"));
    assert!(read.succeeds().contains("Digest"));
    let source = format!("oci:{}", images::busybox().reference());
    let write = anonymous("copy").args(["--dest-tls-verify=false", "--dest-no-creds", &source]);
    let said = write.arg(skopeo.remote("library/public:2")).fails();
    assert!(
        said.contains("unauthorized") || said.contains("authentication required") || said.contains("denied"),
        "{said}"
    );
}
