//! Users.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A user to be made.
#[derive(Clone, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct UserCreationReq {
    /// The name to sign in with.
    pub username: String,
    /// The password in clear; it is kept as a hash.
    pub password: String,
    /// Address for mail.
    #[serde(default)]
    pub email: String,
    /// The name people know.
    #[serde(default)]
    pub realname: String,
    /// What an administrator notes.
    #[serde(default)]
    pub comment: String,
}

impl std::fmt::Debug for UserCreationReq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserCreationReq").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct UserResp {
    /// Its id.
    pub user_id: i64,
    /// The name to sign in with.
    pub username: String,
    /// Address for mail.
    pub email: String,
    /// The name people know.
    pub realname: String,
    /// May do everything, by being made so here.
    pub sysadmin_flag: bool,
    /// May do everything, by a group of the source the user comes from.
    #[serde(default)]
    pub admin_role_in_auth: bool,
    /// What an administrator noted.
    #[serde(default)]
    pub comment: String,
    /// The identity source the user comes from; empty for the registry's own.
    #[serde(default)]
    pub source: String,
    /// Whether the user is kept from signing in.
    #[serde(default)]
    pub disabled: bool,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was changed last.
    #[serde(default)]
    pub update_time: Timestamp,
}

/// What people know of a user.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct UserProfile {
    /// Address for mail.
    #[serde(default)]
    pub email: String,
    /// The name people know.
    #[serde(default)]
    pub realname: String,
    /// What an administrator noted.
    #[serde(default)]
    pub comment: String,
}

/// Whether a user may do everything.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct UserSysAdminFlag {
    /// May do everything; absent for no.
    #[serde(default)]
    pub sysadmin_flag: bool,
}

/// A user as everybody who has signed in may find it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct UserSearchRespItem {
    /// Its id.
    pub user_id: i64,
    /// The name to sign in with.
    pub username: String,
}

/// A new password.
#[derive(Clone, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct PasswordReq {
    /// The one before; needed for one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_password: Option<String>,
    /// The password in clear; it is kept as a hash.
    pub new_password: String,
}
