//! Repositories.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A repository.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Repository {
    /// Its id.
    pub id: i64,
    /// Its project's id.
    pub project_id: i64,
    /// Its whole name, the project's first.
    pub name: String,
    /// What people say about it.
    pub description: String,
    /// Artifacts that stand for themselves, not as a part or an accessory of another.
    pub artifact_count: i64,
    /// How often it was pulled from.
    pub pull_count: i64,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When its description was changed last.
    pub update_time: Timestamp,
}

/// What can be changed about a repository.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RepositoryUpdate {
    /// What people say about it.
    #[serde(default)]
    pub description: String,
}
