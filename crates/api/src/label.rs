//! Labels.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A label to be made or changed, or, with its id alone, to be put on an artifact.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct LabelReq {
    /// The label to put on an artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// `#RRGGBB`.
    #[serde(default)]
    pub color: String,
    /// `g`: the system's, `p`: a project's.
    #[serde(default)]
    pub scope: String,
    /// The project's id where the scope is `p`.
    #[serde(default)]
    pub project_id: i64,
}

/// A label.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Label {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `#RRGGBB`.
    pub color: String,
    /// `g`: the system's, `p`: a project's.
    pub scope: String,
    /// The project's id; 0 for the system's.
    pub project_id: i64,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was changed last.
    pub update_time: Timestamp,
}
