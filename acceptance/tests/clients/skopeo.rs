//! skopeo: copies images as they are.

use hythe_acceptance::client::Client;
use hythe_acceptance::images::{self, Image};
use hythe_acceptance::workbench::{Workbench, json};

/// A workbench where skopeo is signed in as the administrator.
pub(crate) struct Skopeo {
    pub(crate) bench: Workbench,
}

impl Skopeo {
    pub(crate) fn signed_in() -> Skopeo {
        let bench = Workbench::new();
        bench.sign_in_by_file("auth.json");
        Skopeo { bench }
    }

    pub(crate) fn command(&self, verb: &str) -> Client {
        self.bench.client("skopeo").variable("REGISTRY_AUTH_FILE", self.bench.path("auth.json")).arg(verb)
    }

    pub(crate) fn remote(&self, name: &str) -> String {
        format!("docker://{}", self.bench.image(name))
    }

    pub(crate) fn push(&self, image: &Image, name: &str) -> Client {
        self.command("copy")
            .args(["--all", "--preserve-digests", "--dest-tls-verify=false"])
            .args([format!("oci:{}", image.reference()), self.remote(name)])
    }

    /// Copies out to a fresh layout and returns the digest of what arrived.
    fn pull_digest(&self, name: &str) -> String {
        let layout = self.bench.path("pulled");
        self.command("copy")
            .args(["--all", "--preserve-digests", "--src-tls-verify=false"])
            .args([self.remote(name), format!("oci:{}:back", layout.display())])
            .succeeds();
        let index = json(&std::fs::read_to_string(layout.join("index.json")).unwrap());
        index["manifests"][0]["digest"].as_str().unwrap().to_owned()
    }

    fn inspect(&self, name: &str) -> String {
        self.command("inspect").args(["--raw", "--tls-verify=false"]).arg(self.remote(name)).succeeds()
    }
}

fn comes_back_whole(image: &Image, name: &str) {
    let skopeo = Skopeo::signed_in();
    skopeo.push(image, name).succeeds();
    assert_eq!(skopeo.pull_digest(name), image.digest());
}

#[test]
fn signs_in_and_out() {
    let bench = Workbench::new();
    let admin = bench.server.administrator();
    let login = |password: &str| {
        bench
            .client("skopeo")
            .args(["login", "--tls-verify=false", "--authfile", "auth.json", "-u", &admin.name, "-p"])
            .arg(password)
            .arg(bench.server.host())
    };
    let said = login(&admin.with_wrong_password().password).fails();
    assert!(said.contains("invalid username/password") || said.contains("unauthorized"), "{said}");
    assert!(login(&admin.password).succeeds().contains("Login Succeeded"));
    let logout = bench.client("skopeo").args(["logout", "--authfile", "auth.json"]).arg(bench.server.host());
    assert!(logout.succeeds().contains("Removed login credentials"));
}

#[test]
fn a_pushed_image_comes_back_byte_for_byte() {
    comes_back_whole(&images::busybox(), "library/busybox:1");
}

#[test]
fn an_index_over_three_architectures_comes_back() {
    comes_back_whole(&images::multi_arch(), "library/multi:1");
}

#[test]
fn an_image_of_120_layers_comes_back() {
    comes_back_whole(&images::many_layers(), "library/many:1");
}

#[test]
fn a_layer_of_one_gib_comes_back() {
    comes_back_whole(&images::large(), "library/large:1");
}

#[test]
fn a_debian_root_file_system_comes_back() {
    comes_back_whole(&images::debian(), "library/debian:12");
}

#[test]
fn one_part_names_are_in_library() {
    let skopeo = Skopeo::signed_in();
    skopeo.push(&images::busybox(), "app:1").succeeds();
    assert_eq!(skopeo.pull_digest("app:1"), images::busybox().digest());
    assert_eq!(skopeo.inspect("library/app:1"), skopeo.inspect("app:1"));
}

#[test]
fn tags_are_listed_in_order_and_deleted() {
    let skopeo = Skopeo::signed_in();
    for tag in ["b", "a", "c"] {
        skopeo.push(&images::busybox(), &format!("library/tags:{tag}")).succeeds();
    }
    let list = || {
        let said = skopeo
            .command("list-tags")
            .arg("--tls-verify=false")
            .arg(skopeo.remote("library/tags"))
            .succeeds();
        json(&said)["Tags"].clone()
    };
    assert_eq!(list(), serde_json::json!(["a", "b", "c"]));
    // skopeo deletes the manifest that a tag names, and with it every tag of it.
    skopeo.command("delete").arg("--tls-verify=false").arg(skopeo.remote("library/tags:a")).succeeds();
    skopeo.command("inspect").arg("--tls-verify=false").arg(skopeo.remote("library/tags:b")).fails();
}

#[test]
fn docker_schema_2_images_and_lists_are_taken() {
    let skopeo = Skopeo::signed_in();
    let multi = images::multi_arch();
    skopeo
        .command("copy")
        .args(["--all", "--format=v2s2", "--dest-tls-verify=false"])
        .args([format!("oci:{}", multi.reference()), skopeo.remote("library/v2s2:1")])
        .succeeds();
    let list = json(&skopeo.inspect("library/v2s2:1"));
    assert_eq!(list["mediaType"], "application/vnd.docker.distribution.manifest.list.v2+json");
    let child = list["manifests"][0]["digest"].as_str().unwrap();
    let child = json(&skopeo.inspect(&format!("library/v2s2@{child}")));
    assert_eq!(child["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");
}

#[test]
fn zstd_layers_are_taken() {
    let skopeo = Skopeo::signed_in();
    skopeo
        .command("copy")
        .args(["--dest-compress-format=zstd", "--dest-tls-verify=false"])
        .args([format!("oci:{}", images::busybox().reference()), skopeo.remote("library/zstd:1")])
        .succeeds();
    let manifest = json(&skopeo.inspect("library/zstd:1"));
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    assert_eq!(skopeo.pull_digest("library/zstd:1").len(), 71);
}

#[test]
fn a_copy_to_a_second_repository_mounts_its_layers() {
    let skopeo = Skopeo::signed_in();
    skopeo.push(&images::busybox(), "library/from:1").succeeds();
    let copy =
        skopeo.command("--debug").arg("copy").args(["--src-tls-verify=false", "--dest-tls-verify=false"]);
    let copy = copy.args([skopeo.remote("library/from:1"), skopeo.remote("library/to:1")]);
    let said = copy.says();
    assert!(said.contains("mount OK"), "the layer was not mounted: {said}");
    assert_eq!(said.matches("PATCH").count(), 1, "more was uploaded than the configuration: {said}");
    assert_eq!(skopeo.inspect("library/to:1"), skopeo.inspect("library/from:1"));
}
