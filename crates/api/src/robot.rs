//! Robots, in Harbor's shapes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A robot to be made.
#[derive(Clone, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct RobotCreate {
    /// Its name, without prefix and project.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// `project` or `system`.
    pub level: String,
    /// Kept from signing in.
    #[serde(default)]
    pub disable: bool,
    /// Days it lives, -1 for ever; absent for what the configuration says.
    #[serde(default)]
    pub duration: Option<i64>,
    /// What it may do.
    #[serde(default)]
    pub permissions: Vec<RobotPermission>,
    /// Its secret; absent or empty for a random one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl std::fmt::Debug for RobotCreate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RobotCreate")
            .field("name", &self.name)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

/// A robot to be made in a project by Harbor's older path.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct RobotCreateV1 {
    /// Its name, without prefix and project.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// When it stops working, seconds since the epoch, rounded up to whole days from now; -1 for never, absent or 0 for
    /// what the configuration says.
    #[serde(default)]
    pub expires_at: i64,
    /// What it may do in the project; `/project/1/repository` as a resource means `repository`.
    #[serde(default)]
    pub access: Vec<Access>,
}

/// What of a project's robot can be changed by Harbor's older path.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct RobotUpdateV1 {
    /// What it is for; absent for no change.
    #[serde(default)]
    pub description: Option<String>,
    /// Kept from signing in; absent for no change.
    #[serde(default)]
    pub disable: Option<bool>,
}

/// What a robot may do in one place.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RobotPermission {
    /// `project` or `system`.
    pub kind: String,
    /// `/` for the system; for projects `*`, a project, or a repository, which may end in `*`.
    pub namespace: String,
    /// What it may do there.
    pub access: Vec<Access>,
}

/// One permission.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Access {
    /// About what.
    pub resource: String,
    /// Which action.
    pub action: String,
    /// `allow`, or absent, which says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// A robot that was just made.
#[derive(Clone, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct RobotCreated {
    /// Its id.
    pub id: i64,
    /// Its full name, to sign in with.
    pub name: String,
    /// Its secret, shown this once.
    pub secret: String,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it stops working, seconds since the epoch; -1 for never.
    pub expires_at: i64,
}

/// A robot.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Robot {
    /// Its id.
    pub id: i64,
    /// Its full name, to sign in with.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `project` or `system`.
    pub level: String,
    /// Days it lives, -1 for ever.
    pub duration: i64,
    /// Whether it can be changed.
    pub editable: bool,
    /// Kept from signing in.
    pub disable: bool,
    /// When it stops working, seconds since the epoch; -1 for never.
    pub expires_at: i64,
    /// What it may do.
    pub permissions: Vec<RobotPermission>,
    /// Who made it.
    pub creator: String,
    /// When it was used last, some seconds late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_time: Option<Timestamp>,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was changed last.
    pub update_time: Timestamp,
}

/// A changed robot. Name and level cannot be changed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RobotUpdate {
    /// As before, or absent.
    #[serde(default)]
    pub name: Option<String>,
    /// As before, or absent.
    #[serde(default)]
    pub level: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Kept from signing in.
    #[serde(default)]
    pub disable: bool,
    /// Days from its making that it lives, -1 for ever; absent for no change.
    #[serde(default)]
    pub duration: Option<i64>,
    /// What it may do.
    #[serde(default)]
    pub permissions: Vec<RobotPermission>,
}

/// A robot's secret: the one wanted, or the one made.
#[derive(Clone, Default, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct RobotSec {
    /// The secret; absent or empty for a random one. In the answer only where it was made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Seconds that the old secret lives on; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_secret_expires_in: Option<u32>,
}

/// What robots can be given.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Permissions {
    /// Over the system.
    pub system: Vec<Access>,
    /// In projects.
    pub project: Vec<Access>,
}
