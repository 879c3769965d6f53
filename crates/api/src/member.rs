//! Members of a project.

use serde::{Deserialize, Serialize};

/// A user to be given a role in a project.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ProjectMember {
    /// Harbor's id: 1 project administrator, 2 developer, 3 guest, 4 maintainer, 5 limited guest.
    pub role_id: i16,
    /// Who.
    pub member_user: MemberUser,
}

/// A user named by name.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct MemberUser {
    /// The name to sign in with.
    pub username: String,
}

/// A member as listed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ProjectMemberEntity {
    /// The user's id; it names the membership within its project.
    pub id: i64,
    /// The project's id.
    pub project_id: i64,
    /// The user's name.
    pub entity_name: String,
    /// `u`: a user.
    pub entity_type: String,
    /// The user's id.
    pub entity_id: i64,
    /// The role's id.
    pub role_id: i16,
    /// The role's name.
    pub role_name: String,
}
