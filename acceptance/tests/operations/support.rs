//! A registry in a folder, the servers that are started on it, and the commands that are run beside them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use hythe_acceptance::certificates::Certificates;
use hythe_acceptance::desk::{self, Desk};
use hythe_acceptance::server::{self, Options};
use tempfile::TempDir;

/// Where a registry keeps what it has: a database that may be changed for another, and a folder of blobs.
pub(crate) struct Place {
    folder: TempDir,
    database: String,
}

impl Place {
    /// On SQLite.
    pub(crate) fn new() -> Place {
        let folder = TempDir::with_prefix("hythe-place-").unwrap();
        let database = format!("sqlite://{}/hythe.db", folder.path().display());
        Place { folder, database }
    }

    /// From now on with this database.
    pub(crate) fn use_database(&mut self, url: &str) {
        url.clone_into(&mut self.database);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn storage(&self) -> PathBuf {
        self.path("blobs")
    }

    fn variables(&self) -> [(&'static str, String); 2] {
        let storage = self.storage().display().to_string();
        [("HYTHE_DATABASE_URL", self.database.clone()), ("HYTHE_STORAGE_URL", storage)]
    }

    /// A server on it, and a public project there.
    pub(crate) async fn serve(&self) -> Desk {
        Desk::with(&self.options()).await
    }

    /// A server on it that knows the project already.
    pub(crate) fn serve_again(&self, project: &str) -> Desk {
        let http = desk::builder().build().unwrap();
        Desk { server: self.options().start().into(), http, project: project.to_owned() }
    }

    pub(crate) fn options(&self) -> Options {
        let options = Options::default().data(&self.path("data"));
        self.variables().iter().fold(options, |options, (name, value)| options.variable(name, value))
    }

    /// Asks the doctor on a machine that trusts these certificates.
    pub(crate) fn doctor_trusting(&self, certificates: &Certificates, url: &str) -> serde_json::Value {
        let mut command = self.command(&["doctor", "--listen", "127.0.0.1:0", "--output", "json", url]);
        let output = command.env("SSL_CERT_FILE", certificates.trusted().join("ca.crt")).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command of the operator here.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// Keeps a login of the administrator of this server.
    pub(crate) fn log_in(&self, server: &str) {
        let password = self.path("password");
        std::fs::write(&password, server::PASSWORD).unwrap();
        let mut command = self.command(&["login", server, "--username", "admin", "--password-stdin"]);
        Ran::from(command.stdin(std::fs::File::open(password).unwrap()).output().unwrap()).succeeds();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(server::binary());
        command
            .args(arguments)
            .arg("--data")
            .arg(self.path("data"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .envs(self.variables())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// What it printed, as it must have succeeded.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// What it complained of in one line, as it must have failed.
    #[track_caller]
    pub(crate) fn fails(self) -> String {
        assert_eq!((self.code, self.err.trim_end().lines().count()), (1, 1), "{self:?}");
        self.err
    }
}

/// The permissions of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().unwrap().permissions().mode() & 0o777
}
