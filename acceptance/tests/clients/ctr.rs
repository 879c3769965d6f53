//! containerd's ctr: pulls by plain HTTP, by TLS, and runs.

use std::path::PathBuf;

use hythe_acceptance::certificates::Certificates;
use hythe_acceptance::client::Client;
use hythe_acceptance::images::{self, Image};
use hythe_acceptance::server::Options;
use hythe_acceptance::workbench::Workbench;
use tempfile::TempDir;

use crate::engine::{self, Daemon};

struct Ctr {
    _daemon: Daemon,
    socket: PathBuf,
    bench: Workbench,
}

impl Ctr {
    fn new(bench: Workbench) -> Ctr {
        let (daemon, socket) = engine::containerd(&bench);
        Ctr { _daemon: daemon, socket, bench }
    }

    fn command(&self, words: &[&str]) -> Client {
        // The native snapshotter copies: overlay on overlay is not to be had everywhere.
        let client =
            self.bench.client("ctr").variable("CONTAINERD_SNAPSHOTTER", "native").arg("-a").arg(&self.socket);
        client.args(words)
    }

    /// Puts an image into containerd under the name that it shall have in the registry.
    fn import(&self, image: &Image, name: &str) -> String {
        let archive = self.bench.path("image.tar").display().to_string();
        let target = format!("oci-archive:{archive}:1");
        let source = format!("oci:{}", image.reference());
        self.bench.client("skopeo").args(["copy", "--all", &source, &target]).succeeds();
        let reference = self.bench.image(name);
        let base = reference.trim_end_matches(":1").to_owned();
        self.command(&["images", "import", "--all-platforms", "--base-name", &base, &archive]).succeeds();
        reference
    }

    fn credentials(&self) -> String {
        self.bench.server.administrator().credentials()
    }
}

#[test]
fn an_image_is_pushed_pulled_and_run() {
    let ctr = Ctr::new(Workbench::new());
    let image = ctr.import(&images::busybox(), "app:1");
    ctr.command(&["images", "push", "--plain-http", "-u", "admin:not-the-password-1", &image]).fails();
    ctr.command(&["images", "push", "--plain-http", "-u", &ctr.credentials(), &image]).succeeds();
    ctr.command(&["images", "rm", "--sync", &image]).succeeds();
    ctr.command(&["images", "pull", "--plain-http", "-u", &ctr.credentials(), &image]).succeeds();
    let run = ctr.command(&["run", "--rm", "--snapshotter=native", &image, "one", "echo", "it runs"]);
    assert_eq!(run.succeeds(), "it runs");
}

#[test]
fn an_index_is_pushed_with_all_platforms() {
    let ctr = Ctr::new(Workbench::new());
    let image = ctr.import(&images::multi_arch(), "library/multi:1");
    ctr.command(&["images", "push", "--plain-http", "-u", &ctr.credentials(), &image]).succeeds();
    let pull = ["content", "fetch", "--plain-http", "--all-platforms", "-u", &ctr.credentials(), &image];
    ctr.command(&pull).succeeds();
}

#[test]
fn a_certificate_from_a_known_authority_is_trusted() {
    let home = TempDir::with_prefix("hythe-tls-").unwrap();
    let certificates = Certificates::make(home.path());
    let ctr = Ctr::new(Workbench::with(&Options::default().certificate(&certificates), home));
    let host = ctr.bench.server.host();
    let authority = certificates.trusted().join("ca.crt");
    ctr.bench.write(
        &format!("certs.d/{host}/hosts.toml"),
        format!("server = \"https://{host}\"\n[host.\"https://{host}\"]\nca = \"{}\"\n", authority.display()),
    );
    let image = ctr.import(&images::busybox(), "library/tls:1");
    let hosts = ctr.bench.path("certs.d").display().to_string();
    ctr.command(&["images", "push", "--hosts-dir", &hosts, "-u", &ctr.credentials(), &image]).succeeds();
    ctr.command(&["images", "pull", "--hosts-dir", &hosts, "-u", &ctr.credentials(), &image]).succeeds();
}
