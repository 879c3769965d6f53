//! cosign: signatures beside the image, by tag and as referrers.

use hythe_acceptance::client::Client;
use hythe_acceptance::images;
use hythe_acceptance::workbench::Workbench;

struct Cosign {
    bench: Workbench,
    image: String,
}

impl Cosign {
    /// An image in the registry, a key pair in the home.
    fn with_key_and_image() -> Cosign {
        let bench = Workbench::new();
        bench.sign_in_by_file("docker/config.json");
        let reference = bench.image("library/signed:1");
        let crane = bench.client("crane").variable("DOCKER_CONFIG", bench.path("docker"));
        crane.args(["--insecure", "push"]).arg(images::busybox().folder()).arg(&reference).succeeds();
        let image = bench.image(&format!("library/signed@{}", images::busybox().digest()));
        let cosign = Cosign { bench, image };
        cosign.command(&["generate-key-pair"]).succeeds();
        cosign
    }

    fn command(&self, words: &[&str]) -> Client {
        let client = self.bench.client("cosign").variable("DOCKER_CONFIG", self.bench.path("docker"));
        client.variable("COSIGN_PASSWORD", "key").variable("COSIGN_EXPERIMENTAL", "1").args(words)
    }

    fn on_image(&self, words: &[&str]) -> Client {
        self.command(words).args(["--allow-http-registry", "--allow-insecure-registry"]).arg(&self.image)
    }
}

#[test]
fn a_signature_by_tag_is_verified_and_shown() {
    let cosign = Cosign::with_key_and_image();
    let verify = ["verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true"];
    let said = cosign.on_image(&verify).fails();
    assert!(said.contains("no signatures found"), "{said}");
    cosign.on_image(&["sign", "--yes", "--key", "cosign.key", "--tlog-upload=false"]).succeeds();
    assert!(cosign.on_image(&verify).succeeds().contains("cosign container image signature"));
    assert!(cosign.on_image(&["tree"]).succeeds().contains("Signatures"));
}

#[test]
fn a_signature_as_a_referrer_is_verified() {
    let cosign = Cosign::with_key_and_image();
    let sign =
        ["sign", "--yes", "--key", "cosign.key", "--tlog-upload=false", "--registry-referrers-mode=oci-1-1"];
    cosign.on_image(&sign).succeeds();
    let verify =
        ["verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--experimental-oci11=true"];
    assert!(cosign.on_image(&verify).succeeds().contains("cosign container image signature"));
}

#[test]
fn an_attestation_is_attached_and_verified() {
    let cosign = Cosign::with_key_and_image();
    cosign.bench.write("predicate.json", r#"{"made": "here"}"#);
    let attest =
        ["attest", "--yes", "--key", "cosign.key", "--tlog-upload=false", "--predicate", "predicate.json"];
    cosign.on_image(&attest).succeeds();
    let verify = ["verify-attestation", "--key", "cosign.pub", "--insecure-ignore-tlog=true"];
    assert!(cosign.on_image(&verify).succeeds().contains("payload"));
}
