//! Roles that an administrator made. Harbor has none; the five built-in ones are in the permission matrix.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A role to be made or changed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RoleReq {
    /// Its name; it cannot be changed later.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What it permits in a project: `repository:pull`, `tag:create`, …
    pub permissions: Vec<String>,
}

/// A role.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Role {
    /// Its id, to be given as `role_id`; at least 100.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it permits in a project.
    pub permissions: Vec<String>,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was changed last.
    pub update_time: Timestamp,
}
