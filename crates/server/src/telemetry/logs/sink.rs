//! Where lines wait for the one thread that writes them, so that a slow reader of standard output stops no request.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::layer::Shared;

/// Bytes that may wait; lines beyond are dropped and counted.
const MOST_WAITING: usize = 4 << 20;
/// How long the end of the process waits for a reader that does not read.
const LAST_WAIT: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_secs(1);
/// Name of the thread that writes.
pub(in crate::telemetry) const WRITER: &str = "hythe-logs";

/// Lines on their way out.
pub(super) struct Sink {
    queue: Mutex<Queue>,
    work: Condvar,
    drained: Condvar,
    out: Mutex<Box<dyn Write + Send>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<u8>,
    dropped: u64,
    writing: bool,
    folding: bool,
    closed: bool,
}

impl Sink {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Arc<Sink> {
        Arc::new(Sink {
            queue: Mutex::default(),
            work: Condvar::new(),
            drained: Condvar::new(),
            out: Mutex::new(out),
        })
    }

    /// Starts the writing thread, which ends with [`Sink::close`].
    pub(super) fn start(self: &Arc<Sink>, shared: &Arc<Shared>) -> io::Result<()> {
        let (sink, shared) = (Arc::clone(self), Arc::clone(shared));
        thread::Builder::new().name(WRITER.to_owned()).spawn(move || sink.run(&shared))?;
        Ok(())
    }

    /// Hands over one rendered line. Waits for nothing but a copy; after the end it writes by itself.
    pub(super) fn push(&self, line: &[u8]) {
        let mut queue = self.lock();
        if queue.closed {
            drop(queue);
            return self.write(line);
        }
        if queue.waiting.len() + line.len() > MOST_WAITING {
            queue.dropped += 1;
            return;
        }
        queue.waiting.extend_from_slice(line);
        if !queue.writing {
            self.work.notify_one();
        }
    }

    /// Lets the thread look after folded lines from now on.
    pub(super) fn wake(&self) {
        self.lock().folding = true;
        self.work.notify_one();
    }

    /// Writes what waits, within [`LAST_WAIT`].
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        self.work.notify_one();
        let left = |queue: &mut Queue| queue.writing || !queue.waiting.is_empty();
        drop(self.drained.wait_timeout_while(queue, LAST_WAIT, left));
    }

    fn run(&self, shared: &Shared) {
        let mut batch = Vec::new();
        let mut looked = Instant::now();
        loop {
            let mut queue = self.wait_for_work();
            if queue.waiting.is_empty() && queue.closed {
                return;
            }
            let dropped = mem::take(&mut queue.dropped);
            mem::swap(&mut queue.waiting, &mut batch);
            queue.writing = true;
            drop(queue);
            if dropped > 0 {
                shared.render_own(
                    format!("{dropped} log lines were dropped: nobody reads standard output"),
                    &mut batch,
                );
            }
            self.write(&batch);
            batch.clear();
            let now = Instant::now();
            let folding = now - looked >= TICK && {
                looked = now;
                shared.write_due(now)
            };
            self.end_batch(folding);
        }
    }

    fn end_batch(&self, folding: bool) {
        let mut queue = self.lock();
        queue.writing = false;
        queue.folding |= folding;
        self.drained.notify_all();
    }

    /// Waits for lines, for the end, or for the next look at folded lines.
    fn wait_for_work(&self) -> MutexGuard<'_, Queue> {
        let mut queue = self.lock();
        if queue.waiting.is_empty() && !queue.closed && mem::take(&mut queue.folding) {
            return self.work.wait_timeout(queue, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.work
            .wait_while(queue, |queue| queue.waiting.is_empty() && !queue.closed && !queue.folding)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A closed standard output leaves nobody to tell, so the error is dropped.
    fn write(&self, bytes: &[u8]) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}
