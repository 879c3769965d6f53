//! What the registry says of itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Facts that clients ask for before anything else.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct GeneralInfo {
    /// How people are told to sign in; `db_auth` for users kept here.
    pub auth_mode: String,
    /// Whether the console goes to the provider at once.
    pub primary_auth_mode: bool,
    /// Whether users may register themselves.
    pub self_registration: bool,
    /// A line that the console shows to everybody, the text of a JSON object.
    pub banner_message: String,
    /// What people call the first OpenID provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc_provider_name: Option<String>,
    /// Every OpenID provider, in their order; Hythe's own.
    #[serde(default)]
    pub oidc_providers: Vec<OidcProvider>,
    /// What only those learn who have signed in.
    #[serde(flatten)]
    pub protected: Option<ProtectedInfo>,
}

/// An OpenID provider that people can sign in with.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct OidcProvider {
    /// What people call it.
    pub name: String,
    /// Where a browser begins.
    pub login_url: String,
}

/// Facts for those who have signed in.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ProtectedInfo {
    /// This version.
    pub harbor_version: String,
    /// The host name clients use.
    pub registry_url: String,
    /// The URL clients use.
    pub external_url: String,
    /// Now.
    pub current_time: jiff::Timestamp,
    /// Whether there is a root certificate to download.
    pub has_ca_root: bool,
    /// `everyone` or `adminonly`: who may make projects.
    pub project_creation_restriction: String,
    /// Whether pushes and changes are refused.
    pub read_only: bool,
    /// Whether notifications are sent.
    pub notification_enable: bool,
    /// `filesystem`, `s3` or `memory`.
    pub registry_storage_provider_name: String,
}

/// The disks behind the storage.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct SystemInfo {
    /// None where the storage does not tell its size.
    pub storage: Vec<Volume>,
}

/// One disk.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Volume {
    /// Room in all, in bytes.
    pub total: u64,
    /// Room that is left, in bytes.
    pub free: u64,
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

/// A setting of the node that answers: its own, given at its start, and not one that is changed at run time.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct NodeSetting {
    /// Its name in `hythe.toml`.
    pub key: String,
    /// Its value, secrets masked; none where nothing says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Who said so: `default`, a file with its line, a variable or a flag.
    pub origin: String,
    /// What it would be if nobody said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What it is for.
    pub description: String,
}
