//! User groups, in Harbor's shapes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A group, as it is made, changed and shown.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct UserGroup {
    /// Its id.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub id: i64,
    /// The name to show.
    #[serde(default)]
    pub group_name: String,
    /// 1 of a directory, 2 HTTP, 3 of a provider.
    #[serde(default)]
    pub group_type: i16,
    /// A directory's group: its distinguished name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ldap_group_dn: String,
}

/// A group as a search shows it to everybody who is signed in.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct UserGroupSearchItem {
    /// Its id.
    pub id: i64,
    /// The name to show.
    pub group_name: String,
    /// As in [`UserGroup`].
    pub group_type: i16,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(id: &i64) -> bool {
    *id == 0
}
