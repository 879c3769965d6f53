//! What people see of jobs and do about them.

use std::collections::BTreeMap;
use std::time::Duration;

use hythe_metadata::job::{self, Filter, Job, Line, State};
use hythe_oci::error_code::ErrorCode;

use super::Kind;
use crate::Registry;
use crate::access::system_rights::job_service_monitor as right;
use crate::access::{Caller, Everywhere, Permit};
use crate::audit::Entry;
use crate::clock::{self, Micros};
use crate::error::{Error, Result};
use crate::nodes::State as Standing;

/// More than all nodes together are at.
const MOST_RUNNING: u32 = 10_000;

/// Jobs that are removed in one transaction.
const PRUNED: u32 = 500;

/// Whose jobs are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueName {
    /// Those of one kind.
    Of(Kind),
    /// What schedules would make.
    Scheduler,
    /// All.
    All,
}

/// What waits of a kind of job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The kind, or the schedules' word.
    pub kind: String,
    /// How many wait.
    pub waiting: i64,
    /// For how long the oldest of them has, past its time.
    pub latency: Duration,
    /// Whether they are held back.
    pub paused: bool,
}

impl Queue {
    fn empty(kind: &str) -> Queue {
        Queue { kind: kind.to_owned(), waiting: 0, latency: Duration::ZERO, paused: false }
    }
}

/// A node that does jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub node: String,
    /// Its process, as its machine numbers it.
    pub process: u32,
    /// How many jobs it does at once.
    pub workers: usize,
    /// Since when.
    pub started_at: Micros,
    /// When it showed itself last.
    pub seen_at: Micros,
}

/// What is done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueChange {
    /// They are stopped.
    Stop,
    /// They are held back.
    Pause,
    /// They are held back no more.
    Resume,
}

impl QueueName {
    /// Reads Harbor's word: a kind in capitals, `SCHEDULER`, or `all`.
    pub fn parse(word: &str) -> Result<QueueName> {
        if word.eq_ignore_ascii_case("all") {
            return Ok(QueueName::All);
        }
        if word.eq_ignore_ascii_case(job::SCHEDULER) {
            return Ok(QueueName::Scheduler);
        }
        word.parse().map(QueueName::Of).map_err(Error::bad_request)
    }

    fn kinds(self) -> Vec<&'static str> {
        match self {
            QueueName::Of(kind) => vec![kind.as_str()],
            QueueName::Scheduler => vec![job::SCHEDULER],
            QueueName::All => Kind::ALL.iter().map(|kind| kind.as_str()).chain([job::SCHEDULER]).collect(),
        }
    }
}

impl QueueChange {
    /// Reads Harbor's word.
    pub fn parse(word: &str) -> Result<QueueChange> {
        use QueueChange::{Pause, Resume, Stop};
        let found =
            [Stop, Pause, Resume].into_iter().find(|change| change.as_str().eq_ignore_ascii_case(word));
        found.ok_or_else(|| Error::bad_request("action is stop, pause or resume"))
    }

    fn as_str(self) -> &'static str {
        match self {
            QueueChange::Stop => "stop",
            QueueChange::Pause => "pause",
            QueueChange::Resume => "resume",
        }
    }
}

impl Registry {
    /// A page of jobs, the newest first, and how many there are.
    pub async fn list_jobs(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        filter: &Filter,
        before: Option<i64>,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, i64)> {
        self.search_jobs_before(filter, before, skip, limit).await
    }

    /// The job of this number.
    pub async fn get_job(&self, _permit: &Permit<right::List, Everywhere>, id: i64) -> Result<Job> {
        self.find_job(id).await
    }

    /// A page of a job's log, behind the line `after`.
    pub async fn list_job_log(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        id: i64,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Line>> {
        self.find_job(id).await?;
        self.read_job_log(id, after, limit).await
    }

    /// Stops a job, or asks the node that is at it to end; where it stands now.
    pub async fn stop_job(&self, permit: &Permit<right::Stop, Everywhere>, id: i64) -> Result<State> {
        self.stop(permit.caller(), id).await
    }

    /// Stops all jobs that nodes are at; how many.
    pub async fn stop_running_jobs(&self, permit: &Permit<right::Stop, Everywhere>) -> Result<usize> {
        let filter = Filter { states: vec![State::Running], ..Filter::default() };
        let running =
            job::list(&mut self.database.connect().await?, &filter, i64::MAX, 0, MOST_RUNNING).await?;
        for job in &running {
            self.stop(permit.caller(), job.id).await?;
        }
        Ok(running.len())
    }

    /// Every kind of job, the schedules, and what waits of each, by their words.
    pub async fn list_queues(&self, _permit: &Permit<right::List, Everywhere>) -> Result<Vec<Queue>> {
        let mut c = self.database.connect().await?;
        let now = c.now().await?;
        let known = QueueName::All.kinds().into_iter().map(Queue::empty);
        let mut queues: BTreeMap<String, Queue> = known.map(|queue| (queue.kind.clone(), queue)).collect();
        for row in job::queues(&mut c, now).await? {
            let micros = if row.oldest == 0 { 0 } else { now.saturating_sub(row.oldest) };
            let latency = Duration::from_micros(micros.try_into().unwrap_or(0));
            let queue = Queue { kind: row.kind, waiting: row.waiting, latency, paused: row.paused };
            queues.insert(queue.kind.clone(), queue);
        }
        Ok(queues.into_values().collect())
    }

    /// The nodes that do jobs, as far as they live.
    pub async fn list_pools(&self, _permit: &Permit<right::List, Everywhere>) -> Result<Vec<Pool>> {
        let nodes = self.read_nodes().await?.into_iter();
        let living = nodes.filter(|node| matches!(node.state, Standing::Serving | Standing::Troubled));
        let pools = living.filter(|node| node.report.jobs.workers > 0).map(|node| Pool {
            node: node.name,
            process: node.report.jobs.process,
            workers: node.report.jobs.workers,
            started_at: node.started_at,
            seen_at: node.seen_at,
        });
        Ok(pools.collect())
    }

    /// What a node is at, or all nodes.
    pub async fn list_workers(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        node: Option<String>,
    ) -> Result<Vec<Job>> {
        let states = vec![State::Running, State::Stopping];
        let filter = Filter { states, holder: node, ..Filter::default() };
        Ok(job::list(&mut self.database.connect().await?, &filter, i64::MAX, 0, MOST_RUNNING).await?)
    }

    /// Whether the jobs of a kind, or the schedules, are held back.
    pub async fn is_queue_paused(&self, kind: &str) -> Result<bool> {
        Ok(job::is_paused(&mut self.database.connect().await?, kind).await?)
    }

    /// Does something about all jobs of a kind that wait.
    pub async fn change_queue(
        &self,
        permit: &Permit<right::Stop, Everywhere>,
        queue: QueueName,
        change: QueueChange,
    ) -> Result<()> {
        let (caller, now) = (permit.caller().clone(), clock::now());
        self.database
            .transaction(move |c| {
                let caller = caller.clone();
                Box::pin(async move {
                    let by = caller.name().unwrap_or("anonymous");
                    for kind in queue.kinds() {
                        match change {
                            QueueChange::Stop => {
                                job::stop_waiting(c, kind, &format!("stopped by {by}")).await?;
                            }
                            QueueChange::Pause => job::pause(c, kind, by, now).await?,
                            QueueChange::Resume => {
                                job::resume(c, kind).await?;
                            }
                        }
                        Entry::new(&caller, change.as_str(), "job-queue", kind).write(c).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        self.wake_jobs();
        Ok(())
    }

    pub(crate) async fn stop(&self, caller: &Caller, id: i64) -> Result<State> {
        let message = format!("stopped by {}", caller.name().unwrap_or("anonymous"));
        let entry = Entry::new(caller, "stop", "job", id);
        self.database
            .try_transaction(move |c| {
                let (message, entry) = (message.clone(), entry.clone());
                Box::pin(async move {
                    let state = job::stop(c, id, &message).await?.ok_or_else(|| unknown_job(id))?;
                    entry.write(c).await?;
                    Ok(state)
                })
            })
            .await
    }

    /// Removes jobs that ended long ago, with their logs.
    pub(crate) async fn forget_old_jobs(&self) -> Result<()> {
        let keep = clock::micros(self.options.jobs.keep);
        loop {
            let removed = self
                .database
                .transaction(move |c| {
                    Box::pin(async move {
                        let before = c.now().await?.saturating_sub(keep);
                        job::prune(c, before, PRUNED).await
                    })
                })
                .await?;
            if removed < PRUNED.into() {
                return Ok(());
            }
        }
    }

    pub(crate) async fn search_jobs(
        &self,
        filter: &Filter,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, i64)> {
        self.search_jobs_before(filter, None, skip, limit).await
    }

    async fn search_jobs_before(
        &self,
        filter: &Filter,
        before: Option<i64>,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, i64)> {
        let mut c = self.database.connect().await?;
        let jobs = job::list(&mut c, filter, before.unwrap_or(i64::MAX), skip, limit).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(job::count(&mut c, filter, most).await?)
        };
        Ok((jobs, self.total(format!("jobs {filter:?}"), count).await?))
    }

    pub(crate) async fn find_job(&self, id: i64) -> Result<Job> {
        let found = job::find(&mut self.database.connect().await?, id).await?;
        found.ok_or_else(|| unknown_job(id))
    }

    /// The job of this number if it is of this kind.
    pub(crate) async fn find_job_of(&self, kind: Kind, id: i64) -> Result<Job> {
        let found = self.find_job(id).await?;
        if found.kind == kind.as_str() { Ok(found) } else { Err(unknown_job(id)) }
    }

    pub(crate) async fn read_job_log(&self, id: i64, after: i64, limit: u32) -> Result<Vec<Line>> {
        Ok(job::list_log(&mut self.database.connect().await?, id, after, limit).await?)
    }
}

pub(crate) fn unknown_job(id: i64) -> Error {
    Error::unknown(
        ErrorCode::NameUnknown,
        format!("there is no job {id}; jobs that ended are kept for 30 days"),
    )
}
