//! crane (go-containerregistry), as CI systems use it.

use hythe_acceptance::client::Client;
use hythe_acceptance::images;
use hythe_acceptance::workbench::{Workbench, json};

struct Crane {
    bench: Workbench,
}

impl Crane {
    fn signed_in() -> Crane {
        let crane = Crane { bench: Workbench::new() };
        crane.login(&crane.bench.server.administrator().password).succeeds();
        crane
    }

    fn command(&self, verb: &str) -> Client {
        self.bench
            .client("crane")
            .variable("DOCKER_CONFIG", self.bench.path("docker"))
            .args(["--insecure", verb])
    }

    /// The command only stores what it is told; the registry is asked by the next one.
    fn login(&self, password: &str) -> Client {
        self.command("auth").args(["login", "-u", "admin", "-p", password]).arg(self.bench.server.host())
    }

    fn on(&self, verb: &str, name: &str) -> Client {
        self.command(verb).arg(self.bench.image(name))
    }

    /// Checks that all an image names is there, with the sizes it says; contents only where crane knows them
    /// to be gzip.
    fn validate(&self, name: &str) {
        self.command("validate").args(["--fast", "--remote"]).arg(self.bench.image(name)).succeeds();
    }

    fn push_busybox(&self, name: &str) {
        self.command("push").arg(images::busybox().folder()).arg(self.bench.image(name)).succeeds();
    }
}

#[test]
fn a_wrong_password_pushes_nothing() {
    let crane = Crane { bench: Workbench::new() };
    crane.login("not-the-password-1").succeeds();
    let push = crane.command("push").arg(images::busybox().folder()).arg(crane.bench.image("library/app:1"));
    let said = push.fails();
    assert!(said.contains("UNAUTHORIZED") || said.contains("401"), "{said}");
}

#[test]
fn pushes_validates_copies_lists_and_deletes() {
    let crane = Crane::signed_in();
    crane.push_busybox("library/crane:1");
    assert_eq!(crane.on("digest", "library/crane:1").succeeds(), images::busybox().digest());
    crane.validate("library/crane:1");
    crane.on("cp", "library/crane:1").arg(crane.bench.image("library/second:1")).succeeds();
    crane.on("tag", "library/crane:1").arg("2").succeeds();
    assert_eq!(crane.on("ls", "library/crane").succeeds(), "1\n2");
    let catalog = crane.command("catalog").arg(crane.bench.server.host()).succeeds();
    assert_eq!(catalog, "library/crane\nlibrary/second");
    let by_digest = format!("library/crane@{}", images::busybox().digest());
    crane.on("delete", &by_digest).succeeds();
    crane.on("manifest", "library/crane:2").fails();
}

#[test]
fn pulls_what_it_pushed() {
    let crane = Crane::signed_in();
    crane.push_busybox("app:1");
    let pulled = crane.bench.path("pulled");
    crane.on("pull", "app:1").arg(&pulled).args(["--format", "oci"]).succeeds();
    let index = json(&std::fs::read_to_string(pulled.join("index.json")).unwrap());
    assert_eq!(index["manifests"][0]["digest"], images::busybox().digest());
}

#[test]
fn an_index_is_pushed_and_narrowed_to_a_platform() {
    let crane = Crane::signed_in();
    let push = crane.command("push").arg(images::multi_arch().folder());
    push.arg(crane.bench.image("library/multi:1")).succeeds();
    let config = crane.on("config", "library/multi:1").args(["--platform", "linux/arm64"]);
    assert_eq!(json(&config.succeeds())["architecture"], "arm64");
}

#[test]
fn a_layer_is_appended_to_an_image_in_the_registry() {
    let crane = Crane::signed_in();
    crane.push_busybox("library/base:1");
    crane.bench.write("layer/new", "new");
    crane.bench.client("tar").args(["-cf", "layer.tar", "-C", "layer", "new"]).succeeds();
    let append = crane.command("append").arg("--base").arg(crane.bench.image("library/base:1"));
    append
        .args(["--new_layer", "layer.tar", "--new_tag"])
        .arg(crane.bench.image("library/grown:1"))
        .succeeds();
    let manifest = json(&crane.on("manifest", "library/grown:1").succeeds());
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 2);
    crane.validate("library/grown:1");
}
