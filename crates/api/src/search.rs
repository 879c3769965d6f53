//! What a search finds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::project::Project;

/// Projects and repositories whose names hold what was searched for.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct Search {
    /// Projects.
    pub project: Vec<Project>,
    /// Repositories.
    pub repository: Vec<SearchRepository>,
}

/// A repository that was found.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct SearchRepository {
    /// Its whole name.
    pub repository_name: String,
    /// Its project.
    pub project_name: String,
    /// Its project's id.
    pub project_id: i64,
    /// Whether its project is public.
    pub project_public: bool,
    /// How often it was pulled from.
    pub pull_count: i64,
    /// How many artifacts are in it.
    pub artifact_count: i64,
}
