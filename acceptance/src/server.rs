//! A running Hythe, started as a user starts it, on a port that it chose itself.

use std::env;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::actor::Actor;
use crate::certificates::Certificates;
use crate::{places, stores};

/// How long a server may take to answer, and to end once told to.
const PATIENCE: Duration = Duration::from_secs(45);
const ADMINISTRATOR: &str = "admin";
/// The password of the administrator.
pub const PASSWORD: &str = "Acceptance-12345";

/// What every node that shares a database has in common.
pub const SECRETS_KEY: &str = "c2VjcmV0cyBvZiB0aGUgdGVzdHMsIG9mIG5vYm9keSE=";

/// One server with a data folder of its own. Dropped, it ends; if the test is failing, its log is printed and
/// its folder kept.
pub struct Server {
    child: Child,
    address: SocketAddr,
    folder: Option<TempDir>,
    data: PathBuf,
    log: PathBuf,
}

/// What a test may want to be different.
#[derive(Clone, Default)]
pub struct Options {
    variables: Vec<(String, String)>,
    data: Option<PathBuf>,
    listen: Option<String>,
    binary: Option<PathBuf>,
}

impl Options {
    /// Sets one variable of its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Options {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps its data here and not in a folder of its own, so that another server can go on with it.
    pub fn data(mut self, folder: &Path) -> Options {
        self.data = Some(folder.to_owned());
        self
    }

    /// Listens here and not on a port that it chose.
    pub fn listen(mut self, address: &str) -> Options {
        self.listen = Some(address.to_owned());
        self
    }

    /// Runs another binary than the one under test.
    pub fn binary(mut self, path: &Path) -> Options {
        self.binary = Some(path.to_owned());
        self
    }

    /// Serves this certificate in place of a self-made one.
    pub fn certificate(self, certificates: &Certificates) -> Options {
        self.variable("HYTHE_TLS_CERT", &certificates.server_certificate().to_string_lossy())
            .variable("HYTHE_TLS_KEY", &certificates.server_key().to_string_lossy())
    }

    /// Starts the server and waits until it answers.
    pub fn start(&self) -> Server {
        Server::spawn(self)
    }

    /// Starts a server that must end by itself; its exit code and everything it printed.
    ///
    /// # Panics
    /// If it serves.
    pub fn refuses(&self) -> (i32, String) {
        let folder = TempDir::with_prefix("hythe-acceptance-").unwrap();
        let (mut child, log) = self.spawn_in(folder.path());
        let status = await_exit(&mut child).unwrap_or_else(|| {
            let _ = child.kill();
            panic!("the server did not end by itself");
        });
        (status.code().unwrap(), fs::read_to_string(log).unwrap())
    }

    /// Nodes on PostgreSQL are given their key; one on SQLite makes it, and takes it along where its rows are moved.
    fn secrets_key(
        &self,
        stores: &[(&'static str, String)],
        data: &Path,
    ) -> Option<(&'static str, &'static str)> {
        let own = self.variables.iter().map(|(name, value)| (name.as_str(), value));
        let mut all = stores.iter().map(|(name, value)| (*name, value)).chain(own);
        let shared = all.any(|(name, url)| name == "HYTHE_DATABASE_URL" && url.starts_with("postgres"));
        (shared && !data.join("secrets.key").exists()).then_some(("HYTHE_SECRETS_KEY", SECRETS_KEY))
    }

    /// A command of the binary that works on what a server with these options works on.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let data = self.data.clone().unwrap_or_default();
        let mut command = self.prepared(&data);
        command.args(arguments).env("HYTHE_DATA", data);
        command
    }

    /// The binary with what it is told by variables, and by no others: it refuses those that it does not know.
    fn prepared(&self, data: &Path) -> Command {
        let mut command = Command::new(self.binary.clone().unwrap_or_else(places::hythe));
        let of_tests =
            env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("HYTHE_"));
        of_tests.for_each(|name| {
            command.env_remove(name);
        });
        let stores = stores::variables();
        command
            .env("HYTHE_ADMIN_PASSWORD", PASSWORD)
            .envs(self.secrets_key(&stores, data))
            .envs(stores)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn data_in(&self, folder: &Path) -> PathBuf {
        self.data.clone().unwrap_or_else(|| folder.join("data"))
    }

    /// The process, and the file that it prints to.
    fn spawn_in(&self, folder: &Path) -> (Child, PathBuf) {
        let log = folder.join("server.log");
        let output = File::create(&log).unwrap();
        let mut command = self.prepared(&self.data_in(folder));
        let child = command
            .args(["serve", "--listen", self.listen.as_deref().unwrap_or("127.0.0.1:0"), "--data"])
            .arg(self.data_in(folder))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        (child, log)
    }
}

/// How a process ended, if it does in time.
fn await_exit(child: &mut Child) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(10));
    }
    None
}

/// The binary under test.
pub fn binary() -> PathBuf {
    places::hythe()
}

impl Server {
    /// A server with no configuration at all.
    pub fn start() -> Server {
        Options::default().start()
    }

    fn spawn(options: &Options) -> Server {
        let folder = TempDir::with_prefix("hythe-acceptance-").unwrap();
        let (child, log) = options.spawn_in(folder.path());
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Server {
            child,
            address: unknown,
            data: options.data_in(folder.path()),
            folder: Some(folder),
            log,
        };
        server.address = server.await_address();
        server
    }

    /// The address in the log, once it takes connections.
    fn await_address(&mut self) -> SocketAddr {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let printed = printed_address(&self.log());
            if let Some(address) = printed.filter(|address| TcpStream::connect(address).is_ok()) {
                return address;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended at once: {status}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the server printed no address that answers within {PATIENCE:?}");
    }

    /// `127.0.0.1:PORT`, the first part of every image name.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `127.0.0.1:PORT/NAME`.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// The administrator that the server made at its first start.
    pub fn administrator(&self) -> Actor {
        Actor::new(ADMINISTRATOR, PASSWORD)
    }

    /// Everything the server has printed so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The folder of its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status().unwrap();
        assert!(sent.success(), "SIG{name} could not be sent");
    }

    /// Waits for its end, which something else has brought about.
    ///
    /// # Panics
    /// If it does not end.
    pub fn ended(&mut self) -> ExitStatus {
        await_exit(&mut self.child).unwrap_or_else(|| panic!("the server still runs after {PATIENCE:?}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that has ended may have left its id to somebody else.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
            let _ = await_exit(&mut self.child);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- server log ---\n{}", self.log());
            if let Some(folder) = self.folder.take() {
                eprintln!("--- kept: {}", folder.keep().display());
            }
        }
    }
}

/// The address of the line that tells it; a database's address may stand before.
fn printed_address(log: &str) -> Option<SocketAddr> {
    const BEFORE: &str = "listening on http://127.0.0.1:";
    log.match_indices(BEFORE).find_map(|(at, _)| {
        let port = &log[at + BEFORE.len()..];
        let digits = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
        let port: u16 = port[..digits].parse().ok().filter(|port| *port != 0)?;
        Some(SocketAddr::from(([127, 0, 0, 1], port)))
    })
}

#[cfg(test)]
mod tests {
    use super::printed_address;

    #[test]
    fn finds_the_port_that_was_chosen() {
        let log = "asked for 127.0.0.1:0\nlistening on http://127.0.0.1:40123 (and https)\n";
        assert_eq!(printed_address(log).unwrap().port(), 40123);
        assert_eq!(printed_address("nothing yet"), None);
    }
}
