//! buildah: builds on what is in the registry and pushes what it built.

use hythe_acceptance::client::Client;
use hythe_acceptance::images;
use hythe_acceptance::workbench::{Workbench, json};

use crate::engine;

struct Buildah {
    bench: Workbench,
}

impl Buildah {
    /// buildah, with the small image in the registry as `library/base:1`.
    fn with_base() -> Buildah {
        let buildah = Buildah { bench: Workbench::new() };
        let source = format!("oci:{}", images::busybox().reference());
        let target = format!("docker://{}", buildah.bench.image("library/base:1"));
        let copy = engine::containers_tool(&buildah.bench, "skopeo");
        copy.args(["copy", "--dest-tls-verify=false", &source, &target]).succeeds();
        buildah
    }

    fn command(&self, words: &[&str]) -> Client {
        engine::containers_tool(&self.bench, "buildah").args(words)
    }

    /// Builds from the base in the registry; `chroot` needs no network and no cgroup.
    fn build(&self, tag: &str) {
        let base = self.bench.image("library/base:1");
        self.bench.write("context/Containerfile", format!("FROM {base}\nRUN echo built > /built\n"));
        self.command(&["bud", "--quiet", "--isolation=chroot", "--tls-verify=false", "-t", tag, "context"])
            .succeeds();
    }

    fn manifest(&self, name: &str) -> serde_json::Value {
        let inspect =
            engine::containers_tool(&self.bench, "skopeo").args(["inspect", "--raw", "--tls-verify=false"]);
        json(&inspect.arg(format!("docker://{}", self.bench.image(name))).succeeds())
    }
}

#[test]
fn signs_in_only_with_the_right_password() {
    let buildah = Buildah { bench: Workbench::new() };
    let host = buildah.bench.server.host();
    let login = |password: &str| {
        buildah.command(&["login", "--tls-verify=false", "-u", "admin", "-p", password, &host])
    };
    login("not-the-password-1").fails();
    assert!(login(&buildah.bench.server.administrator().password).succeeds().contains("Login Succeeded"));
}

#[test]
fn an_image_is_built_on_one_from_the_registry_and_pushed() {
    let buildah = Buildah::with_base();
    buildah.build("localhost/built:1");
    let target = format!("docker://{}", buildah.bench.image("library/built:1"));
    buildah.command(&["push", "--quiet", "--tls-verify=false", "localhost/built:1", &target]).succeeds();
    let manifest = buildah.manifest("library/built:1");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 2);
    let base = buildah.manifest("library/base:1");
    assert_eq!(
        manifest["layers"][0]["digest"], base["layers"][0]["digest"],
        "the base layer was mounted, not made anew"
    );
}

#[test]
fn a_manifest_list_is_made_and_pushed_with_all_it_names() {
    let buildah = Buildah { bench: Workbench::new() };
    buildah.command(&["manifest", "create", "localhost/all:1"]).succeeds();
    for architecture in ["amd64", "arm64"] {
        buildah.bench.write("arch", architecture);
        let container = buildah.command(&["from", "--arch", architecture, "scratch"]).succeeds();
        buildah.command(&["copy", "--quiet", &container, "arch", "/arch"]).succeeds();
        buildah.command(&["config", "--arch", architecture, "--os", "linux", &container]).succeeds();
        let name = format!("localhost/one:{architecture}");
        buildah.command(&["commit", "--quiet", "--rm", &container, &name]).succeeds();
        let source = format!("containers-storage:{name}");
        buildah.command(&["manifest", "add", "localhost/all:1", &source]).succeeds();
    }
    let target = format!("docker://{}", buildah.bench.image("multi:1"));
    buildah
        .command(&["manifest", "push", "--all", "--tls-verify=false", "localhost/all:1", &target])
        .succeeds();
    let index = buildah.manifest("library/multi:1");
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
}
