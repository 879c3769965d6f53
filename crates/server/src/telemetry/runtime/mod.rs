//! The tokio runtime, built so that it can be looked into: what each worker polls, a line a second
//! on request, and a watchdog over tasks that do not yield.

mod clock;
mod monitor;
mod schedule;
mod watchdog;
mod workers;

pub use schedule::{Trace, TraceError};

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;

use monitor::Monitor;
use workers::Workers;

use super::request::RequestContext;

/// How to build the runtime.
#[derive(Debug, Clone)]
pub struct Options {
    /// Worker threads; absent: one a processor.
    pub workers: Option<usize>,
    /// What `HYTHE_TRACE` asks for.
    pub trace: Trace,
    /// How long a task may hold a worker before the watchdog names it; zero: no watchdog.
    pub watchdog: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { workers: None, trace: Trace::default(), watchdog: Duration::from_millis(200) }
    }
}

/// A tokio runtime and the threads that look at it, which end with it.
#[derive(Debug)]
pub struct Runtime {
    tokio: tokio::runtime::Runtime,
    monitors: Vec<Monitor>,
}

impl Runtime {
    /// Ends the runtime, waiting so long for tasks that do not yield and for blocking calls.
    pub fn shutdown_timeout(self, patience: Duration) {
        drop(self.monitors);
        self.tokio.shutdown_timeout(patience);
    }
}

impl Deref for Runtime {
    type Target = tokio::runtime::Runtime;

    fn deref(&self) -> &tokio::runtime::Runtime {
        &self.tokio
    }
}

/// Builds the runtime, with the hooks that its watchers need and no others.
pub fn build(options: &Options) -> io::Result<Runtime> {
    build_with(options, &Arc::default())
}

fn build_with(options: &Options, workers: &Arc<Workers>) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().thread_name_fn(workers::thread_name);
    if let Some(count) = options.workers {
        builder.worker_threads(count);
    }
    if !options.watchdog.is_zero() || options.trace.schedule.is_some() {
        workers::hook(&mut builder, workers, options.trace.schedule.is_some());
    }
    let tokio = builder.build()?;
    let mut monitors = Vec::new();
    if !options.watchdog.is_zero() {
        monitors.push(watchdog::start(workers, options.watchdog)?);
    }
    if let Some(period) = options.trace.schedule {
        monitors.push(schedule::start(workers, tokio.metrics(), period)?);
    }
    Ok(Runtime { tokio, monitors })
}

/// Says that this thread is at work for a request until its current poll ends.
pub(super) fn now_polling(request: &RequestContext) {
    workers::now_polling(request);
}

#[cfg(test)]
mod tests;
