//! How a command ends that did not do what it was asked: one line for a person, one code for a script.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::config::Problem;

/// The exit codes, as `hythe --help` lists them. Clap itself ends with 2 when the command line is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Failed = 1,
    Usage = 2,
    /// `doctor` or `config check` did its work and found something wrong.
    Found = 3,
    /// Not signed in, or not allowed.
    Refused = 4,
    /// What was named does not exist.
    Missing = 5,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    /// One line each.
    lines: Vec<String>,
}

impl Failure {
    /// "what, where, why"
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: Code::Failed, lines: vec![message.into()] }
    }

    /// The same with another exit code.
    pub(crate) fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// The command line asks for something that cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: Code::Usage, ..Self::new(message) }
    }

    /// What was tried, and why it failed: the error with all its causes.
    pub(crate) fn because(what: impl fmt::Display, error: &dyn Error) -> Self {
        Self::new(format!("{what}, {}", causes(error)))
    }

    /// What was tried with a file, why it failed, and what to do about that.
    pub(crate) fn of_file(what: impl fmt::Display, file: &Path, error: &io::Error) -> Self {
        let failure = Self::because(format!("{what} {}", file.display()), error);
        match advice(file, error.kind()) {
            Some(advice) => failure.hint(advice),
            None => failure,
        }
    }

    /// Everything was said already.
    pub(crate) fn found() -> Self {
        Self { code: Code::Found, lines: Vec::new() }
    }

    pub(crate) fn of_problems(problems: &[Problem]) -> Self {
        Self { code: Code::Failed, lines: problems.iter().map(Problem::to_string).collect() }
    }

    /// Adds what to do to the last line.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        if let Some(line) = self.lines.last_mut() {
            line.push_str(&format!("; hint: {hint}"));
        }
        self
    }

    /// Prints the reasons and gives the code to end with.
    pub(crate) fn report(&self) -> ExitCode {
        for line in &self.lines {
            eprintln!("error: {line}");
        }
        ExitCode::from(self.code as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("; "))
    }
}

fn advice(file: &Path, kind: io::ErrorKind) -> Option<String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match kind {
        io::ErrorKind::AlreadyExists => Some("what is there is left as it is; name a new file".to_owned()),
        io::ErrorKind::NotFound => Some(match folder.filter(|folder| !folder.exists()) {
            Some(folder) => format!("make the folder {} first, or name another", folder.display()),
            None => "name a file that is there".to_owned(),
        }),
        io::ErrorKind::NotADirectory => Some("a part of that path is a file; name another".to_owned()),
        io::ErrorKind::IsADirectory => Some("it is a folder; name a file".to_owned()),
        io::ErrorKind::PermissionDenied => Some("run this as a user who may, or name another".to_owned()),
        _ => None,
    }
}

/// The innermost cause: where the layers above it only say that something below them failed.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string().replace('\n', " ")
}

/// An error and its causes on one line; a cause that its error already told is not told twice.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(&format!(": {cause_text}"));
        }
        next = cause.source();
    }
    text.replace('\n', " ")
}
