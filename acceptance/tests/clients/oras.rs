//! oras: artifacts that are not images, and what refers to what.

use hythe_acceptance::client::Client;
use hythe_acceptance::images;
use hythe_acceptance::workbench::{Workbench, json};

struct Oras {
    bench: Workbench,
}

impl Oras {
    fn new() -> Oras {
        Oras { bench: Workbench::new() }
    }

    fn signed_in() -> Oras {
        let oras = Oras::new();
        oras.login(&oras.bench.server.administrator().password).succeeds();
        oras
    }

    fn command(&self, words: &[&str]) -> Client {
        self.bench
            .client("oras")
            .variable("DOCKER_CONFIG", self.bench.path("docker"))
            .args(words)
            .arg("--plain-http")
    }

    fn login(&self, password: &str) -> Client {
        self.command(&["login", "-u", "admin", "-p", password]).arg(self.bench.server.host())
    }

    fn push_artifact(&self, name: &str) {
        self.bench.write("hello.txt", "hello\n");
        let push = self.command(&["push", "--artifact-type", "application/vnd.test.greeting"]);
        push.arg(self.bench.image(name)).arg("hello.txt:text/plain").succeeds();
    }
}

#[test]
fn signs_in_only_with_the_right_password() {
    let oras = Oras::new();
    let said = oras.login("not-the-password-1").fails();
    assert!(said.contains("401") || said.contains("unauthorized"), "{said}");
    let said = oras.login(&oras.bench.server.administrator().password).succeeds();
    assert!(said.contains("Login Succeeded"), "{said}");
}

#[test]
fn an_artifact_is_pushed_and_pulled() {
    let oras = Oras::signed_in();
    oras.push_artifact("library/artifact:1");
    oras.command(&["pull", "-o", "out"]).arg(oras.bench.image("library/artifact:1")).succeeds();
    assert_eq!(std::fs::read_to_string(oras.bench.path("out/hello.txt")).unwrap(), "hello\n");
    let manifest =
        oras.command(&["manifest", "fetch"]).arg(oras.bench.image("library/artifact:1")).succeeds();
    assert_eq!(json(&manifest)["artifactType"], "application/vnd.test.greeting");
    assert_eq!(oras.command(&["repo", "tags"]).arg(oras.bench.image("library/artifact")).succeeds(), "1");
}

#[test]
fn attached_artifacts_are_discovered_and_filtered() {
    let oras = Oras::signed_in();
    oras.push_artifact("library/subject:1");
    let subject = oras.bench.image("library/subject:1");
    for kind in ["application/vnd.test.sbom", "application/vnd.test.report"] {
        oras.bench.write("note.json", format!("\"{kind}\""));
        let attach =
            oras.command(&["attach", "--artifact-type", kind, "--distribution-spec", "v1.1-referrers-api"]);
        attach.arg(&subject).arg("note.json:application/json").succeeds();
    }
    let discover = |filter: &[&str]| {
        let call =
            oras.command(&["discover", "--format", "json", "--distribution-spec", "v1.1-referrers-api"]);
        let found = json(&call.args(filter).arg(&subject).succeeds());
        found["referrers"].as_array().or(found["manifests"].as_array()).unwrap().len()
    };
    assert_eq!(discover(&[]), 2);
    assert_eq!(discover(&["--artifact-type", "application/vnd.test.sbom"]), 1);
}

#[test]
fn an_image_layout_is_copied_with_its_index_and_deleted() {
    let oras = Oras::signed_in();
    let copy = oras.bench.client("oras").variable("DOCKER_CONFIG", oras.bench.path("docker"));
    let copy = copy.args(["cp", "--to-plain-http", "--from-oci-layout", &images::multi_arch().reference()]);
    copy.arg(oras.bench.image("multi:1")).succeeds();
    let resolve = || oras.command(&["resolve"]).arg(oras.bench.image("library/multi:1"));
    assert_eq!(resolve().succeeds(), images::multi_arch().digest());
    oras.command(&["manifest", "delete", "--force"]).arg(oras.bench.image("library/multi:1")).succeeds();
    resolve().fails();
}

#[test]
fn a_blob_is_pushed_fetched_and_deleted() {
    let oras = Oras::signed_in();
    oras.bench.write("blob", "0123456789");
    let digest = "sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
    let name = oras.bench.image(&format!("library/blobs@{digest}"));
    oras.command(&["blob", "push"]).args([&name, "blob"]).succeeds();
    assert_eq!(oras.command(&["blob", "fetch", "--output", "-"]).arg(&name).succeeds(), "0123456789");
    oras.command(&["blob", "delete", "--force"]).arg(&name).succeeds();
    oras.command(&["blob", "fetch", "--output", "-"]).arg(&name).fails();
}
