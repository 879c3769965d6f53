//! Personal tokens and sessions of the one who asks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::robot::RobotPermission;

/// A personal token to be made.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct PersonalTokenReq {
    /// What its owner calls it.
    pub name: String,
    /// Days it lives, -1 or absent for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// What it leaves of its owner's rights; absent for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<RobotPermission>>,
}

/// A personal token that was just made.
#[derive(Clone, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct PersonalTokenCreated {
    /// Its id.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// The token, shown this once; sign in with it in place of the password.
    pub secret: String,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A personal token.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct PersonalToken {
    /// Its id.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// What it leaves of its owner's rights; absent for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<RobotPermission>>,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was used last, some seconds late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_time: Option<Timestamp>,
    /// From which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_from: Option<String>,
}

/// A browser's session.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Session {
    /// Its id.
    pub id: i64,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The address it began from.
    pub address: String,
    /// What the browser called itself.
    pub user_agent: String,
    /// When it began.
    pub creation_time: Timestamp,
    /// When it was used last, to the minute.
    pub last_used_time: Timestamp,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
}
