//! Projects.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A project to be made.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ProjectReq {
    /// Its name.
    pub project_name: String,
    /// Its settings; private where none are given.
    #[serde(default)]
    pub metadata: ProjectMetadata,
    /// Harbor's older place for `metadata.public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
}

/// The settings of a project. Harbor writes truth values as strings.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ProjectMetadata {
    /// `"true"` where everyone may pull.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<String>,
}

/// A project.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub project_id: i64,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub metadata: ProjectMetadata,
    /// When it was made.
    pub creation_time: Timestamp,
}

/// A change to a project.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ProjectUpdate {
    /// The settings to change; those left out stay.
    #[serde(default)]
    pub metadata: ProjectMetadata,
}
