//! Jobs: work in the background, kept as rows, done by any node, once at a time.
//!
//! A job is put into the queue in the transaction that makes it necessary ([`NewJob::enqueue`]). A node that is free takes
//! it with a lease and a fence ([`runner`](self::runner)), does what [`kinds`](self::kinds) says, and prolongs the lease
//! while it is at it. A node that dies loses its lease and another begins anew; a node that was only paused finds that
//! its fence is an old one, and nothing that it still writes through its [`Run`] is taken.

mod events;
mod foreground;
pub mod kinds;
mod manage;
mod run;
mod runner;
pub mod schedules;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hythe_metadata::Connection;
use hythe_metadata::job::{self, Cause, Enqueued};
use serde::Serialize;
use tokio::sync::Notify;

pub use events::{Happening, tell};
pub use kinds::Kind;
pub(crate) use manage::unknown_job;
pub use manage::{Pool, Queue, QueueChange, QueueName};
pub use run::{Halt, Run};

use crate::Registry;
use crate::access::Caller;
use crate::clock;
use crate::error::Result;

/// How a node does jobs; the defaults suit one machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many jobs it does at once; 0 for a node that does none.
    pub workers: usize,
    /// How long a node that stops answering keeps its jobs.
    pub lease: Duration,
    /// How often it looks for something to do.
    pub poll: Duration,
    /// From how many requests under way on jobs go slower.
    pub busy_from: u32,
    /// How long a job that has ended is kept, with its log.
    pub keep: Duration,
    /// How many lines of a job's log are kept, the newest.
    pub log_lines: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            workers: 2,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            busy_from: 16,
            keep: Duration::from_secs(30 * 24 * 60 * 60),
            log_lines: 10_000,
        }
    }
}

/// What comes first. The values are those of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// When nothing else is to be done.
    Low = -10,
    /// In its turn.
    #[default]
    Normal = 0,
    /// Before the others: somebody waits for it.
    High = 10,
}

/// A job on its way into the queue.
#[derive(Clone, Debug)]
pub struct NewJob {
    kind: Kind,
    key: Option<String>,
    payload: serde_json::Value,
    priority: Priority,
    delay: Duration,
    attempts: u16,
    cause: Cause,
    created_by: String,
}

impl NewJob {
    /// A job of this kind, because something happened, with what its handler needs to know.
    pub fn new(kind: Kind, payload: &impl Serialize) -> NewJob {
        NewJob {
            kind,
            key: None,
            // What serialises to no JSON is found by the handler, which says what it lacks.
            payload: serde_json::to_value(payload).unwrap_or_default(),
            priority: Priority::default(),
            delay: Duration::ZERO,
            attempts: kind.attempts(),
            cause: Cause::Event,
            created_by: "system".to_owned(),
        }
    }

    /// What it is done to: of all jobs of one kind and key at most one is unfinished.
    #[must_use]
    pub fn keyed(mut self, key: impl ToString) -> NewJob {
        self.key = Some(key.to_string());
        self
    }

    /// Because this one asked for it.
    #[must_use]
    pub fn asked_by(mut self, caller: &Caller) -> NewJob {
        self.cause = Cause::Manual;
        self.created_by = caller.name().unwrap_or("anonymous").to_owned();
        self
    }

    /// Because its schedule, which this one has set, was due.
    #[must_use]
    pub(crate) fn scheduled_by(mut self, name: &str) -> NewJob {
        self.cause = Cause::Schedule;
        name.clone_into(&mut self.created_by);
        self
    }

    /// In what order.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> NewJob {
        self.priority = priority;
        self
    }

    /// Not before so much time has passed.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> NewJob {
        self.delay = delay;
        self
    }

    /// Puts it into the queue, within the caller's transaction.
    pub async fn enqueue(&self, c: &mut Connection) -> Result<Enqueued, hythe_metadata::Error> {
        let run_after = if self.delay.is_zero() { 0 } else { c.now().await? + clock::micros(self.delay) };
        let new = job::NewJob {
            kind: self.kind.as_str().to_owned(),
            key: self.key.clone(),
            payload: self.payload.to_string(),
            priority: self.priority as i64,
            run_after,
            max_attempts: self.attempts.into(),
            cause: self.cause,
            created_by: self.created_by.clone(),
        };
        job::enqueue(c, &new).await
    }
}

/// What a node knows of its jobs beside their rows.
#[derive(Default)]
pub(crate) struct Jobs {
    /// Something was put into the queue on this node.
    wake: Notify,
    /// Those that this node is at, with their fences.
    held: Mutex<HashMap<i64, i64>>,
    /// This node is about to go and begins none.
    leaving: AtomicBool,
}

impl Jobs {
    fn forget(&self, id: i64, fence: i64) {
        let mut held = self.held();
        if held.get(&id) == Some(&fence) {
            held.remove(&id);
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<i64, i64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// Puts a job into the queue in a transaction of its own.
    pub async fn enqueue(&self, new: NewJob) -> Result<Enqueued> {
        let enqueued = self
            .database
            .transaction(move |c| {
                let new = new.clone();
                Box::pin(async move { new.enqueue(c).await })
            })
            .await?;
        self.wake_jobs();
        Ok(enqueued)
    }

    /// Has this node look at once for something to do; to be called after the commit of what [`NewJob::enqueue`] wrote,
    /// or not at all, and the work begins a second later.
    pub fn wake_jobs(&self) {
        self.jobs.wake.notify_one();
    }

    /// Begins no further job on this node, which is about to go: others begin them sooner than this one could end them.
    pub fn leave_jobs(&self) {
        self.jobs.leaving.store(true, Ordering::Relaxed);
    }
}
