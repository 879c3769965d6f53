//! Where a new password comes from: a person at a terminal, standard input, or chance. Never the command line.

use std::io::{self, BufRead, IsTerminal, Read, Stdin, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::cli::admin::PasswordSource;
use crate::config::Secret;
use crate::failure::Failure;

/// A new password, and whether its user has yet to be told.
pub(crate) enum NewPassword {
    Known(Secret),
    /// Made here; shown once.
    Random(Secret),
}

impl NewPassword {
    pub(crate) fn reveal(&self) -> &str {
        match self {
            Self::Known(password) | Self::Random(password) => password.reveal(),
        }
    }

    /// What is printed: a password that nobody knows yet is shown; one that was typed is not.
    pub(crate) fn to_tell(&self) -> String {
        match self {
            Self::Known(_) => String::new(),
            Self::Random(password) => {
                format!("The password, shown this once and kept nowhere:\n\n  {}\n\n", password.reveal())
            }
        }
    }
}

/// Takes the password from where the command line says.
pub(crate) fn obtain(source: &PasswordSource, user: &str) -> Result<NewPassword, Failure> {
    if source.random_password {
        let random = hythe_registry::passwords::random_secret();
        return random
            .map(|text| NewPassword::Random(Secret::new(text)))
            .map_err(|error| Failure::new(error.to_string()));
    }
    if source.password_stdin {
        return read_all().map(NewPassword::Known);
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!("no password for {user}, and no terminal to ask for it"))
            .hint("--password-stdin reads it from standard input, --random-password makes one"));
    }
    ask(user).map(NewPassword::Known)
}

fn read_all() -> Result<Secret, Failure> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::because("cannot read the password from standard input", &error))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn ask(user: &str) -> Result<Secret, Failure> {
    let first = prompt(&format!("Password for {user}: "))?;
    let again = prompt("Once more: ")?;
    if first == again {
        Ok(Secret::new(first))
    } else {
        Err(Failure::new("the two passwords differ; nothing was changed"))
    }
}

pub(crate) fn prompt(question: &str) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::because("cannot read the password from the terminal", &error);
    let _ = write!(io::stderr(), "{question}");
    let silence = Silence::begin(io::stdin()).map_err(failed)?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    drop(silence);
    let _ = writeln!(io::stderr());
    read.map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence {
    terminal: Stdin,
    before: Termios,
}

impl Silence {
    fn begin(terminal: Stdin) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that has gone needs no echo.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
