//! Jobs: in Hythe's own shape, and in those of Harbor's job service.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// What is done, in capitals.
    pub kind: String,
    /// To what; at most one unfinished job has a kind and key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `pending`, `running`, `stopping`, `succeeded`, `failed` or `stopped`.
    pub state: String,
    /// The larger, the sooner.
    pub priority: i64,
    /// What it needs to know.
    pub parameters: Value,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Value>,
    /// What became of it, or of the last attempt.
    pub message: String,
    /// How often it was begun.
    pub attempts: i64,
    /// How often it may be.
    pub max_attempts: i64,
    /// The node that is at it, or was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// `manual`, `schedule` or `event`.
    pub trigger: String,
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub creation_time: Timestamp,
    /// It does not begin before this.
    pub run_after: Timestamp,
    /// When it began first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
}

/// What does jobs: a node.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct WorkerPool {
    /// The node's name.
    pub worker_pool_id: String,
    /// Its process, where it is the one that answers; else 0.
    pub pid: i64,
    /// The node's name.
    pub host: String,
    /// How many jobs it does at once.
    pub concurrency: i64,
    /// When it began to do jobs.
    pub start_at: Timestamp,
    /// When it was heard of last.
    pub heartbeat_at: Timestamp,
}

/// One of the jobs that a node is at.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Worker {
    /// The node's name and the job's number.
    pub id: String,
    /// The node's name.
    pub pool_id: String,
    /// The kind of the job, in capitals.
    pub job_name: String,
    /// The job's number, as text.
    pub job_id: String,
    /// How far it is: JSON as text.
    pub check_in: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Timestamp>,
}

/// What waits of a kind of job.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct JobQueue {
    /// The kind, in capitals; `SCHEDULER` for what schedules would make.
    pub job_type: String,
    /// How many wait.
    pub count: i64,
    /// For how many seconds the oldest of them has.
    pub latency: i64,
    /// Whether they are held back.
    pub paused: bool,
}

/// What is to be done about what waits.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ActionRequest {
    /// `stop`, `pause` or `resume`.
    pub action: String,
}
