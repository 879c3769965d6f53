//! The writer thread: many transactions, one commit, one fsync.
//!
//! Transactions queue while the one before them is being synced to disk. The thread takes what is queued, runs
//! each in a savepoint of its own, commits once and only then answers: an `Ok` is on disk. A transaction that
//! fails goes back to its savepoint and takes nobody with it. Where the engine gives up the whole group (disk
//! full, a failed commit), each one is run again alone, so that only those fail which fail by themselves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::{File, Session};
use crate::database::Work;
use crate::database::connection::Connection;
use crate::error::{Error, Result};

/// Transactions that share one commit at most. It bounds how long the first of a group waits for the last.
const GROUP: usize = 128;
/// Transactions that wait in the queue before callers wait for room in it.
const QUEUE: usize = 1024;

/// The queue and the thread behind it.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    file: Arc<File>,
}

impl Writer {
    pub(super) fn start(connection: rusqlite::Connection, file: Arc<File>) -> Result<Writer> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let desk = Desk { connection: Some(connection), file: file.clone() };
        let thread = std::thread::Builder::new()
            .name("hythe-sqlite".to_owned())
            .spawn(move || desk.serve(jobs))
            .map_err(|error| Error::Engine { statement: "open".to_owned(), reason: error.to_string() })?;
        Ok(Writer { queue: Some(queue), thread: Some(thread), file })
    }

    pub(super) async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, T, E> + Send + Sync + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Transaction { work, outcome: None, answer };
        let Some(queue) = &self.queue else { return Err(self.stopped().into()) };
        queue.send(Box::new(job)).await.map_err(|_| self.stopped())?;
        answered.await.map_err(|_| self.stopped())?
    }

    fn stopped(&self) -> Error {
        let database = self.file.path.display().to_string();
        Error::Unavailable { database, reason: "the writer has stopped".to_owned() }
    }
}

impl Drop for Writer {
    /// Lets the thread finish what is queued and close the file. The last handle may be dropped by a
    /// transaction, on the thread itself; it cannot wait for itself.
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// A queued transaction with its types forgotten.
trait Job: Send {
    /// Runs the work once and keeps the outcome; false if it has to be undone.
    fn run(&mut self, connection: &mut Connection) -> bool;
    /// Tells the caller, once the commit has succeeded or failed.
    fn answer(self: Box<Self>, commit: Result<()>);
}

struct Transaction<T, E, F> {
    work: F,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Transaction<T, E, F>
where
    T: Send,
    E: From<Error> + Send,
    F: for<'c> Fn(&'c mut Connection) -> Work<'c, T, E> + Send + Sync,
{
    fn run(&mut self, connection: &mut Connection) -> bool {
        let outcome = catch_unwind(AssertUnwindSafe(|| poll_once((self.work)(connection))));
        let outcome = outcome.unwrap_or_else(|_| Err(broken("it panicked").into()));
        let outcome = outcome
            .and_then(|value| poll_once(Box::pin(connection.conclude())).map(|()| value).map_err(E::from));
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, commit: Result<()>) {
        let outcome = match (self.outcome, commit) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
            (Some(outcome), Ok(())) => outcome,
            (None, Ok(())) => Err(broken("it was never run").into()),
        };
        let _ = self.answer.send(outcome);
    }
}

/// Every await in a transaction is a statement, and here a statement is never pending.
fn poll_once<T, E: From<Error>>(mut work: Work<'_, T, E>) -> Result<T, E> {
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(broken("it waited for something other than its statements").into()),
    }
}

fn broken(reason: &str) -> Error {
    Error::Engine { statement: "transaction".to_owned(), reason: reason.to_owned() }
}

fn answer_all(group: Vec<Box<dyn Job>>, commit: &Result<()>) {
    group.into_iter().for_each(|job| job.answer(commit.clone()));
}

/// What the writer thread owns.
struct Desk {
    connection: Option<rusqlite::Connection>,
    file: Arc<File>,
}

impl Desk {
    fn serve(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(GROUP);
        while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
            self.write(std::mem::take(&mut group));
        }
    }

    fn write(&mut self, mut group: Vec<Box<dyn Job>>) {
        let committed = match self.step("BEGIN IMMEDIATE") {
            Ok(()) => self.commit(&mut group),
            Err(error) => return answer_all(group, &Err(error)),
        };
        if committed.is_err() && group.len() > 1 {
            return group.into_iter().for_each(|job| self.write(vec![job]));
        }
        answer_all(group, &committed);
    }

    /// Runs a group in the engine's transaction that has just begun.
    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<()> {
        let written = group.iter_mut().try_for_each(|job| self.run(&mut **job));
        let committed = written.and_then(|()| self.step("COMMIT"));
        if committed.is_err() && self.in_transaction() {
            self.step("ROLLBACK")?;
        }
        committed
    }

    fn run(&mut self, job: &mut dyn Job) -> Result<()> {
        self.step("SAVEPOINT work")?;
        let keep = self.lend(|connection| job.run(connection));
        if !self.in_transaction() {
            return Err(broken("the engine gave up the group"));
        }
        if !keep {
            self.step("ROLLBACK TO work")?;
        }
        self.step("RELEASE work")
    }

    /// Gives the connection by value, so that the futures of the work are `Send`, and takes it back.
    fn lend(&mut self, work: impl FnOnce(&mut Connection) -> bool) -> bool {
        let Some(connection) = self.connection.take() else { return false };
        let mut lent = Connection::sqlite_writer(Session::writer(connection, self.file.clone()));
        let keep = work(&mut lent);
        self.connection = lent.into_sqlite();
        keep
    }

    fn step(&mut self, sql: &'static str) -> Result<()> {
        let Some(connection) = &self.connection else { return Err(broken("the connection is gone")) };
        let done = connection.prepare_cached(sql).and_then(|mut prepared| prepared.execute([]));
        done.map(|_| ()).map_err(|error| self.file.failed(sql, &error))
    }

    fn in_transaction(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.is_autocommit())
    }
}
