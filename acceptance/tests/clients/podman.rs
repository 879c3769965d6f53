//! podman: signs in, pushes, pulls and runs.

use hythe_acceptance::client::Client;
use hythe_acceptance::images;
use hythe_acceptance::workbench::Workbench;

use crate::engine;

struct Podman {
    bench: Workbench,
}

impl Podman {
    /// podman with the small image in its own storage.
    fn with_busybox() -> Podman {
        let podman = Podman { bench: Workbench::new() };
        podman.command(&["load", "--quiet", "--input", &podman.archive()]).succeeds();
        podman
    }

    /// The layout as one file, which is what podman loads under the name we want.
    fn archive(&self) -> String {
        let archive = self.bench.path("busybox.tar").display().to_string();
        let source = format!("oci:{}", images::busybox().reference());
        let target = format!("docker-archive:{archive}:localhost/busybox:1");
        self.bench.client("skopeo").args(["copy", &source, &target]).succeeds();
        archive
    }

    fn command(&self, words: &[&str]) -> Client {
        engine::containers_tool(&self.bench, "podman").args(words)
    }

    fn push(&self, name: &str) -> Client {
        self.command(&["push", "--quiet", "--tls-verify=false", "localhost/busybox:1"])
            .arg(self.bench.image(name))
    }
}

#[test]
fn signs_in_only_with_the_right_password() {
    let podman = Podman { bench: Workbench::new() };
    let host = podman.bench.server.host();
    let login = |password: &str| {
        podman.command(&["login", "--tls-verify=false", "-u", "admin", "-p", password, &host])
    };
    let said = login("not-the-password-1").fails();
    assert!(said.contains("invalid username/password"), "{said}");
    assert!(login(&podman.bench.server.administrator().password).succeeds().contains("Login Succeeded"));
}

#[test]
fn an_image_is_pushed_pulled_and_run() {
    let podman = Podman::with_busybox();
    podman.push("app:1").succeeds();
    podman.command(&["rmi", "--all", "--force"]).succeeds();
    let image = podman.bench.image("app:1");
    podman.command(&["pull", "--quiet", "--tls-verify=false", &image]).succeeds();
    let said = podman.command(&["run", "--rm", "--network=host", &image, "echo", "it runs"]);
    assert_eq!(said.succeeds(), "it runs");
}

#[test]
fn tags_are_searched() {
    let podman = Podman::with_busybox();
    podman.push("library/found:1").succeeds();
    podman.push("library/found:2").succeeds();
    let image = podman.bench.image("library/found");
    let said = podman.command(&["search", "--list-tags", "--tls-verify=false", &image]).succeeds();
    let tags: Vec<_> = said.lines().skip(1).filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(tags, ["1", "2"]);
}
