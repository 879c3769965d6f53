//! What nearly every client test starts from: a server, and a folder that is the client's home.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;
use crate::server::{Options, Server};

/// A server and a home for one client.
pub struct Workbench {
    /// The server under test.
    pub server: Server,
    home: TempDir,
}

impl Workbench {
    /// A server with no configuration.
    pub fn new() -> Workbench {
        Workbench::with(&Options::default(), TempDir::with_prefix("hythe-client-").unwrap())
    }

    /// A server started with options that name files in `home`.
    pub fn with(options: &Options, home: TempDir) -> Workbench {
        Workbench { server: options.start(), home }
    }

    /// The client's home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path in the client's home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file in the client's home.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A call of `program` in this home.
    pub fn client(&self, program: &str) -> Client {
        Client::new(program, self.home.path())
    }

    /// `127.0.0.1:PORT/NAME`.
    pub fn image(&self, name: &str) -> String {
        self.server.image(name)
    }

    /// Signs the administrator in by file, as `docker login` leaves it, for clients whose login is tested elsewhere.
    pub fn sign_in_by_file(&self, name: &str) -> PathBuf {
        let credentials = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            self.server.administrator().credentials(),
        );
        let content = serde_json::json!({ "auths": { self.server.host(): { "auth": credentials } } });
        self.write(name, content.to_string())
    }
}

impl Default for Workbench {
    fn default() -> Workbench {
        Workbench::new()
    }
}

/// Reads what a client printed.
///
/// # Panics
/// With the text, if it is not JSON.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
}
