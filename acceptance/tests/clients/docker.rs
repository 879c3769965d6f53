//! dockerd and its client: the classic push and pull.

use hythe_acceptance::client::Client;
use hythe_acceptance::images;
use hythe_acceptance::workbench::{Workbench, json};

use crate::engine::{self, Daemon};

struct Docker {
    // Dropped in this order: the engine before what it stands on.
    _dockerd: Daemon,
    _containerd: Daemon,
    socket: String,
    bench: Workbench,
}

impl Docker {
    fn new() -> Docker {
        let bench = Workbench::new();
        let (dockerd, containerd, socket) = engine::dockerd(&bench);
        Docker { _dockerd: dockerd, _containerd: containerd, socket, bench }
    }

    fn signed_in() -> Docker {
        let docker = Docker::new();
        docker.login(&docker.bench.server.administrator().password).succeeds();
        docker
    }

    fn command(&self, words: &[&str]) -> Client {
        let client =
            self.bench.client("/usr/bin/docker").variable("DOCKER_CONFIG", self.bench.path("docker"));
        client.args(["--host", &self.socket]).args(words)
    }

    fn login(&self, password: &str) -> Client {
        self.command(&["login", "-u", "admin", "-p", password]).arg(self.bench.server.host())
    }

    /// Loads an image under its name in the registry.
    fn load(&self, name: &str) -> String {
        let image = self.bench.image(name);
        let archive = self.bench.path("image.tar").display().to_string();
        let source = format!("oci:{}", images::busybox().reference());
        let target = format!("docker-archive:{archive}:{image}");
        self.bench.client("skopeo").args(["copy", &source, &target]).succeeds();
        self.command(&["load", "--quiet", "--input", &archive]).succeeds();
        image
    }
}

#[test]
fn signs_in_only_with_the_right_password() {
    let docker = Docker::new();
    let said = docker.login("not-the-password-1").fails();
    assert!(said.contains("unauthorized") || said.contains("401"), "{said}");
    assert!(
        docker.login(&docker.bench.server.administrator().password).succeeds().contains("Login Succeeded")
    );
}

#[test]
fn an_image_is_pushed_removed_and_pulled() {
    let docker = Docker::signed_in();
    let image = docker.load("app:1");
    let pushed = docker.command(&["push", &image]).succeeds();
    let digest = pushed.split("digest: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    docker.command(&["rmi", &image]).succeeds();
    let pulled = docker.command(&["pull", &image]).succeeds();
    assert!(pulled.contains(&format!("Digest: {digest}")), "{pulled}");
    let run = docker.command(&["run", "--rm", "--network=none", &image, "echo", "it runs"]);
    assert_eq!(run.succeeds(), "it runs");
}

#[test]
fn a_manifest_list_is_made_of_two_images_and_pushed() {
    let docker = Docker::signed_in();
    let one = docker.load("library/part:1");
    docker.command(&["push", "--quiet", &one]).succeeds();
    let list = docker.bench.image("library/whole:1");
    let manifest = |words: &[&str]| {
        docker.command(&["manifest"]).variable("DOCKER_CLI_EXPERIMENTAL", "enabled").args(words)
    };
    manifest(&["create", "--insecure", &list, &one]).succeeds();
    manifest(&["annotate", &list, &one, "--arch", "arm64"]).succeeds();
    manifest(&["push", "--insecure", &list]).succeeds();
    let back = json(&manifest(&["inspect", "--insecure", &list]).succeeds());
    assert_eq!(back["manifests"][0]["platform"]["architecture"], "arm64");
}

#[test]
fn an_image_is_built_on_one_from_the_registry() {
    let docker = Docker::signed_in();
    let base = docker.load("library/base:1");
    docker.command(&["push", "--quiet", &base]).succeeds();
    docker.command(&["rmi", &base]).succeeds();
    docker.bench.write("context/Dockerfile", format!("FROM {base}\nRUN echo built > /built\n"));
    let built = docker.bench.image("library/built:1");
    docker.command(&["build", "--quiet", "--network=none", "-t", &built, "context"]).succeeds();
    docker.command(&["push", "--quiet", &built]).succeeds();
}
