//! A Hythe of the suites' own: SQLite and a folder, both gone afterwards.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::command::Outcome;
use crate::places;
use crate::services::{self, Folder, Service};

/// A running server; dropped, it ends and its folder goes.
pub(super) struct Server {
    address: String,
    _service: Service,
    folder: Folder,
}

impl Server {
    /// The administrator's, for this server's short life.
    pub(super) const PASSWORD: &'static str = "conformance-suite-1";

    /// Starts the built binary on a free loopback port and waits until it answers.
    pub(super) fn start() -> Outcome<Server> {
        let folder = Folder::new("conformance")?;
        let port = services::free_port()?;
        let address = format!("127.0.0.1:{port}");
        let mut hythe = Command::new(places::target().join("debug/hythe"));
        // The binary refuses variables it does not know; those of tests are not meant for it.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HYTHE_")) {
            hythe.env_remove(name);
        }
        hythe
            .args(["serve", "--listen", &address, "--data"])
            .arg(folder.path().join("data"))
            .env("HYTHE_ADMIN_PASSWORD", Server::PASSWORD)
            .current_dir(folder.path());
        let service = Service::start("hythe", &mut hythe, folder.path(), port)?;
        Ok(Server { address, _service: service, folder })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
