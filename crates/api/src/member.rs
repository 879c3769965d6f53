//! Members of a project, in Harbor's shapes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A user or a group to be given a role in a project; one of the two.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ProjectMember {
    /// 1 project administrator, 2 developer, 3 guest, 4 maintainer, 5 limited guest; custom roles from 100.
    pub role_id: i64,
    /// A user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_user: Option<UserEntity>,
    /// A group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_group: Option<UserGroupEntity>,
}

/// A user, by id or by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct UserEntity {
    /// The id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// The name to sign in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// A group, by id, by DN or by name and type.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct UserGroupEntity {
    /// The id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// 1 of a directory, 2 HTTP, 3 OpenID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_type: Option<i64>,
    /// The DN of a directory's group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ldap_group_dn: Option<String>,
}

/// A member's new role.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RoleRequest {
    /// As in [`ProjectMember`].
    pub role_id: i64,
}

/// A member as listed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct ProjectMemberEntity {
    /// The membership's id.
    pub id: i64,
    /// The project's id.
    pub project_id: i64,
    /// The user's or group's name.
    pub entity_name: String,
    /// `u`: a user, `g`: a group.
    pub entity_type: String,
    /// The user's or group's id.
    pub entity_id: i64,
    /// The role's id.
    pub role_id: i64,
    /// The role's name.
    pub role_name: String,
}
