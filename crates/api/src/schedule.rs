//! Schedules and what they make, in Harbor's shapes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// When something is to be done.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ScheduleObj {
    /// `Hourly`, `Daily`, `Weekly` or `Custom` for a schedule, `Manual` for once and at once, `None` to end it.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// A cron expression of six fields with seconds first, or of five without.
    #[serde(default)]
    pub cron: String,
    /// The IANA's name of the zone whose clock it means; UTC without.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    /// When it is due next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub next_scheduled_time: Option<Timestamp>,
}

/// What is to be done, and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Schedule {
    /// When.
    #[serde(default)]
    pub schedule: ScheduleObj,
    /// What the job needs to know.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
}

/// A job that was done, or a schedule; of type `None` where there is none.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ExecHistory {
    /// Its number.
    pub id: i64,
    /// What is done, in capitals; empty for a schedule.
    pub job_name: String,
    /// `MANUAL`, `SCHEDULE` or `EVENT`; the cron expression for a schedule.
    pub job_kind: String,
    /// What the job needs to know: JSON as text.
    pub job_parameters: String,
    /// `Pending`, `Running`, `Success`, `Error`, `Stopped`; empty for a schedule.
    pub job_status: String,
    /// Always false.
    pub deleted: bool,
    /// When it is due, for a schedule; why it was done, for a job.
    pub schedule: ScheduleObj,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was changed last.
    pub update_time: Timestamp,
}

/// A schedule in the list of all.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ScheduleTask {
    /// Its number.
    pub id: i64,
    /// The kind of its jobs, in capitals.
    pub vendor_type: String,
    /// What they are about: the number in their key, -1 without one.
    pub vendor_id: i64,
    /// Their key.
    pub key: String,
    /// The cron expression.
    pub cron: String,
    /// The zone whose clock it means.
    pub time_zone: String,
    /// When it is due next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_scheduled_time: Option<Timestamp>,
    /// When it made a job last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_scheduled_time: Option<Timestamp>,
    /// The number of that job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_job_id: Option<i64>,
    /// Who set it last.
    pub created_by: String,
    /// When it was changed last.
    pub update_time: Timestamp,
}

/// Whether schedules are held back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct SchedulerStatus {
    /// They make no jobs now.
    pub paused: bool,
}
