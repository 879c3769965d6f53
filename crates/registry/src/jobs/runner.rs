//! The runner: what a node does about jobs for as long as it runs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hythe_metadata::Connection;
use hythe_metadata::job::{self, Due, Job, State};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{Halt, Kind, Run};
use crate::Registry;
use crate::clock;
use crate::error::{Error, Kind as ErrorKind, Result};

/// The pause before the second attempt; it doubles with each.
const BACK_OFF: Duration = Duration::from_secs(10);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60 * 60);

impl Registry {
    /// Does jobs for as long as the node runs. Dropped, it cuts off what is being done; then
    /// [`Registry::release_jobs`] gives it back.
    pub async fn run_jobs(self: Arc<Self>) {
        let mut attempts = JoinSet::new();
        loop {
            if !self.jobs.leaving.load(Ordering::Relaxed)
                && let Err(error) = self.look_for_jobs(&mut attempts).await
            {
                tracing::warn!(%error, "the queue of jobs could not be worked on; it will be tried again");
            }
            tokio::select! {
                () = tokio::time::sleep(self.options.jobs.poll) => {}
                () = self.jobs.wake.notified() => {}
                Some(_) = attempts.join_next() => {}
            }
        }
    }

    /// Gives back, in the end, what this node was at, so that others need not wait for the leases.
    pub async fn release_jobs(&self) -> Result<()> {
        let held: Vec<(i64, i64)> = self.jobs.held().drain().collect();
        for (id, fence) in held {
            self.database
                .transaction(move |c| Box::pin(async move { job::release(c, id, fence).await }))
                .await?;
        }
        Ok(())
    }

    /// One read while there is nothing to do.
    async fn look_for_jobs(self: &Arc<Self>, attempts: &mut JoinSet<()>) -> Result<()> {
        let mut c = self.database.connect().await?;
        let now = c.now().await?;
        let due = job::due(&mut c, now).await?;
        drop(c);
        let Due { expired, schedules, events, jobs } = due;
        if expired {
            self.expire_jobs().await?;
        }
        if schedules {
            self.make_scheduled_jobs().await?;
        }
        if events {
            self.make_jobs_of_events().await?;
        }
        if jobs || expired || schedules || events {
            self.take_jobs(attempts).await?;
        }
        Ok(())
    }

    async fn expire_jobs(&self) -> Result<()> {
        let expired = self
            .database
            .transaction(|c| {
                Box::pin(async move {
                    let now = c.now().await?;
                    job::expire(c, now).await
                })
            })
            .await?;
        if expired > 0 {
            tracing::warn!(jobs = expired, "took jobs from nodes that stopped answering");
        }
        Ok(())
    }

    async fn take_jobs(self: &Arc<Self>, attempts: &mut JoinSet<()>) -> Result<()> {
        while attempts.len() < self.options.jobs.workers && !self.jobs.leaving.load(Ordering::Relaxed) {
            self.give_way(Duration::ZERO).await;
            let Some(run) = self.take_job().await? else { return Ok(()) };
            attempts.spawn(self.clone().attempt(run));
        }
        Ok(())
    }

    /// Takes the first job that is due, if there is one. Its lease is prolonged only while [`Registry::run_jobs`] does it.
    pub async fn take_job(self: &Arc<Self>) -> Result<Option<Run>> {
        let (node, lease, begun) = (self.options.node.clone(), self.options.jobs.lease, Instant::now());
        let claimed = self
            .database
            .transaction(move |c| {
                let node = node.clone();
                Box::pin(async move {
                    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
                    let now = c.now().await?;
                    job::claim(c, &node, &kinds, now, now.saturating_add(clock::micros(lease))).await
                })
            })
            .await?;
        Ok(claimed.map(|job| {
            self.jobs.held().insert(job.id, job.fence);
            Run::new(self.clone(), job, begun)
        }))
    }

    /// One attempt, from its begin to the row that says what became of it.
    async fn attempt(self: Arc<Self>, run: Run) {
        let (id, fence) = (run.job().id, run.fence());
        let begun = Instant::now();
        tracing::info!(job = id, kind = %run.job().kind, attempt = run.job().attempts, "began a job");
        let outcome = self.do_or_cut_off(&run).await;
        let settled = self.settle_job(&run, &outcome).await;
        self.jobs.forget(id, fence);
        report(run.job(), &outcome, begun.elapsed());
        if let Err(error) = settled {
            tracing::warn!(job = id, %error, "the end of a job could not be written; another node will begin it anew");
        }
        self.wake_jobs();
    }

    async fn do_or_cut_off(self: &Arc<Self>, run: &Run) -> Result<(), Halt> {
        let kind: Kind = run.job().kind.parse().map_err(Error::bad_request)?;
        let work = AbortOnDropHandle::new(tokio::spawn(self.clone().perform(run.clone(), kind)));
        tokio::select! {
            done = work => done.unwrap_or_else(|error| Err(panicked(&error))),
            halt = run.keep() => Err(halt),
        }
    }

    /// Writes down how the attempt ended, again and again while the database is away and the lease lasts.
    async fn settle_job(&self, run: &Run, outcome: &Result<(), Halt>) -> Result<()> {
        loop {
            match self.try_to_settle(run, End::of(run.job(), outcome)).await {
                Err(Halt::Failed(_)) if !run.is_overdue() => {
                    tokio::time::sleep(self.options.jobs.poll).await;
                }
                Err(Halt::Failed(error)) => return Err(error),
                Ok(()) | Err(Halt::Lost | Halt::Stopped) => return Ok(()),
            }
        }
    }

    /// Every statement is refused if the job is another node's.
    async fn try_to_settle(&self, run: &Run, end: End) -> Result<(), Halt> {
        run.renew().await?;
        let (id, fence) = (run.job().id, run.fence());
        self.database
            .transaction(move |c| {
                let end = end.clone();
                Box::pin(async move { end.write(c, id, fence).await })
            })
            .await?;
        Ok(())
    }
}

/// What the row is to say after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Nothing,
    Finished(State, String),
    Again(Duration, String),
}

impl End {
    async fn write(&self, c: &mut Connection, id: i64, fence: i64) -> Result<(), hythe_metadata::Error> {
        match self {
            End::Nothing => {}
            End::Finished(state, message) => {
                job::finish(c, id, fence, *state, message).await?;
            }
            End::Again(pause, message) => {
                let at = c.now().await?.saturating_add(clock::micros(*pause));
                if !job::retry(c, id, fence, at, message).await? {
                    // Somebody stopped it meanwhile.
                    job::finish(c, id, fence, State::Stopped, message).await?;
                }
            }
        }
        Ok(())
    }

    fn of(job: &Job, outcome: &Result<(), Halt>) -> End {
        match outcome {
            Ok(()) => End::Finished(State::Succeeded, String::new()),
            Err(Halt::Lost) => End::Nothing,
            Err(halt @ Halt::Stopped) => End::Finished(State::Stopped, halt.to_string()),
            Err(Halt::Failed(error)) if is_final(error) || job.attempts >= job.max_attempts => {
                End::Finished(State::Failed, error.to_string())
            }
            Err(Halt::Failed(error)) => End::Again(back_off(job.attempts), error.to_string()),
        }
    }
}

/// Whether another attempt would end in the same way.
fn is_final(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Invalid
            | ErrorKind::BadRequest
            | ErrorKind::Forbidden
            | ErrorKind::Denied
            | ErrorKind::Unsupported
    )
}

fn back_off(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts - 1).unwrap_or(0).min(16);
    (BACK_OFF * 2u32.pow(doubled)).min(LONGEST_BACK_OFF)
}

fn panicked(error: &tokio::task::JoinError) -> Halt {
    Halt::Failed(Error::internal(
        "a fault inside the job ended it; the log of its node says where",
        error.to_string(),
    ))
}

fn report(job: &Job, outcome: &Result<(), Halt>, took: Duration) {
    let (id, kind, took_ms) = (job.id, &job.kind, u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    metrics::histogram!("hythe_job_seconds", "kind" => kind.clone()).record(took);
    match outcome {
        Ok(()) => tracing::info!(job = id, %kind, took_ms, "finished a job"),
        Err(Halt::Failed(error)) => tracing::warn!(job = id, %kind, took_ms, %error, "a job failed"),
        Err(halt) => tracing::info!(job = id, %kind, took_ms, "ended a job: {halt}"),
    }
}

#[cfg(test)]
mod tests {
    use hythe_metadata::job::Cause;

    use super::*;

    fn begun(attempts: i64) -> Job {
        Job {
            id: 1,
            kind: "purge_audit_log".to_owned(),
            key: None,
            payload: "{}".to_owned(),
            state: State::Running,
            priority: 0,
            run_after: 0,
            attempts,
            max_attempts: 3,
            again: false,
            holder: Some("one".to_owned()),
            fence: 1,
            leased_until: 0,
            progress: None,
            message: String::new(),
            log_lines: 0,
            cause: Cause::Manual,
            created_by: "alice".to_owned(),
            created_at: 0,
            started_at: None,
            finished_at: None,
        }
    }

    fn unavailable() -> Result<(), Halt> {
        let reason = "no route to host".to_owned();
        Err(hythe_metadata::Error::Unavailable { database: "rows".to_owned(), reason }.into())
    }

    #[test]
    fn what_may_pass_is_tried_again_and_not_for_ever() {
        assert!(matches!(End::of(&begun(1), &unavailable()), End::Again(pause, _) if pause == BACK_OFF));
        let End::Finished(State::Failed, message) = End::of(&begun(3), &unavailable()) else {
            panic!("goes on")
        };
        assert!(message.contains("no route to host"), "{message}");
    }

    #[test]
    fn what_cannot_be_read_is_not_tried_again() {
        let outcome = Err(Halt::Failed(Error::bad_request("no payload")));
        assert!(matches!(End::of(&begun(1), &outcome), End::Finished(State::Failed, _)));
    }

    #[test]
    fn a_job_that_was_lost_is_left_alone() {
        assert_eq!(End::of(&begun(1), &Err(Halt::Lost)), End::Nothing);
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        assert_eq!(back_off(1), Duration::from_secs(10));
        assert_eq!(back_off(3), Duration::from_secs(40));
        assert_eq!(back_off(60), LONGEST_BACK_OFF);
    }
}
