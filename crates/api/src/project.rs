//! Projects, in Harbor's shapes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The settings of a project by name. Harbor writes truth values and numbers as strings. Beside Harbor's names there is
/// `visibility`: `private`, `internal` (whoever has signed in may pull) or `public`.
pub type ProjectMetadata = BTreeMap<String, String>;

/// A project to be made.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ProjectReq {
    /// Its name.
    pub project_name: String,
    /// Its settings; private where none are given.
    #[serde(default, deserialize_with = "absent_as_empty")]
    pub metadata: ProjectMetadata,
    /// Harbor's older place for `metadata.public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// How many bytes it may hold, if an administrator says so: -1 for no limit, 0 or absent for what the configuration
    /// says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_limit: Option<i64>,
}

/// A change to a project.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ProjectUpdate {
    /// The settings to change; those left out stay.
    #[serde(default, deserialize_with = "absent_as_empty")]
    pub metadata: ProjectMetadata,
    /// How many bytes it may hold; -1 for no limit, absent for no change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_limit: Option<i64>,
}

/// Clients send `null` for what they do not set, and settings they do not know as `null`.
fn absent_as_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<ProjectMetadata, D::Error> {
    let given: Option<BTreeMap<String, Option<String>>> = Option::deserialize(deserializer)?;
    let named = given.unwrap_or_default().into_iter();
    Ok(named.filter_map(|(name, value)| value.map(|value| (name, value))).collect())
}

/// A project.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Project {
    /// Its id.
    pub project_id: i64,
    /// The id of who made it; 0 if they are gone.
    pub owner_id: i64,
    /// Who made it.
    pub owner_name: String,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub metadata: ProjectMetadata,
    /// How many repositories it has.
    pub repo_count: i64,
    /// The highest of the caller's roles in it; 0 for none.
    pub current_user_role_id: i64,
    /// All of the caller's roles in it.
    pub current_user_role_ids: Vec<i64>,
    /// Whether the caller may change its settings.
    pub togglable: bool,
    /// Never; what is deleted is not listed.
    pub deleted: bool,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was changed last.
    pub update_time: Timestamp,
}

/// Numbers about a project.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ProjectSummary {
    /// Repositories.
    pub repo_count: i64,
    /// Members who are project administrators.
    pub project_admin_count: i64,
    /// Members who are maintainers.
    pub maintainer_count: i64,
    /// Members who are developers.
    pub developer_count: i64,
    /// Members who are guests.
    pub guest_count: i64,
    /// Members who are limited guests.
    pub limited_guest_count: i64,
    /// What it may hold and holds.
    pub quota: ProjectSummaryQuota,
}

/// What a project may hold and holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ProjectSummaryQuota {
    /// The limits.
    pub hard: ResourceList,
    /// What is used.
    pub used: ResourceList,
}

/// An amount of each resource; storage is the only one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ResourceList {
    /// Bytes; -1 for no limit.
    pub storage: i64,
}

/// Whether a project can be deleted.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ProjectDeletable {
    /// Whether it can.
    pub deletable: bool,
    /// Why not.
    pub message: String,
}
