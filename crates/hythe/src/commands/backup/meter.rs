//! How far it is, on standard error: one line that changes on a terminal, one every few seconds elsewhere.

use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hythe_metadata::portable::{Progress, Tell};

/// Who tells it.
pub(super) struct Meter {
    verb: &'static str,
    told: Arc<Mutex<Instant>>,
    on_terminal: bool,
}

impl Meter {
    pub(super) fn new(verb: &'static str) -> Meter {
        Meter { verb, told: Arc::new(Mutex::new(Instant::now())), on_terminal: stderr().is_terminal() }
    }

    /// What the work calls.
    pub(super) fn tell(&self) -> Tell {
        let (verb, told, on_terminal) = (self.verb, self.told.clone(), self.on_terminal);
        let pause = if on_terminal { Duration::from_millis(100) } else { Duration::from_secs(5) };
        Arc::new(move |progress: Progress<'_>| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.elapsed() < pause {
                return;
            }
            *told = Instant::now();
            let Progress { table, rows, of } = progress;
            match on_terminal {
                true => eprint!("\r\x1b[K{verb} {table}: {rows} of {of} rows"),
                false => eprintln!("{verb} {table}: {rows} of {of} rows"),
            }
        })
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if self.on_terminal {
            eprint!("\r\x1b[K");
        }
    }
}
