//! A job being done: what its handler is given, and how it is kept while the handler is at it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hythe_metadata::job::{self, Job, State};
use hythe_metadata::{Connection, Work};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::Registry;
use crate::clock::{self, Micros};
use crate::error::Error;

/// The lease is prolonged so many times within its length.
const RENEWALS: u32 = 6;

/// So many lines are written down at once, without waiting for the next time the lease is prolonged.
const LINES: usize = 200;

/// How long a handler that was asked to end may take for it.
const GRACE: Duration = Duration::from_secs(30);

/// Why a handler ends before its work is done.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// Somebody stopped the job.
    #[error("it was stopped")]
    Stopped,
    /// The job is another node's now.
    #[error("another node has taken it over")]
    Lost,
    /// It cannot be done, now or at all.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<hythe_metadata::Error> for Halt {
    fn from(error: hythe_metadata::Error) -> Halt {
        Halt::Failed(error.into())
    }
}

/// A job that this node is at. Clones are the same job.
#[derive(Clone)]
pub struct Run {
    registry: Arc<Registry>,
    job: Arc<Job>,
    state: Arc<Live>,
}

struct Live {
    stopping: AtomicBool,
    lost: AtomicBool,
    notes: Mutex<Notes>,
    /// By the clock of this machine, which goes on while the process is paused. It began before the lease did, so that
    /// it ends before the lease does.
    leased_until: Mutex<Instant>,
    /// When the handler went on last.
    step_begun: Mutex<Instant>,
}

/// What has not been written down yet.
#[derive(Default)]
struct Notes {
    lines: Vec<(Micros, String)>,
    progress: Option<String>,
}

impl Run {
    /// `claimed` is a moment before the claim.
    pub(super) fn new(registry: Arc<Registry>, job: Job, claimed: Instant) -> Run {
        let until = claimed + registry.options.jobs.lease;
        let state = Live {
            stopping: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            notes: Mutex::default(),
            leased_until: Mutex::new(until),
            step_begun: Mutex::new(Instant::now()),
        };
        Run { registry, job: Arc::new(job), state: Arc::new(state) }
    }

    /// The job as it was when it was taken.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The number of this holder among all that the job has had.
    pub fn fence(&self) -> i64 {
        self.job.fence
    }

    /// What the handler needs to know.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Halt> {
        serde_json::from_str(&self.job.payload).map_err(|error| {
            Halt::Failed(Error::bad_request(format!(
                "the payload of job {} of kind {} cannot be read: {error}; ask for the job again",
                self.job.id, self.job.kind
            )))
        })
    }

    /// Adds a line to the job's log; it is there within some seconds.
    pub fn log(&self, line: impl Into<String>) {
        let line = line.into();
        tracing::debug!(job = self.job.id, kind = %self.job.kind, "{line}");
        self.notes().lines.push((clock::now(), line));
    }

    /// Says how far the job is; it is seen within some seconds.
    pub fn progress(&self, progress: &impl Serialize) {
        self.notes().progress = serde_json::to_string(progress).ok();
    }

    /// Between two steps: whether to go on. It waits for requests that are under way, within bounds.
    pub async fn check(&self) -> Result<(), Halt> {
        if self.state.stopping.load(Ordering::Relaxed) {
            return Err(Halt::Stopped);
        }
        let worked = self.step_begun().elapsed();
        self.registry.give_way(worked).await;
        *self.step_begun() = Instant::now();
        let many = self.notes().lines.len() >= LINES;
        if many || self.is_overdue() {
            self.renew().await?;
        }
        match self.state.lost.load(Ordering::Relaxed) {
            true => Err(Halt::Lost),
            false => Ok(()),
        }
    }

    /// Runs `work` in a transaction that is undone if the job is another node's, and that keeps the job here until it
    /// has ended. Whatever a handler changes, it changes through this.
    pub async fn transaction<T, F>(&self, work: F) -> Result<T, Halt>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, T, Halt> + Send + Sync + 'static,
    {
        let (id, fence, work) = (self.job.id, self.job.fence, Arc::new(work));
        self.registry
            .database
            .try_transaction(move |c| {
                let work = work.clone();
                Box::pin(async move {
                    if !job::hold(c, id, fence).await? {
                        return Err(Halt::Lost);
                    }
                    work(c).await
                })
            })
            .await
    }

    /// Keeps the lease while the handler is at it; returns when the handler is to be cut off.
    pub(super) async fn keep(&self) -> Halt {
        let mut asked: Option<Instant> = None;
        loop {
            tokio::time::sleep(self.registry.options.jobs.lease / RENEWALS).await;
            match self.renew().await {
                Err(Halt::Lost) => return Halt::Lost,
                // The database may be back before the lease ends.
                Err(_) if self.is_overdue() => return Halt::Lost,
                _ => {}
            }
            if self.state.stopping.load(Ordering::Relaxed)
                && asked.get_or_insert_with(Instant::now).elapsed() > GRACE
            {
                return Halt::Stopped;
            }
        }
    }

    /// Writes down what was noted.
    pub(super) async fn renew(&self) -> Result<(), Halt> {
        let notes = std::mem::take(&mut *self.notes());
        let (lines, progress) = (notes.lines.clone(), notes.progress.clone());
        let (id, fence) = (self.job.id, self.job.fence);
        let (lease, keep) = (self.registry.options.jobs.lease, self.registry.options.jobs.log_lines);
        let begun = Instant::now();
        let renewed = self
            .registry
            .database
            .transaction(move |c| {
                let (lines, progress) = (lines.clone(), progress.clone());
                Box::pin(async move {
                    let until = c.now().await?.saturating_add(clock::micros(lease));
                    let Some(state) = job::renew(c, id, fence, until).await? else { return Ok(None) };
                    if let Some(progress) = progress {
                        job::set_progress(c, id, fence, &progress).await?;
                    }
                    if !lines.is_empty() {
                        job::append_log(c, id, fence, &lines, keep.into()).await?;
                    }
                    Ok(Some(state))
                })
            })
            .await;
        match renewed {
            Ok(Some(state)) => {
                *self.leased_until() = begun + lease;
                self.state.stopping.store(state == State::Stopping, Ordering::Relaxed);
                Ok(())
            }
            Ok(None) => {
                self.state.lost.store(true, Ordering::Relaxed);
                Err(Halt::Lost)
            }
            Err(error) => {
                self.put_back(notes);
                Err(error.into())
            }
        }
    }

    fn put_back(&self, mut earlier: Notes) {
        let mut notes = self.notes();
        earlier.lines.append(&mut notes.lines);
        notes.lines = earlier.lines;
        notes.progress = notes.progress.take().or(earlier.progress);
    }

    pub(super) fn is_overdue(&self) -> bool {
        Instant::now() >= *self.leased_until()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.state.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step_begun(&self) -> MutexGuard<'_, Instant> {
        self.state.step_begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leased_until(&self) -> MutexGuard<'_, Instant> {
        self.state.leased_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
