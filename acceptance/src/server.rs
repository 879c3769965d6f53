//! A running Hythe, started as a user starts it, on a port that it chose itself.

use std::env;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::actor::Actor;
use crate::certificates::Certificates;
use crate::{places, stores};

/// How long a server may take to answer, and to end once told to.
const PATIENCE: Duration = Duration::from_secs(20);
const ADMINISTRATOR: &str = "admin";
const PASSWORD: &str = "Acceptance-12345";

/// One server with a data folder of its own. Dropped, it ends; if the test is failing, its log is printed and
/// its folder kept.
pub struct Server {
    child: Child,
    address: SocketAddr,
    folder: Option<TempDir>,
    log: PathBuf,
}

/// What a test may want to be different.
#[derive(Default)]
pub struct Options {
    variables: Vec<(String, String)>,
}

impl Options {
    /// Sets one `HYTHE_…` variable.
    pub fn variable(mut self, name: &str, value: &str) -> Options {
        self.variables.push((name.to_owned(), value.to_owned()));
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
        let log = folder.path().join("server.log");
        let output = File::create(&log).unwrap();
        let mut command = Command::new(places::hythe());
        // The binary refuses variables it does not know; those of the tests are not meant for it.
        let of_tests =
            env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("HYTHE_"));
        of_tests.for_each(|name| {
            command.env_remove(name);
        });
        let child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .env("HYTHE_ADMIN_PASSWORD", PASSWORD)
            .envs(stores::variables())
            .envs(options.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Server { child, address: unknown, folder: Some(folder), log };
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
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
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
