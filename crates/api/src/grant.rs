//! Grants: a role on a part of a project. Harbor has none; the shapes follow those of its members.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::member::{UserEntity, UserGroupEntity};

/// A grant to be made, for a user or a group.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct GrantReq {
    /// As for members.
    pub role_id: i64,
    /// A repository's full name, or the beginning of names followed by `*`: `team/app-*`.
    pub repository: String,
    /// A tag, or the beginning of tags followed by `*`; `*` for all.
    #[serde(default = "all_tags")]
    pub tag: String,
    /// A user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_user: Option<UserEntity>,
    /// A group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_group: Option<UserGroupEntity>,
}

fn all_tags() -> String {
    "*".to_owned()
}

/// A grant.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Grant {
    /// Its id.
    pub id: i64,
    /// The project's id.
    pub project_id: i64,
    /// The repositories.
    pub repository: String,
    /// The tags.
    pub tag: String,
    /// The user's or group's name.
    pub entity_name: String,
    /// `u`: a user, `g`: a group.
    pub entity_type: String,
    /// The user's or group's id.
    pub entity_id: i64,
    /// The role's id.
    pub role_id: i64,
    /// When it was made.
    pub creation_time: Timestamp,
}
