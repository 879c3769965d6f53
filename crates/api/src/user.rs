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
    /// When it was made.
    pub creation_time: Timestamp,
}

/// A new password.
#[derive(Clone, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct PasswordReq {
    /// The password in clear; it is kept as a hash.
    pub new_password: String,
}
