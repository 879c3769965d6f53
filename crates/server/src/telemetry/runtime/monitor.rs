//! A thread that looks at the runtime from outside, since from inside a stuck runtime cannot be seen.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Ends its thread when dropped.
#[derive(Debug)]
pub(super) struct Monitor {
    ended: Arc<Ended>,
    thread: Option<JoinHandle<()>>,
}

/// Tells a monitor's thread when to end.
#[derive(Debug, Default)]
pub(super) struct Ended {
    flag: Mutex<bool>,
    changed: Condvar,
}

impl Monitor {
    pub(super) fn start(name: &str, run: impl FnOnce(&Ended) + Send + 'static) -> io::Result<Monitor> {
        let ended = Arc::new(Ended::default());
        let seen = Arc::clone(&ended);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || run(&seen))?;
        Ok(Monitor { ended, thread: Some(thread) })
    }
}

impl Ended {
    /// Sleeps; true when it is time to end.
    pub(super) fn after(&self, pause: Duration) -> bool {
        let flag = self.flag.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.changed.wait_timeout_while(flag, pause, |ended| !*ended);
        *wait.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        *self.ended.flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A monitor that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}
