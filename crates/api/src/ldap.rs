//! Directories, in Harbor's shapes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What came of a trial.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct LdapPingResult {
    /// Whether it works.
    pub success: bool,
    /// Why not.
    pub message: String,
}

/// Somebody a directory knows.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct LdapUser {
    /// The name to sign in with.
    pub username: String,
    /// The name people know.
    pub realname: String,
    /// Address for mail.
    pub email: String,
}

/// People to make users of.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct LdapImportUsers {
    /// Their names.
    pub ldap_uid_list: Vec<String>,
}

/// Somebody who was not imported.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct LdapFailedImportUser {
    /// The name.
    pub uid: String,
    /// Why.
    pub error: String,
}

/// An OpenID provider to try.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct OidcPing {
    /// Its address.
    pub url: String,
    /// Whether its certificate is checked.
    #[serde(default)]
    pub verify_cert: bool,
}
