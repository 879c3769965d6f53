//! The binary in a folder of its own, what it said, and a server that can be told to end.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program in a folder of its own, with no HYTHE_ variable but those that a test sets.
pub(crate) struct Hythe {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Hythe {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), variables: Vec::new() }
    }

    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path().join(name), text).unwrap();
        self
    }

    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// With a home, where logins are kept.
    pub(crate) fn with_home(self) -> Self {
        let home = self.path().display().to_string();
        self.variable("XDG_CONFIG_HOME", home)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hythe"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HYTHE_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        self.feed(self.command(arguments), input)
    }

    /// Runs a command that reads this. One that fails before it reads may have gone by then.
    pub(crate) fn feed(&self, mut command: Command, input: &str) -> Ran {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::from(child.wait_with_output().unwrap())
    }
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// It did what it was asked, without a word of complaint.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// It ended with this code and these words on standard error.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, err: &str) {
        assert_eq!((self.code, self.err.as_str()), (code, err), "{}", self.out);
    }
}

/// A server that answers on a port of its own.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) port: u16,
    /// What it printed until it listened.
    pub(crate) printed: String,
}

impl Server {
    pub(crate) fn start(hythe: &Hythe) -> Self {
        let mut child =
            hythe.command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        let port = loop {
            assert!(lines.read_line(&mut printed).unwrap() > 0, "it ended at once: {printed}");
            if let Some((_, after)) = printed.split_once("listening on http://127.0.0.1:") {
                break after.split(' ').next().unwrap().parse().unwrap();
            }
        };
        // Nobody reads what comes later, and a full pipe would stop the server.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        TcpStream::connect(("127.0.0.1", port)).unwrap();
        Self { child, port, printed }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Tells it to end, and gives its exit code.
    pub(crate) fn stop(mut self) -> i32 {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
