//! What is in a row of `job`, and in those around it.

use std::fmt;
use std::str::FromStr;

use crate::database::value::{FromRow, FromValue, Row, Value, list as texts};
use crate::error::Result;
use crate::ids::Micros;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for its time and for a node.
    Pending,
    /// A node is at it.
    Running,
    /// A node is at it and has been asked to end.
    Stopping,
    /// It is done.
    Succeeded,
    /// It was given up.
    Failed,
    /// Somebody stopped it.
    Stopped,
}

/// Why there is a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked for it.
    Manual,
    /// Its schedule was due.
    Schedule,
    /// Something happened.
    Event,
}

/// A row of `job`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// What is done.
    pub kind: String,
    /// To what; at most one unfinished job has a kind and key.
    pub key: Option<String>,
    /// What it needs to know, JSON.
    pub payload: String,
    /// Where it stands.
    pub state: State,
    /// The larger, the sooner.
    pub priority: i64,
    /// It does not begin before this.
    pub run_after: Micros,
    /// How often it was begun.
    pub attempts: i64,
    /// How often it may be.
    pub max_attempts: i64,
    /// Whether it was asked for while it ran.
    pub again: bool,
    /// The node that is at it, or was last.
    pub holder: Option<String>,
    /// The number of holders so far.
    pub fence: i64,
    /// When its lease ends, by the database's clock; 0 without one.
    pub leased_until: Micros,
    /// How far it is, JSON.
    pub progress: Option<String>,
    /// What became of it, or of the last attempt: one line.
    pub message: String,
    /// Lines of its log so far.
    pub log_lines: i64,
    /// Why it is there.
    pub cause: Cause,
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
    /// When it began first.
    pub started_at: Option<Micros>,
    /// When it ended.
    pub finished_at: Option<Micros>,
}

/// A job to be put into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// What is done.
    pub kind: String,
    /// To what; none for a job that stands alone.
    pub key: Option<String>,
    /// What it needs to know, JSON.
    pub payload: String,
    /// The larger, the sooner.
    pub priority: i64,
    /// It does not begin before this; 0 for at once.
    pub run_after: Micros,
    /// How often it may be begun.
    pub max_attempts: i64,
    /// Why it is there.
    pub cause: Cause,
    /// Who asks for it.
    pub created_by: String,
}

/// What became of a job that was put into the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is there, under this number.
    New(i64),
    /// One of its kind and key is there already and has not begun, or will be begun again.
    Already(i64),
}

impl Enqueued {
    /// The number of the job that does the work.
    pub fn id(self) -> i64 {
        match self {
            Enqueued::New(id) | Enqueued::Already(id) => id,
        }
    }
}

/// Which jobs to list, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this key.
    pub key: Option<String>,
    /// In one of these states; all if empty.
    pub states: Vec<State>,
    /// Held by this node.
    pub holder: Option<String>,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1; the oldest lines of a long log are gone.
    pub sequence: i64,
    /// When.
    pub at: Micros,
    /// What.
    pub line: String,
}

/// How many jobs of a kind wait, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The kind.
    pub kind: String,
    /// How many wait.
    pub waiting: i64,
    /// When the oldest of them was due; 0 without one.
    pub oldest: Micros,
    /// Whether an administrator holds them back.
    pub paused: bool,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// A job waits whose time has come.
    pub jobs: bool,
    /// A lease has run out.
    pub expired: bool,
    /// A schedule is due.
    pub schedules: bool,
    /// Something happened.
    pub events: bool,
}

impl State {
    /// The word in the row.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Running => "running",
            State::Stopping => "stopping",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::Stopped => "stopped",
        }
    }

    /// Whether it has ended, one way or another.
    pub fn is_finished(self) -> bool {
        matches!(self, State::Succeeded | State::Failed | State::Stopped)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<State, String> {
        use State::{Failed, Pending, Running, Stopped, Stopping, Succeeded};
        [Pending, Running, Stopping, Succeeded, Failed, Stopped]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no state of a job"))
    }
}

impl Cause {
    /// The word in the row.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Manual => "manual",
            Cause::Schedule => "schedule",
            Cause::Event => "event",
        }
    }
}

impl From<State> for Value<'_> {
    fn from(state: State) -> Self {
        state.as_str().into()
    }
}

impl From<Cause> for Value<'_> {
    fn from(cause: Cause) -> Self {
        cause.as_str().into()
    }
}

impl FromValue for State {
    fn from_value(value: Value<'static>) -> Result<State, String> {
        String::from_value(value)?.parse()
    }
}

impl FromValue for Cause {
    fn from_value(value: Value<'static>) -> Result<Cause, String> {
        match String::from_value(value)?.as_str() {
            "manual" => Ok(Cause::Manual),
            "schedule" => Ok(Cause::Schedule),
            "event" => Ok(Cause::Event),
            other => Err(format!("{other:?} is no cause of a job")),
        }
    }
}

impl FromRow for State {
    fn from_row(row: &mut Row) -> Result<State> {
        row.take("value")
    }
}

impl Filter {
    pub(super) fn arguments(&self) -> Vec<Value<'_>> {
        let states = (!self.states.is_empty()).then(|| texts(&self.states));
        vec![self.kind.as_ref().into(), self.key.as_ref().into(), states.into(), self.holder.as_ref().into()]
    }
}

impl FromRow for Job {
    fn from_row(row: &mut Row) -> Result<Job> {
        Ok(Job {
            id: row.take("id")?,
            kind: row.take("kind")?,
            key: row.take("key")?,
            payload: row.take("payload")?,
            state: row.take("state")?,
            priority: row.take("priority")?,
            run_after: row.take("run_after")?,
            attempts: row.take("attempts")?,
            max_attempts: row.take("max_attempts")?,
            again: row.take("again")?,
            holder: row.take("holder")?,
            fence: row.take("fence")?,
            leased_until: row.take("leased_until")?,
            progress: row.take("progress")?,
            message: row.take("message")?,
            log_lines: row.take("log_lines")?,
            cause: row.take("cause")?,
            created_by: row.take("created_by")?,
            created_at: row.take("created_at")?,
            started_at: row.take("started_at")?,
            finished_at: row.take("finished_at")?,
        })
    }
}

impl FromRow for Due {
    fn from_row(row: &mut Row) -> Result<Due> {
        Ok(Due {
            jobs: row.take("jobs")?,
            expired: row.take("expired")?,
            schedules: row.take("schedules")?,
            events: row.take("events")?,
        })
    }
}

impl FromRow for Line {
    fn from_row(row: &mut Row) -> Result<Line> {
        Ok(Line { sequence: row.take("sequence")?, at: row.take("at")?, line: row.take("line")? })
    }
}

impl FromRow for Queue {
    fn from_row(row: &mut Row) -> Result<Queue> {
        Ok(Queue {
            kind: row.take("kind")?,
            waiting: row.take("waiting")?,
            oldest: row.take("oldest")?,
            paused: row.take("paused")?,
        })
    }
}
