//! One call of a real client: what it was told, what it said, and that it ended in time.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::places;

/// A client that hangs is a failure; no call of ours takes longer than this on a busy machine with two cores.
const SECONDS: &str = "400";

/// Where a program is, if it is installed.
pub fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&places::search_path())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Whether a client is there that not every machine can have; where it is not, the test says so and is over.
pub fn is_there(program: &str) -> bool {
    let there = find(program).is_some();
    if !there {
        eprintln!("NOT RUN: this machine cannot have {program}; see `cargo xtask tools`");
    }
    there
}

/// A call in the making; its home and every configuration file of its own are in one folder.
pub struct Client {
    command: Command,
}

impl Client {
    /// A program that finds nothing of the user's: its home is `home`.
    pub fn new(program: &str, home: &Path) -> Client {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=10", SECONDS, program]).current_dir(home).stdin(Stdio::null());
        command.env("PATH", places::search_path()).env("HOME", home).env_remove("AWS_CA_BUNDLE");
        command.env("XDG_CONFIG_HOME", home.join(".config")).env("XDG_CACHE_HOME", home.join(".cache"));
        Client { command }
    }

    /// The python that has harborapi.
    pub fn python(home: &Path) -> Client {
        Client::new(&places::cache().join("venv-api/bin/python").to_string_lossy(), home)
    }

    /// Adds one argument.
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Client {
        self.command.arg(word);
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = S>) -> Client {
        self.command.args(words);
        self
    }

    /// Sets one variable.
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Client {
        self.command.env(name, value);
        self
    }

    /// Runs to the end; returns standard output without the closing line end.
    ///
    /// # Panics
    /// With everything it said, if it failed.
    pub fn succeeds(self) -> String {
        String::from_utf8_lossy(&self.success().stdout).trim_end().to_owned()
    }

    /// Runs to the end; returns both outputs, for clients that say on standard error what they did.
    ///
    /// # Panics
    /// With everything it said, if it failed.
    pub fn says(self) -> String {
        said(&self.success())
    }

    /// Runs to the end; returns all it said.
    ///
    /// # Panics
    /// If it succeeded, or was ended because it took too long.
    pub fn fails(mut self) -> String {
        let output = self.run();
        let hung = matches!(output.status.code(), None | Some(124 | 137));
        assert!(
            !output.status.success() && !hung,
            "{} should fail: {}\n{}",
            self.shown(),
            output.status,
            said(&output)
        );
        said(&output)
    }

    /// The command itself, for programs that are started and left to run.
    pub fn into_command(self) -> Command {
        self.command
    }

    fn success(mut self) -> Output {
        let output = self.run();
        assert!(output.status.success(), "{} failed: {}\n{}", self.shown(), output.status, said(&output));
        output
    }

    /// The call without its variables and its deadline.
    fn shown(&self) -> String {
        let words = self.command.get_args().skip(2).map(|word| word.to_string_lossy().into_owned());
        words.collect::<Vec<_>>().join(" ")
    }

    fn run(&mut self) -> Output {
        self.command.output().unwrap_or_else(|error| panic!("cannot start {:?}: {error}", self.command))
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
