//! What the registry says of itself.

use serde::{Deserialize, Serialize};

/// Facts that clients ask for before anything else.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
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
