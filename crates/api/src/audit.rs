//! The audit log, in Harbor's shapes with what Harbor leaves out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One event.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct AuditLogExt {
    /// Its number.
    pub id: i64,
    /// Who: a user's or robot's name, `anonymous` or `operator`.
    pub username: String,
    /// `user`, `robot`, `anonymous` or `operator`.
    pub principal_type: String,
    /// By what credential: `password`, `session:1`, `token:2`, `robot-secret:3`, …
    pub through: String,
    /// From which address.
    pub client_address: String,
    /// What the client called itself.
    pub user_agent: String,
    /// The request's id.
    pub request_id: String,
    /// The project's id, if it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<i64>,
    /// Which one.
    pub resource: String,
    /// What kind of thing.
    pub resource_type: String,
    /// What was done.
    pub operation: String,
    /// One line for a person.
    pub operation_description: String,
    /// Whether it was done, or refused.
    pub operation_result: bool,
    /// What it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it is after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The seal it is under; absent for some moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<i64>,
    /// When.
    pub op_time: Timestamp,
}

/// A kind of event.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct AuditLogEventType {
    /// Such as `create_user`.
    pub event_type: String,
}
