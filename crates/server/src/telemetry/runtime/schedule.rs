//! `HYTHE_TRACE=sched=1000`: the state of the scheduler, one line a period on standard error, in the manner of Go's schedtrace.
//!
//! ```text
//! SCHED 1003ms: workers=2 idle=1 queue=0 [0 3] tasks=12 spawned/s=40 polls/s=910 stolen=4 parks/s=310 busy=12.3%
//!   blocking=3/16 (queue 0) longest_poll=4.1ms (task 57 spawned at crates/server/src/…:123 in request pull_blob 0192…)
//! ```
//! (one line; broken here). `queue` is the tasks that wait for any worker, then those in each worker's own queue.
//! `busy` is the workers' time, `blocking` the threads for blocking calls at work of those there are.
//! A `+` behind the longest poll: it is still under way.

use std::fmt;
use std::io::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::RuntimeMetrics;

use super::clock;
use super::monitor::{Ended, Monitor};
use super::workers::{Told, Workers};

/// What `HYTHE_TRACE` asks for: a list of `name=value`, separated by commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trace {
    /// `sched`: the period of the schedule trace.
    pub schedule: Option<Duration>,
}

/// A trace that cannot be read; says which part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    #[error("trace {0:?} is unknown, the one there is is sched=MILLISECONDS")]
    Unknown(String),
    #[error("trace sched={0:?} is not a number of milliseconds from 10 up")]
    Period(String),
}

const SHORTEST_MS: u64 = 10;

impl FromStr for Trace {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Trace, TraceError> {
        let mut trace = Trace::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("sched", period)) => trace.schedule = Some(milliseconds(period)?),
                _ => return Err(TraceError::Unknown(part.to_owned())),
            }
        }
        Ok(trace)
    }
}

fn milliseconds(text: &str) -> Result<Duration, TraceError> {
    match text.parse() {
        Ok(number) if number >= SHORTEST_MS => Ok(Duration::from_millis(number)),
        _ => Err(TraceError::Period(text.to_owned())),
    }
}

/// Starts printing.
pub(super) fn start(
    workers: &Arc<Workers>,
    metrics: RuntimeMetrics,
    period: Duration,
) -> io::Result<Monitor> {
    let workers = Arc::clone(workers);
    Monitor::start("hythe-sched", move |ended| print(&workers, &metrics, period, ended))
}

fn print(workers: &Workers, metrics: &RuntimeMetrics, period: Duration, ended: &Ended) {
    let began = Instant::now();
    let mut before = Sample::take(metrics, workers);
    let mut next = began + period;
    while !ended.after(next.saturating_duration_since(Instant::now())) {
        let after = Sample::take(metrics, workers);
        let line = Line { age: after.at - began, before: &before, after: &after, longest: longest(workers) };
        // Standard error may be closed; there is nobody else to tell.
        let _ = writeln!(io::stderr(), "{line}");
        before = after;
        next += period;
    }
}

/// The scheduler's counters at one moment.
#[derive(Debug)]
pub(super) struct Sample {
    at: Instant,
    queue: usize,
    workers: Vec<Worker>,
    under_way: Duration,
    tasks: usize,
    spawned: u64,
    blocking: usize,
    blocking_idle: usize,
    blocking_queue: usize,
}

#[derive(Debug)]
struct Worker {
    queue: usize,
    parked: bool,
    polls: u64,
    stolen: u64,
    parks: u64,
    busy: Duration,
}

impl Sample {
    pub(super) fn take(metrics: &RuntimeMetrics, workers: &Workers) -> Sample {
        Sample {
            at: Instant::now(),
            queue: metrics.global_queue_depth(),
            workers: (0..metrics.num_workers()).map(|index| Worker::take(metrics, index)).collect(),
            under_way: workers.slots().iter().filter_map(|slot| slot.since()).map(clock::since).sum(),
            tasks: metrics.num_alive_tasks(),
            spawned: metrics.spawned_tasks_count(),
            blocking: metrics.num_blocking_threads(),
            blocking_idle: metrics.num_idle_blocking_threads(),
            blocking_queue: metrics.blocking_queue_depth(),
        }
    }

    fn sum(&self, count: impl Fn(&Worker) -> u64) -> u64 {
        self.workers.iter().map(count).sum()
    }

    /// tokio credits a worker's time when the worker has a pause; a poll under way is not yet in it.
    fn busy(&self) -> Duration {
        self.workers.iter().map(|worker| worker.busy).sum::<Duration>() + self.under_way
    }
}

impl Worker {
    fn take(metrics: &RuntimeMetrics, index: usize) -> Worker {
        Worker {
            queue: metrics.worker_local_queue_depth(index),
            // Counted at going to sleep and at waking up: odd means asleep.
            parked: metrics.worker_park_unpark_count(index) % 2 == 1,
            polls: metrics.worker_poll_count(index),
            stolen: metrics.worker_steal_count(index),
            parks: metrics.worker_park_count(index),
            busy: metrics.worker_total_busy_duration(index),
        }
    }
}

/// The longest poll of a period, and whether it is still under way.
pub(super) type Longest = Option<(Duration, bool, Told)>;

pub(super) fn longest(workers: &Workers) -> Longest {
    let mut polls = Vec::new();
    for slot in workers.slots() {
        polls.extend(slot.take_longest().map(|(took, told)| (took, false, told)));
        if let Some(since) = slot.since() {
            polls.extend(slot.told(since).map(|told| (clock::since(since), true, told)));
        }
    }
    polls.into_iter().max_by_key(|(took, ..)| *took)
}

/// One line of the trace: what happened between two samples.
pub(super) struct Line<'a> {
    pub(super) age: Duration,
    pub(super) before: &'a Sample,
    pub(super) after: &'a Sample,
    pub(super) longest: Longest,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { before, after, .. } = self;
        let seconds = (after.at - before.at).as_secs_f64();
        let gained = |count: fn(&Worker) -> u64| after.sum(count) - before.sum(count);
        let rate = |count: u64| (count as f64 / seconds).round();
        let workers = after.workers.len();
        let idle = after.workers.iter().filter(|worker| worker.parked).count();
        write!(f, "SCHED {}ms: workers={workers} idle={idle} queue={} [", self.age.as_millis(), after.queue)?;
        for (index, worker) in after.workers.iter().enumerate() {
            write!(f, "{}{}", if index > 0 { " " } else { "" }, worker.queue)?;
        }
        write!(f, "] tasks={} spawned/s={}", after.tasks, rate(after.spawned - before.spawned))?;
        write!(
            f,
            " polls/s={} stolen={}",
            rate(gained(|worker| worker.polls)),
            gained(|worker| worker.stolen)
        )?;
        let busy =
            after.busy().saturating_sub(before.busy()).as_secs_f64() / seconds / workers as f64 * 100.0;
        write!(f, " parks/s={} busy={:.1}%", rate(gained(|worker| worker.parks)), busy.min(100.0))?;
        let working = after.blocking.saturating_sub(after.blocking_idle);
        write!(f, " blocking={working}/{} (queue {})", after.blocking, after.blocking_queue)?;
        match &self.longest {
            None => Ok(()),
            Some((took, going, told)) => {
                write!(f, " longest_poll={took:.1?}{} ({told})", if *going { "+" } else { "" })
            }
        }
    }
}
