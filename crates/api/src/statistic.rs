//! Numbers about the whole registry, as far as the caller may see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went on in an hour or a day.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Activity {
    /// When it began.
    pub time: Timestamp,
    /// Manifests that were pulled.
    pub pulls: i64,
    /// Manifests that were pushed.
    pub pushes: i64,
    /// Bytes of all blobs at its end; absent where nobody had looked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<i64>,
}

/// How much there is. Internal projects count among the private ones.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Statistic {
    /// Public projects.
    pub public_project_count: i64,
    /// Repositories in them.
    pub public_repo_count: i64,
    /// Other projects that the caller may see.
    pub private_project_count: i64,
    /// Repositories in them.
    pub private_repo_count: i64,
    /// All projects; for administrators, 0 for others.
    pub total_project_count: i64,
    /// All repositories; for administrators, 0 for others.
    pub total_repo_count: i64,
    /// Bytes of all blobs; for administrators, 0 for others.
    pub total_storage_consumption: i64,
}
