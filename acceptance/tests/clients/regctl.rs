//! regctl (regclient), the client that tries the most of the protocol.

use hythe_acceptance::client::Client;
use hythe_acceptance::images::{self, Image};
use hythe_acceptance::workbench::{Workbench, json};

struct Regctl {
    bench: Workbench,
}

impl Regctl {
    fn new() -> Regctl {
        let regctl = Regctl { bench: Workbench::new() };
        let plain = regctl.command(&["registry", "set", "--skip-check", "--tls", "disabled"]);
        plain.arg(regctl.bench.server.host()).succeeds();
        regctl
    }

    fn signed_in() -> Regctl {
        let regctl = Regctl::new();
        regctl.login(&regctl.bench.server.administrator().password).succeeds();
        regctl
    }

    fn command(&self, words: &[&str]) -> Client {
        self.bench.client("regctl").variable("REGCTL_CONFIG", self.bench.path("regctl.json")).args(words)
    }

    fn login(&self, password: &str) -> Client {
        self.command(&["registry", "login", "-u", "admin", "-p", password]).arg(self.bench.server.host())
    }

    fn push(&self, image: &Image, name: &str) {
        let copy = self.command(&["image", "copy"]).arg(format!("ocidir://{}", image.reference()));
        copy.arg(self.bench.image(name)).succeeds();
    }
}

#[test]
fn signs_in_only_with_the_right_password() {
    let regctl = Regctl::new();
    let said = regctl.login("not-the-password-1").fails();
    assert!(said.contains("unauthorized"), "{said}");
    regctl.login(&regctl.bench.server.administrator().password).succeeds();
}

#[test]
fn copies_lists_and_deletes() {
    let regctl = Regctl::signed_in();
    regctl.push(&images::multi_arch(), "library/regctl:1");
    let head = regctl.command(&["manifest", "head"]).arg(regctl.bench.image("library/regctl:1"));
    assert_eq!(head.succeeds(), images::multi_arch().digest());
    let copy = regctl.command(&["image", "copy"]).arg(regctl.bench.image("library/regctl:1"));
    copy.arg(regctl.bench.image("library/regctl:2")).succeeds();
    let list = || regctl.command(&["tag", "ls"]).arg(regctl.bench.image("library/regctl")).succeeds();
    assert_eq!(list(), "1\n2");
    regctl.command(&["tag", "delete"]).arg(regctl.bench.image("library/regctl:1")).succeeds();
    assert_eq!(list(), "2");
    let repositories = regctl.command(&["repo", "ls"]).arg(regctl.bench.server.host()).succeeds();
    assert_eq!(repositories, "library/regctl");
}

#[test]
fn pulls_what_it_pushed() {
    let regctl = Regctl::signed_in();
    regctl.push(&images::many_layers(), "many:1");
    let back = regctl.bench.path("back");
    let pull = regctl.command(&["image", "copy"]).arg(regctl.bench.image("many:1"));
    pull.arg(format!("ocidir://{}:back", back.display())).succeeds();
    let index = json(&std::fs::read_to_string(back.join("index.json")).unwrap());
    assert_eq!(index["manifests"][0]["digest"], images::many_layers().digest());
}

#[test]
fn blobs_are_put_in_chunks_and_read_back() {
    let regctl = Regctl::signed_in();
    let chunks = regctl.command(&["registry", "set", "--blob-chunk", "65536", "--blob-max", "65536"]);
    chunks.arg(regctl.bench.server.host()).succeeds();
    let content: String = (0..50_000).map(|number| format!("{number:07}\n")).collect();
    regctl.bench.write("content", &content);
    let put = format!("regctl blob put {} < content", regctl.bench.image("library/blobs"));
    let shell = regctl.bench.client("sh").variable("REGCTL_CONFIG", regctl.bench.path("regctl.json"));
    let digest = shell.args(["-c", &put]).succeeds();
    let get = regctl.command(&["blob", "get"]).arg(regctl.bench.image("library/blobs")).arg(digest);
    assert_eq!(get.succeeds(), content.trim_end());
}

#[test]
fn artifacts_refer_to_images() {
    let regctl = Regctl::signed_in();
    regctl.push(&images::busybox(), "library/subject:1");
    regctl.bench.write("sbom.json", "{}");
    let subject = regctl.bench.image("library/subject:1");
    let put = regctl.command(&[
        "artifact",
        "put",
        "--artifact-type",
        "application/vnd.test.sbom",
        "-f",
        "sbom.json",
    ]);
    put.args(["--subject", &subject]).succeeds();
    let list = regctl.command(&["artifact", "list", "--format", "{{jsonPretty .}}", &subject]).succeeds();
    assert_eq!(json(&list)["descriptors"].as_array().map(Vec::len), Some(1), "{list}");
    assert!(list.contains("application/vnd.test.sbom"), "{list}");
}
