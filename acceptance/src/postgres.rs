//! A PostgreSQL of the test's own, which can be stopped and started again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::directory::{PATIENCE, await_port, free_port};

const FOLLOWERS: &str = "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'";

/// A cluster. Dropped, it ends.
pub struct Postgres {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Postgres {
    /// A new cluster that answers.
    pub fn start() -> Postgres {
        let folder = TempDir::with_prefix("hythe-postgres-").unwrap();
        if is_root() {
            // PostgreSQL refuses to run as root; Debian's user for it has to get into the folder.
            assert!(Command::new("chown").arg("postgres").arg(folder.path()).status().unwrap().success());
        }
        let made = program(folder.path(), "initdb")
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "-D",
            ])
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut postgres = Postgres { folder, port: free_port(), child: None };
        postgres.resume();
        postgres
    }

    /// From now on it counts how often each statement is run in `pg_stat_statements`.
    pub fn count(&mut self) {
        let mut settings =
            fs::OpenOptions::new().append(true).open(self.data().join("postgresql.conf")).unwrap();
        settings.write_all(b"shared_preload_libraries = 'pg_stat_statements'\n").unwrap();
        self.stop();
        self.resume();
        self.say("CREATE EXTENSION pg_stat_statements");
    }

    /// Runs one statement as its owner; what it prints.
    pub fn say(&self, statement: &str) -> String {
        let arguments = ["--quiet", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname"];
        let url = self.url();
        let said =
            Command::new("psql").args(arguments).args([&url, "--command", statement]).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    }

    /// A standby that follows this one; from now on what is committed is on both.
    pub fn standby(&self) -> Postgres {
        self.standby_at(free_port())
    }

    /// The same, at a port that is known already.
    pub fn standby_at(&self, port: u16) -> Postgres {
        let folder = TempDir::with_prefix("hythe-standby-").unwrap();
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(folder.path()).status().unwrap().success());
        }
        let copied = program(folder.path(), "pg_basebackup")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-U",
                "postgres",
                "-R",
                "-X",
                "stream",
                "-c",
            ])
            .args(["fast", "-D"])
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        let mut standby = Postgres { folder, port, child: None };
        standby.resume();
        let mut settings =
            fs::OpenOptions::new().append(true).open(self.data().join("postgresql.conf")).unwrap();
        settings.write_all(b"synchronous_standby_names = '*'\n").unwrap();
        self.control("reload");
        self.await_standby();
        standby
    }

    /// Waits until what is committed here is on a standby too.
    pub fn await_standby(&self) {
        let begun = Instant::now();
        let ask = || {
            program(self.folder.path(), "psql")
                .args(["--no-psqlrc", "-tA", "--dbname", &self.url(), "--command", FOLLOWERS])
                .output()
        };
        while ask().unwrap().stdout != b"1\n" {
            assert!(begun.elapsed() < PATIENCE, "no standby follows within {PATIENCE:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sets one of its settings while it runs.
    pub fn configure(&self, setting: &str, value: &str) {
        let done = program(self.folder.path(), "psql")
            .args(["--no-psqlrc", "--quiet", "--dbname", &self.url(), "--command"])
            .arg(format!("ALTER SYSTEM SET {setting} = '{value}'"))
            .status();
        assert!(done.unwrap().success(), "{setting} could not be set");
        self.control("reload");
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a standby the one that is written to.
    pub fn promote(&self) {
        self.control("promote");
    }

    /// This one or, where it is gone or only follows, the other.
    pub fn url_with(&self, other: &Postgres) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/postgres?target_session_attrs=read-write",
            self.port, other.port
        )
    }

    /// One of the actions of `pg_ctl` on the cluster, which runs.
    fn control(&self, action: &str) {
        let done =
            program(self.folder.path(), "pg_ctl").args([action, "-D"]).arg(self.data()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its maintenance database; there is no other.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it; who is connected is thrown out.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // PostgreSQL calls this its fast shutdown.
        let _ = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
        let _ = child.wait();
    }

    /// Ends it as a power cut would: what it has not written to its log is lost.
    pub fn crash(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // PostgreSQL calls this its immediate shutdown.
        let _ = Command::new("kill").args(["-s", "QUIT", &child.id().to_string()]).status();
        let _ = child.wait();
    }

    /// Starts it where it was stopped.
    pub fn resume(&mut self) {
        let log = fs::File::create(self.folder.path().join("postgres.log")).unwrap();
        let child = program(self.folder.path(), "postgres")
            .args([
                "-p",
                &self.port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=100",
            ])
            // A standby whose primary was away looks for it at once: every commit waits for it.
            .args(["-c", "wal_retrieve_retry_interval=200ms"])
            .args(["-c", &format!("unix_socket_directories={}", self.folder.path().display()), "-D"])
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        self.await_ready();
    }

    /// Its port takes connections some time before it answers them.
    fn await_ready(&self) {
        await_port(self.port);
        let begun = Instant::now();
        let ask = || {
            program(self.folder.path(), "pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
        };
        while !ask().unwrap().success() {
            assert!(begun.elapsed() < PATIENCE, "PostgreSQL is not ready within {PATIENCE:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// One of PostgreSQL's programs, by the user who may run it.
fn program(folder: &Path, name: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.arg(installed(name)).current_dir(folder);
    command
}

/// Debian keeps the programs of each version in a folder that is in nobody's path; the newest is taken.
fn installed(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let newest =
        versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.is_file()).max();
    newest.unwrap_or_else(|| PathBuf::from(name))
}
