//! What the registry says of itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Facts that clients ask for before anything else.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct GeneralInfo {
    /// How users sign in; `db_auth` for users kept here.
    pub auth_mode: String,
    /// This version.
    pub harbor_version: String,
    /// The host name clients use.
    pub registry_url: String,
    /// Whether users may register themselves.
    pub self_registration: bool,
}

/// Whether the registry can do its work.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct OverallHealthStatus {
    /// `healthy` or `unhealthy`.
    pub status: String,
    /// The parts it stands on.
    pub components: Vec<ComponentHealthStatus>,
}

/// One part.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ComponentHealthStatus {
    /// Its name.
    pub name: String,
    /// `healthy` or `unhealthy`.
    pub status: String,
    /// Since when.
    pub since: jiff::Timestamp,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
