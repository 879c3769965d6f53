//! Garbage collection, in Harbor's shapes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// When collections are to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct GCScheduleObj {
    /// `Hourly`, `Daily`, `Weekly` or `Custom` for a schedule, `Manual` for once and at once, `None` to end it.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// A cron expression of six fields with seconds first, or of five without.
    #[serde(default)]
    pub cron: String,
    /// When one is due next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub next_scheduled_time: Option<Timestamp>,
}

/// Which collections are to be made, and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct GCSchedule {
    /// When.
    #[serde(default)]
    pub schedule: GCScheduleObj,
    /// `delete_untagged` and `dry_run`; Harbor's others are taken and have no meaning.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
}

/// A collection, or the schedule; of type `None` where there is none.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct GCHistory {
    /// Its number.
    pub id: i64,
    /// `GARBAGE_COLLECTION`; empty for the schedule.
    pub job_name: String,
    /// `MANUAL` or `SCHEDULE`; the cron expression for the schedule.
    pub job_kind: String,
    /// What it is to do, and when it is done what it did: JSON as text.
    pub job_parameters: String,
    /// `Pending`, `Running`, `Success`, `Error`, `Stopped`; empty for the schedule.
    pub job_status: String,
    /// Always false.
    pub deleted: bool,
    /// When it is due, for the schedule; why it was done, for a collection.
    pub schedule: GCScheduleObj,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was changed last.
    pub update_time: Timestamp,
}
